"""The treatment of classes of different sizes: the images of an epoch, and the weights of classes in the loss."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor


def epoch_order(
    labels: Tensor, balance: Literal["sample", "loss"] | None, generator: torch.Generator
) -> Tensor:
    """Return the images of an epoch (n,), in random order, as indices into `labels` (n,).

    Every image is shown once, unless `balance` is "sample". With "sample" the epoch has as many images, but all
    classes are shown equally often (up to one image). A random part of a large class is shown, and the images of a
    small class are repeated. Within a class, the numbers of times that images are shown differ by at most one.
    """
    if balance != "sample":
        return torch.randperm(len(labels), generator=generator)
    counts = labels.bincount()
    classes = [members for members in labels.argsort(stable=True).split(counts.tolist()) if len(members)]
    shares = [len(share) for share in torch.arange(len(labels)).tensor_split(len(classes))]
    shown = torch.cat(
        [_drawn(members, share, generator) for members, share in zip(classes, shares, strict=True)]
    )
    return shown[torch.randperm(len(shown), generator=generator)]


def _drawn(members: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Draw `count` times from `members` (k,) in shuffled rounds of all members. The last round may be cut off."""
    rounds = -(-count // len(members))
    orders = [torch.randperm(len(members), generator=generator) for _ in range(rounds)]
    return members[torch.cat([*orders, torch.arange(0)])[:count]]


def class_weights(labels: Tensor, classes: int) -> Tensor:
    """Return the weight of each class (classes,) in the loss, inversely proportional to its size.

    The mean weight of the images is 1. A class without images has the weight of a class of one image.
    """
    counts = labels.bincount(minlength=classes)
    return len(labels) / ((counts > 0).sum() * counts.clamp(min=1))
