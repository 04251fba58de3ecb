"""The share of correctly classified images: of all images, or class by class where they are balanced."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Validation:
    """The metrics of a network on images it was not trained on.

    accuracy: 0..1; where the data are balanced (`data.balance`), the mean of every class's own. loss: mean
    cross-entropy of all images, without smoothing. top5: like accuracy, with the class among the five likeliest;
    None where there are no more than five. hits: the images that are classified correctly, as
    `search.stats.hits.encode_hits` writes them; "" for balanced data, whose accuracy is not their mean.
    """

    accuracy: float
    loss: float
    top5: float | None
    hits: str = ""


def ranks(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the number of classes (b,) that are likelier than `labels` (b,): 0 for a correct image.

    logits: (b, classes). Of classes that are equally likely the first counts as likelier.
    """
    own = logits.gather(1, labels.unsqueeze(1))
    before = torch.arange(logits.shape[1], device=labels.device) < labels.unsqueeze(1)
    return ((logits > own) | ((logits == own) & before)).sum(1)


def accuracy(right: Tensor, labels: Tensor, *, balanced: bool) -> float:
    """Return the share of `right` images (n,), 0 to 1; balanced: its mean over the classes in `labels` (n,)."""
    if not balanced:
        return int(right.sum()) / len(right)
    seen = labels.bincount()
    hits = labels[right].bincount(minlength=len(seen))
    own = [hit / count for hit, count in zip(hits.tolist(), seen.tolist(), strict=True) if count]
    return math.fsum(own) / len(own)
