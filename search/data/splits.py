"""Seeded, stratified splits: disjoint by construction, since every image is on one side of a mask."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from search.data.hashing import uniform

Labels = NDArray[np.int64]


def held_out(labels: Labels, fraction: float, seed: int) -> NDArray[np.bool_]:
    """Which of the images (n,) are held out: of every class the `fraction` (0..1), within one image.

    Each class has at least one image on both sides, so it needs two; a class of one stays where most are.
    """
    counts = np.bincount(labels)
    wanted = np.rint(counts * fraction).astype(np.int64).clip(1, np.maximum(counts - 1, 0))
    held: NDArray[np.bool_] = _rank(labels, seed) < wanted[labels]
    return held


def interleaved(labels: Labels, seed: int) -> NDArray[np.int64]:
    """A random order (n,) of the images whose every beginning is stratified too.

    The first k images hold each class in close to its proportion: a cheap training run may take a prefix.
    """
    jitter = uniform(seed, "jitter", np.arange(len(labels)))
    share = (_rank(labels, seed) + jitter) / np.bincount(labels)[labels]
    return np.argsort(share, kind="stable")


def _rank(labels: Labels, seed: int) -> NDArray[np.int64]:
    """The place (n,) of each image in a random order of its own class: 0, 1, 2, ..."""
    order = np.lexsort((uniform(seed, "split", np.arange(len(labels))), labels))
    first = np.searchsorted(labels[order], labels[order])
    rank = np.empty(len(labels), dtype=np.int64)
    rank[order] = np.arange(len(labels)) - first
    return rank
