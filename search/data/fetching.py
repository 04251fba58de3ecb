"""The access to the images of a split by index, on the device of a training."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from search.data.augment import gather
from search.data.dataset import Split

_RESIDENT = 2**31
"""The largest number of bytes of images that are kept on a GPU as a whole."""

Fetch = Callable[[Tensor], tuple[Tensor, Tensor]]


def fetcher(split: Split, count: int, device: torch.device) -> Fetch:
    """Return a function from indices (b,) to images uint8 (b, h, w, c) and labels (b,) on `device`.

    All indices must be below `count`. A GPU gets a copy of the first `count` images at once if they have up to
    `_RESIDENT` bytes. Otherwise each batch is read from the cache, which all workers share, or decoded if images are
    streamed.
    """

    def fetch(indices: Tensor) -> tuple[Tensor, Tensor]:
        images, labels = gather(split, indices)
        return images.to(device), labels.to(device)

    images = None if device.type == "cpu" else resident(split, count, device)
    if images is None:
        return fetch
    labels = torch.tensor(split.labels[:count], device=device)

    def index(indices: Tensor) -> tuple[Tensor, Tensor]:
        chosen = indices.to(device)
        return images[chosen], labels[chosen]

    return index


def resident(split: Split, count: int, device: torch.device) -> Tensor | None:
    """Return the first `count` images uint8 (count, h, w, c) on `device`; None if they exceed `_RESIDENT` bytes."""
    if count * math.prod(split.images.shape[1:]) > _RESIDENT:
        return None
    return gather(split, torch.arange(count))[0].to(device)
