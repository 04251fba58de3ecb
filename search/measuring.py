"""The step time of a trial's network, beside that of the study's reference network."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from search.data.augment import gather, normalise
from search.data.dataset import Dataset
from search.proxy import Proxy
from search.training import choose_device, precision_on
from space import Architecture
from space.model import build
from space.timing import StepTime, step_ratio

_TOLERANCE = 0.05
_PAIRS = 39
"""A step time enters the reward with an exponent of about -0.07, so that 5 % of it are 0.35 % of the reward, less
than another seed's effect. The limit of pairs keeps the measurement below a tenth of a trial on a busy machine."""


def measure(
    network: Architecture, reference: Architecture, data: Dataset, proxy: Proxy, device: str = ""
) -> StepTime:
    """The time of a training step of `network` and of `reference`, both proxy networks, on a batch of `data`.

    The batch and the precision are the proxy's, and so is the device if none is given. Where the proxy leaves
    networks their own resolution, the reference gets the same images at its own.
    """
    place = choose_device(device or proxy.device)
    dtype = precision_on(place, proxy)
    images, labels = gather(data.train, torch.arange(min(proxy.batch, len(data.train))))
    own, other = (build(one).to(place).to(memory_format=torch.channels_last) for one in (network, reference))
    batch = normalise(images.to(place), data.mean, data.std)
    return step_ratio(
        own,
        other,
        batch,
        labels.to(place),
        reference_batch=_resized(batch, reference.resolution),
        dtype=None if dtype == torch.float32 else dtype,
        tolerance=_TOLERANCE,
        most=_PAIRS,
    )


def _resized(batch: Tensor, resolution: int) -> Tensor:
    """`batch` at `resolution` pixels a side. How is of no account: pixels do not change what a step costs."""
    if batch.shape[-1] == resolution:
        return batch
    return interpolate(batch, (resolution, resolution)).contiguous(memory_format=torch.channels_last)
