"""The seeded, stratified division of images into two disjoint parts, and their order within a split."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from search.data.hashing import uniform

Labels = NDArray[np.int64]


def held_out(labels: Labels, fraction: float, seed: int) -> NDArray[np.bool_]:
    """Return a mask (n,) of the held-out images: the `fraction` (0..1) of every class, rounded.

    A class of two or more images has at least one image in each part. A class of one image is not held out.
    """
    counts = np.bincount(labels)
    wanted = np.rint(counts * fraction).astype(np.int64).clip(1, np.maximum(counts - 1, 0))
    held: NDArray[np.bool_] = _rank(labels, seed) < wanted[labels]
    return held


def interleaved(labels: Labels, seed: int) -> NDArray[np.int64]:
    """Return a random order (n,) of the images in which every prefix is stratified.

    Among the first k images each class has nearly its share of all images, so that a cheap training may use a prefix.
    """
    jitter = uniform(seed, "jitter", np.arange(len(labels)))
    share = (_rank(labels, seed) + jitter) / np.bincount(labels)[labels]
    return np.argsort(share, kind="stable")


def _rank(labels: Labels, seed: int) -> NDArray[np.int64]:
    """Return the position (n,) of each image in a random order of its own class: 0, 1, 2, ..."""
    order = np.lexsort((uniform(seed, "split", np.arange(len(labels))), labels))
    first = np.searchsorted(labels[order], labels[order])
    rank = np.empty(len(labels), dtype=np.int64)
    rank[order] = np.arange(len(labels)) - first
    return rank
