"""The step time of a network relative to a reference network, and step time and memory of a single network."""

from __future__ import annotations

import torch

from search.proxy.device import choose_device, precision_on
from search.proxy.device_lock import exclusive
from search.proxy.proxy import Precision, Proxy
from search.tables.units import plural
from space import Architecture, UserError
from space.network.network import build
from space.timing.ratio import StepTime, step_ratio
from space.timing.standalone import Timing, peak_memory, step_time

_WARMUP, _PAIRS, _MAX_PAIRS, _TOLERANCE = 1, 5, 20, 0.1
"""The warm-up steps, the initial and the largest number of pairs of steps, and the relative tolerance of the ratio.

The step ratio S enters the reward as S^-0.07. An error of 10 % of S changes the reward by 0.7 %, less than the effect
of another seed. The limit of 20 pairs keeps the measurement short if other processes disturb it.
"""
_GPU = 32
"""The factor by which a step on a GPU has more pixels: 64 images of 224 px, since 2 would not occupy the GPU."""


def measure(
    network: Architecture, reference: Architecture, proxy: Proxy, device: str = "", images: int | None = None
) -> StepTime:
    """Return the step times of `network` and `reference`, each on images of its own resolution, and their ratio.

    The step uses the precision of `proxy`. device: the device; "": `proxy.device`. images: the number of images in a
    step; None: the number follows from `proxy`. Raises `UserError` if the machine does not have the device.
    """
    place = choose_device(device or proxy.device)
    dtype = precision_on(place, proxy.precision)
    count = images or _images(reference, proxy, place)
    with torch.random.fork_rng(devices=[]):
        own, other = (
            build(one).to(place).to(memory_format=torch.channels_last) for one in (network, reference)
        )
        # The values of the pixels do not influence the time of a step.
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
) -> tuple[Timing, int]:
    """Return the time of a training step of `network` on `batch` images, and its peak memory in bytes.

    Raises `UserError` if the machine does not have the device, or if its memory is too small.
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
            return step, peak_memory(built, images, labels, dtype)
    except RuntimeError as error:
        if "memory" not in str(error):
            raise
        raise too_large("A step", batch) from None


def too_large(what: str, batch: int) -> UserError:
    """Return the error for a step that does not fit into memory. what: the subject of the message, e.g. "A step"."""
    advice = f" Try batch={batch // 2}." if batch > 1 else ""
    return UserError(f"{what} on {plural(batch, 'image')} does not fit into memory.{advice}")


def _images(reference: Architecture, proxy: Proxy, device: torch.device) -> int:
    """Return the number of images in a step. It depends only on the reference, the proxy and the device."""
    if proxy.step_pixels is None:
        return proxy.batch
    pixels = proxy.step_pixels * (1 if device.type == "cpu" else _GPU)
    return max(2, round(pixels / reference.resolution**2))
