"""Absolute measurements of one network: the time of a training step or of an inference, and peak memory.

These measurements are for an idle machine, and report signs that it was not idle. Under changing load, the ratio to a
reference in `space.timing.ratio` is more stable.
"""

from __future__ import annotations

import math
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

_MIN_STEPS, _ATTEMPTS = 6, 3
"""The minimum number of timed steps (fewer have no 95% interval), and the maximum number of attempts."""
_WARM, _WARMUP_MAX = 0.05, 15
"""Warm-up ends when the medians of the last three steps and of the three before differ by at most 5%, or after 15."""
_WAITED, _DRIFTED, _BUSY = 1.1, 0.05, 0.5
"""The thresholds above which a measurement was disturbed: the wall time divided by the device's time; the relative
difference between the medians of the two halves of the steps; and the mean number of other computing processes over
the last minute."""


@dataclass(frozen=True, slots=True)
class Timing:
    """A measured time with its uncertainty and conditions.

    ms: the median milliseconds on the device: CPU time of the one thread, wall time of several, or time on the GPU.
    spread: half the 95% interval of `ms`, divided by `ms`. p95: the milliseconds that 95% of the repetitions do not
    exceed. wall_ms: the median wall time in milliseconds. repeats, warmup: the numbers of timed and of untimed steps.
    batch: the number of images. resolution: the width of the images in pixels. doubts: the reasons not to rely on the
    time: a spread above the tolerance, and signs of interference.
    """

    ms: float
    spread: float
    p95: float
    wall_ms: float
    repeats: int
    warmup: int
    batch: int
    resolution: int
    device: Device
    doubts: tuple[str, ...]

    @property
    def reliable(self) -> bool:
        """True if there are no `doubts`."""
        return not self.doubts


def step_time(
    network: nn.Module,
    batch: Tensor,
    labels: Tensor,
    *,
    tolerance: float = 0.02,
    max_steps: int = 60,
    dtype: torch.dtype | None = None,
    timer: Timer | None = None,
    load: Callable[[], float] = lambda: os.getloadavg()[0],
) -> Timing:
    """Return the measured time of a training step of `network`: forward, cross-entropy, backward, SGD with momentum.

    batch: (batch, channels, height, width) in the memory format to be timed. labels: (batch,) class indices. dtype:
    as in `space.timing.ratio.step_ratio`. Steps are repeated until the spread is at most `tolerance` or there are
    `max_steps`. If there are doubts (see `Timing`), the measurement is made up to three times, and the one with the
    fewest doubts is returned. The network is copied, and the global random state is restored. load: a function that
    returns the number of computing or waiting processes, including this one. timer: the timer for other devices.
    Tests replace both.
    """
    with undisturbed(batch.device):
        step = training_step(deepcopy(network), batch, labels, dtype)
        device = this_device(str(batch.device), str(dtype or torch.float32).removeprefix("torch."))
        timer = timer or timer_of(batch.device)
        return repeated(
            step, timer, device, tuple(batch.shape), tolerance=tolerance, max_steps=max_steps, load=load
        )


def peak_memory(network: nn.Module, batch: Tensor, labels: Tensor, dtype: torch.dtype | None = None) -> int:
    """Return the peak memory of a training step of `network` in bytes: images included, torch itself not.

    On a GPU this is the allocator's peak, without the tensors of other work. On a CPU it is the sum of the tensors
    that are alive when the backward pass begins: images, weights, gradients, momentum, running statistics, and each
    storage that is saved for the backward pass, once.
    """
    with undisturbed(batch.device):
        copy = deepcopy(network)
        step = training_step(copy, batch, labels, dtype)
        step()  # The first step allocates momentum.
        if batch.is_cuda:
            torch.cuda.reset_peak_memory_stats(batch.device)
            before = torch.cuda.memory_allocated(batch.device)
            step()
            own = _bytes((*copy.parameters(), *copy.buffers(), batch)) + _bytes(copy.parameters())
            return torch.cuda.max_memory_allocated(batch.device) - before + own
        weights = list(copy.parameters())
        saved = {weight.untyped_storage().data_ptr(): 0 for weight in weights}
        saved[batch.untyped_storage().data_ptr()] = _bytes([batch])

        def save(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            saved.setdefault(storage.data_ptr(), storage.nbytes())
            return tensor

        with (
            torch.autograd.graph.saved_tensors_hooks(save, lambda tensor: tensor),
            torch.autocast(batch.device.type, dtype, enabled=dtype is not None),
        ):
            loss = functional.cross_entropy(copy.train()(batch), labels)
        total = sum(saved.values()) + 3 * _bytes(weights) + _bytes(copy.buffers())
        del loss
        return total


def _bytes(tensors: object) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)  # type: ignore[attr-defined]


def repeated(
    step: Step,
    timer: Timer,
    device: Device,
    shape: tuple[int, ...],
    *,
    tolerance: float = 0.02,
    min_steps: int = _MIN_STEPS,
    max_steps: int = 100,
    load: Callable[[], float] = lambda: os.getloadavg()[0],
) -> Timing:
    """Return the time of a step, repeated until its spread is at most `tolerance` or there are `max_steps`.

    shape: the shape of the batch, (batch, channels, height, width). First the step is run untimed until its time is
    steady, at most 15 times. Then at least `min_steps` steps are timed. If there are doubts (see `Timing`), the
    timing is done up to three times, and the one with the fewest doubts is returned. device: the conditions to state
    in the result. load: as in `step_time`. Call this function inside `space.timing.clock.undisturbed`.
    """
    warmup = _warm_up(step, timer)
    takes: list[Timing] = []
    while not takes or (takes[-1].doubts and len(takes) < _ATTEMPTS):
        times: list[tuple[float, float]] = []
        while len(times) < min_steps or (len(times) < max_steps and _spread(times) > tolerance):
            times.append(timer(step))
        own = sorted(ms for ms, _ in times)
        ms, spread = median_and_spread(own)
        takes.append(
            Timing(
                ms=ms,
                spread=spread,
                p95=own[math.ceil(0.95 * len(own)) - 1],
                wall_ms=median(wall for _, wall in times),
                repeats=len(times),
                warmup=warmup,
                batch=shape[0],
                resolution=shape[-1],
                device=device,
                doubts=tuple(_doubts(times, tolerance, load() - device.threads + 1)),
            )
        )
    return min(takes, key=lambda take: (len(take.doubts), take.spread))


def _spread(times: list[tuple[float, float]]) -> float:
    return median_and_spread([own for own, _ in times])[1]


def _warm_up(step: Step, timer: Timer) -> int:
    """Run steps until three take as long as the three before, or up to `_WARMUP_MAX`; return their number."""
    times: list[float] = []
    while len(times) < _WARMUP_MAX:
        times.append(timer(step)[0])
        if len(times) >= 6 and abs(median(times[-3:]) / median(times[-6:-3]) - 1) <= _WARM:
            break
    return len(times)


def _doubts(times: list[tuple[float, float]], tolerance: float, load: float) -> list[str]:
    own = [ms for ms, _ in times]
    waited = median(wall for _, wall in times) / median(own)
    half = len(own) // 2
    drift = median(own[half:]) / median(own[:half]) - 1
    doubts = {
        f"the median is known within {_spread(times):.1%} only": _spread(times) > tolerance,
        f"wall time is {waited:.2f} times the time on the device": waited > _WAITED,
        f"the median of the second half of the steps differs by {drift:+.1%}": abs(drift) > _DRIFTED,
        f"other processes compute: the load is {load:.1f}": load > 1 + _BUSY,
    }
    return [doubt for doubt, holds in doubts.items() if holds]
