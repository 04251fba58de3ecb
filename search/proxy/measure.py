"""The step time of a trial's network beside that of the study's reference network, and what a network takes alone."""

from __future__ import annotations

import torch

from search.proxy.device import choose_device, precision_on
from search.proxy.device_lock import exclusive
from search.proxy.proxy import Precision, Proxy
from space import Architecture, UserError
from space.network.network import build
from space.timing.ratio import StepTime, step_ratio
from space.timing.standalone import Timing, latency, peak_memory, step_time

_WARMUP, _PAIRS, _MAX_PAIRS, _TOLERANCE = 2, 7, 21, 0.05
"""S enters a reward as S^-0.07, so that 5 % of it are 0.35 % of the reward, less than another seed's effect. At
most 21 pairs keep the measurement short where other load makes them differ."""
_GPU = 32
"""Times the pixels of a step, for a GPU: 64 images of 224 px and not 2, which would not occupy it."""


def measure(
    network: Architecture, reference: Architecture, proxy: Proxy, device: str = "", images: int | None = None
) -> StepTime:
    """Measure a training step of `network` and of `reference`, each on images of its own resolution.

    The precision is the proxy's, and so are the number of images and the device if none is given.
    """
    place = choose_device(device or proxy.device)
    dtype = precision_on(place, proxy.precision)
    count = images or _images(reference, proxy, place)
    with torch.random.fork_rng(devices=[]):
        own, other = (
            build(one).to(place).to(memory_format=torch.channels_last) for one in (network, reference)
        )
        # What the pixels show is of no account to the time of a step.
        batch, reference_batch = (
            torch.randn(count, one.channels, one.resolution, one.resolution)
            .to(place)
            .contiguous(memory_format=torch.channels_last)
            for one in (network, reference)
        )
    with exclusive(place):
        return step_ratio(
            own,
            other,
            batch,
            torch.arange(count, device=place) % network.classes,
            reference_batch=reference_batch,
            pairs=_PAIRS,
            warmup=_WARMUP,
            tolerance=_TOLERANCE,
            max_pairs=_MAX_PAIRS,
            dtype=None if dtype == torch.float32 else dtype,
        )


def alone(
    network: Architecture, *, batch: int, device: str = "auto", precision: Precision = "auto"
) -> tuple[Timing, Timing, int]:
    """Measure a training step of `network` on `batch` images, an inference, and the peak memory in bytes.

    Raises `UserError` for a device that isn't here, and if memory is too small.
    """
    place = choose_device(device)
    computes = precision_on(place, precision)
    dtype = None if computes == torch.float32 else computes
    shape = batch, network.channels, network.resolution, network.resolution
    try:
        with torch.random.fork_rng(devices=[]):
            built = build(network).to(place).to(memory_format=torch.channels_last)
            images = torch.randn(shape).to(place).contiguous(memory_format=torch.channels_last)
        labels = torch.arange(batch, device=place) % network.classes
        with exclusive(place):
            step = step_time(built, images, labels, dtype=dtype)
            return step, latency(built, images, dtype=dtype), peak_memory(built, images, labels, dtype)
    except RuntimeError as error:
        if "memory" not in str(error):
            raise
        raise UserError(
            f"A step on {batch} images does not fit into memory. Try batch={batch // 2}."
        ) from None


def _images(reference: Architecture, proxy: Proxy, device: torch.device) -> int:
    """Return the number of images in a step: the same for all networks of a study, as the reference is."""
    if proxy.step_pixels is None:
        return proxy.batch
    pixels = proxy.step_pixels * (1 if device.type == "cpu" else _GPU)
    return max(2, round(pixels / reference.resolution**2))
