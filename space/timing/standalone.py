"""What a network takes on its own: the time of a training step, of an inference, and memory at its peak.

Where other load comes and goes, the ratio to a reference in `space.timing.ratio` is steadier. These are for an idle
machine, and they say when it wasn't one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from statistics import median

import torch
from torch import Tensor, nn
from torch.nn import functional

from space.timing.clock import Step, Timer, timer_of, undisturbed
from space.timing.device import Device, this_device
from space.timing.ratio import median_and_spread, training_step

_FEWEST, _ATTEMPTS = 6, 3
"""Steps of a take: of fewer, no interval of 95% can be told. And takes."""
_WARM, _WARMUP_MOST = 0.05, 15
"""Warm-up ends when the medians of the last three steps and of the three before are within 5%, or after 15."""
_WAITED, _DRIFTED, _BUSY = 1.1, 0.05, 0.5
"""From when on it counts as interference: wall time over the device's; one half's median over the other's, less
1; and how many other processes compute, in the mean of the last minute."""


@dataclass(frozen=True, slots=True)
class Alone:
    """A time, and what it holds for.

    ms: median milliseconds on the device: CPU time of the one thread, or time on the GPU. spread: half its 95%
    interval, as a share of it. wall_ms: by the wall clock. repeats, warmup: steps that were timed, and not.
    batch, resolution: images, and pixels of a side. doubts: why the figure is not reliable, in words.
    """

    ms: float
    spread: float
    wall_ms: float
    repeats: int
    warmup: int
    batch: int
    resolution: int
    device: Device
    doubts: tuple[str, ...]

    @property
    def reliable(self) -> bool:
        """Whether nothing was noticed that would make another take differ."""
        return not self.doubts


def step_time(
    network: nn.Module,
    batch: Tensor,
    labels: Tensor,
    *,
    tolerance: float = 0.02,
    most: int = 60,
    dtype: torch.dtype | None = None,
    timer: Timer | None = None,
    load: Callable[[], float] = lambda: os.getloadavg()[0],
) -> Alone:
    """The time of a training step of `network`: forward, cross-entropy, backward, SGD with momentum.

    batch: (batch, channels, height, width) in the memory format to be timed; labels: (batch,). Steps are repeated
    until the spread is at most `tolerance` or there are `most`; where other work is noticed, three times over, and
    the take with the fewest doubts is given. The network is copied, and all random state is put back.
    load: how many processes compute or wait, this one counted; timer: for other devices. Both for tests, too.
    """
    with undisturbed(batch.device):
        step = training_step(deepcopy(network), batch, labels, dtype)
        return _settled(step, batch, dtype, tolerance, most, timer, load)


def latency(
    network: nn.Module,
    batch: Tensor,
    *,
    tolerance: float = 0.02,
    most: int = 100,
    dtype: torch.dtype | None = None,
    timer: Timer | None = None,
    load: Callable[[], float] = lambda: os.getloadavg()[0],
) -> Alone:
    """The time of an inference of `network` on `batch`, the network in evaluation mode; as `step_time`."""
    copy = deepcopy(network).eval()

    def step() -> None:
        with torch.inference_mode(), torch.autocast(batch.device.type, dtype, enabled=dtype is not None):
            copy(batch)

    with undisturbed(batch.device):
        return _settled(step, batch, dtype, tolerance, most, timer, load)


def peak_memory(network: nn.Module, batch: Tensor, labels: Tensor, dtype: torch.dtype | None = None) -> int:
    """Bytes that a training step of `network` needs at its peak, the images counted, torch itself not.

    On a GPU as its allocator tells. On a CPU what is alive when backward begins: images, weights, gradients,
    momentum and running statistics, and each storage that backward keeps, once.
    """
    with undisturbed(batch.device):
        copy = deepcopy(network)
        step = training_step(copy, batch, labels, dtype)
        step()  # Momentum is allocated by the first.
        if batch.is_cuda:
            torch.cuda.reset_peak_memory_stats(batch.device)
            before = torch.cuda.memory_allocated(batch.device)
            step()
            own = _bytes((*copy.parameters(), *copy.buffers(), batch)) + _bytes(copy.parameters())
            return torch.cuda.max_memory_allocated(batch.device) - before + own
        weights = list(copy.parameters())
        kept = {weight.untyped_storage().data_ptr(): 0 for weight in weights}
        kept[batch.untyped_storage().data_ptr()] = _bytes([batch])

        def keep(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            kept.setdefault(storage.data_ptr(), storage.nbytes())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            loss = functional.cross_entropy(copy.train()(batch), labels)
        total = sum(kept.values()) + 3 * _bytes(weights) + _bytes(copy.buffers())
        del loss
        return total


def _bytes(tensors: object) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)  # type: ignore[attr-defined]


def _settled(
    step: Step,
    batch: Tensor,
    dtype: torch.dtype | None,
    tolerance: float,
    most: int,
    timer: Timer | None,
    load: Callable[[], float],
) -> Alone:
    timer = timer or timer_of(batch.device)
    device = this_device(str(batch.device), str(dtype or torch.float32).removeprefix("torch."))
    warmup = _warm_up(step, timer)
    takes: list[Alone] = []
    while not takes or (takes[-1].doubts and len(takes) < _ATTEMPTS):
        times: list[tuple[float, float]] = []
        while len(times) < _FEWEST or (len(times) < most and _spread(times) > tolerance):
            times.append(timer(step))
        ms, spread = median_and_spread([own for own, _ in times])
        takes.append(
            Alone(
                ms=ms,
                spread=spread,
                wall_ms=median(wall for _, wall in times),
                repeats=len(times),
                warmup=warmup,
                batch=batch.shape[0],
                resolution=batch.shape[-1],
                device=device,
                doubts=tuple(_doubts(times, tolerance, load())),
            )
        )
    return min(takes, key=lambda take: (len(take.doubts), take.spread))


def _spread(times: list[tuple[float, float]]) -> float:
    return median_and_spread([own for own, _ in times])[1]


def _warm_up(step: Step, timer: Timer) -> int:
    """Runs steps until they take as long as those before; how many."""
    times: list[float] = []
    while len(times) < _WARMUP_MOST:
        times.append(timer(step)[0])
        if len(times) >= 6 and abs(median(times[-3:]) / median(times[-6:-3]) - 1) <= _WARM:
            break
    return len(times)


def _doubts(times: list[tuple[float, float]], tolerance: float, load: float) -> list[str]:
    own = [ms for ms, _ in times]
    waited = median(wall for _, wall in times) / median(own)
    half = len(own) // 2
    drift = median(own[half:]) / median(own[:half]) - 1
    found = {
        f"the median is known within {_spread(times):.1%} only": _spread(times) > tolerance,
        f"wall time is {waited:.2f} of the device's": waited > _WAITED,
        f"the second half took {drift:+.1%}": abs(drift) > _DRIFTED,
        f"other processes compute: the load is {load:.1f}": load > 1 + _BUSY,
    }
    return [doubt for doubt, holds in found.items() if holds]
