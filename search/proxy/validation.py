"""The validation of a trained network, and the recomputation of its batch-norm statistics."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional
from torch.optim.swa_utils import update_bn

from search.data.augment import normalise
from search.data.dataset import Dataset
from search.data.fetching import fetcher
from search.proxy.accuracy import Validation, accuracy, ranks
from search.stats.hits import encode_hits

_VALIDATED = 256
"""The largest number of images in a validation batch on a CPU. On a GPU the largest number is this or more."""
_PIXELS = 2**22
"""The largest number of pixels in a validation batch on a GPU, unless `_VALIDATED` images have more. In few, large
batches, kernel launches take little time."""


@torch.no_grad()
def recalibrate(network: nn.Module, data: Dataset, device: torch.device, count: int) -> None:
    """Recompute the batch-norm statistics of `network` on the first `count` training images, without augmentation."""
    count = min(count, len(data.train))
    fetch = fetcher(data.train, count, device)
    batches = torch.arange(count).tensor_split(-(-count // _batch(device, data.resolution)))
    update_bn((normalise(fetch(indices)[0], data.mean, data.std) for indices in batches), network)


@torch.inference_mode()
def validate(
    network: nn.Module,
    data: Dataset,
    device: torch.device,
    most: int | None = None,
    *,
    flip_tta: bool = False,
) -> Validation:
    """Return the metrics of `network` on the validation split. The network is changed to evaluation mode.

    most: the number of images used, from the first on; None: all images. flip_tta: True to average the logits of an
    image and its mirror image, provided that the data may be mirrored.
    """
    network.eval()
    count = min(most or len(data.validation), len(data.validation))
    fetch = fetcher(data.validation, count, device)
    places, losses = [], []
    for indices in torch.arange(count).tensor_split(-(-count // _batch(device, data.resolution))):
        images, labels = fetch(indices)
        inputs = normalise(images, data.mean, data.std)
        logits = network(inputs)
        if flip_tta and data.flip:
            logits = (logits + network(inputs.flip(3))) / 2
        places.append(ranks(logits, labels))
        losses.append(functional.cross_entropy(logits, labels, reduction="sum"))
    loss = 0.0
    for value in torch.stack(losses).tolist():  # A loop, since `sum` rounds differently from Python 3.12 on.
        loss += value
    place, classes = torch.cat(places).cpu(), torch.tensor(data.validation.labels[:count])
    top1, top5 = (accuracy(place < first, classes, balanced=data.balance is not None) for first in (1, 5))
    hits = encode_hits((place < 1).tolist()) if data.balance is None else ""
    return Validation(top1, loss / count, top5 if len(data.classes) > 5 else None, hits)


def _batch(device: torch.device, resolution: int) -> int:
    """Return the largest number of images in a validation batch. resolution: the side of the images in pixels."""
    return _VALIDATED if device.type == "cpu" else max(_VALIDATED, _PIXELS // resolution**2)
