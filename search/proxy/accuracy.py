"""The validation metrics of a network, and its accuracy: over all images, or as the mean over the classes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Validation:
    """The metrics of a network on images it was not trained on.

    accuracy: the share of images that are classified correctly, 0 to 1; for balanced data (`data.balance`), the mean
        of the shares of the classes.
    loss: the mean cross-entropy of all images, without label smoothing.
    top5: the same as accuracy, but an image counts as correct if its class is among the five most probable; None if
        there are at most five classes.
    hits: the images that are classified correctly, in the format of `search.stats.hits.encode_hits`; "" for more than
        `search.stats.hits.MAX_IMAGES` images, and for balanced data, since hits alone do not give their accuracy.
    """

    accuracy: float
    loss: float
    top5: float | None
    hits: str = ""


def ranks(logits: Tensor, labels: Tensor) -> Tensor:
    """Return for each image the number of classes that are more probable than its label, shape (b,).

    The number is 0 for a correctly classified image. Among equally probable classes the first counts as the most
    probable. logits: the outputs of the network, shape (b, classes). labels: the classes of the images, shape (b,).
    """
    own = logits.gather(1, labels.unsqueeze(1))
    before = torch.arange(logits.shape[1], device=labels.device) < labels.unsqueeze(1)
    return ((logits > own) | ((logits == own) & before)).sum(1)


def accuracy(right: Tensor, labels: Tensor, *, balanced: bool) -> float:
    """Return the share of correctly classified images, 0 to 1.

    right: True for each image that is classified correctly, shape (n,). labels: the classes of the images, shape
    (n,). balanced: if True, the mean of the shares of all classes in `labels` is returned.
    """
    if not balanced:
        return int(right.sum()) / len(right)
    seen = labels.bincount()
    hits = labels[right].bincount(minlength=len(seen))
    own = [hit / count for hit, count in zip(hits.tolist(), seen.tolist(), strict=True) if count]
    return math.fsum(own) / len(own)
