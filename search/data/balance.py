"""Classes of different sizes, evened out in training: which images an epoch shows, how much each counts."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor


def epoch_order(
    labels: Tensor, balance: Literal["sample", "loss"] | None, generator: torch.Generator
) -> Tensor:
    """The images of an epoch (n,), in random order, as places in `labels` (n,).

    Each of them once; with "sample" every class equally often, within one image, and within a class every image
    equally often, within once: of a large class a random part, the images of a small one several times.
    """
    if balance != "sample":
        return torch.randperm(len(labels), generator=generator)
    counts = labels.bincount()
    classes = [places for places in labels.argsort(stable=True).split(counts.tolist()) if len(places)]
    shares = [len(share) for share in torch.arange(len(labels)).tensor_split(len(classes))]
    shown = torch.cat(
        [_drawn(places, share, generator) for places, share in zip(classes, shares, strict=True)]
    )
    return shown[torch.randperm(len(shown), generator=generator)]


def _drawn(places: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """`count` of the places (k,), all of them anew as soon as all have been drawn."""
    rounds = -(-count // len(places))
    orders = [torch.randperm(len(places), generator=generator) for _ in range(rounds)]
    return places[torch.cat([*orders, torch.arange(0)])[:count]]


def class_weights(labels: Tensor, classes: int) -> Tensor:
    """How much an image of each class (classes,) counts: every class as much as every other; 1 on average."""
    counts = labels.bincount(minlength=classes)
    return len(labels) / ((counts > 0).sum() * counts.clamp(min=1))
