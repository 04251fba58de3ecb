"""The measurements for a profile of step times: steps of each network alternate with those of a reference network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median

import torch
from torch import Tensor

from search.profiles.regression import Sample
from search.proxy.device_lock import exclusive
from search.proxy.measure import too_large
from space import Architecture, cost
from space.network.network import Network, build
from space.timing.clock import Step, timer_of, undisturbed
from space.timing.device import Device
from space.timing.per_block import block_times
from space.timing.ratio import training_step

_SECONDS = 2.0
"""The seconds to spend on a network's steps. Short steps are repeated more often, within the range `_STEPS`."""
_STEPS = (3, 6)
_WARMUP = 2


class StepBench:
    """A bench that measures training steps on one device, in alternation with those of a reference network.

    Use `step_bench` to create one.
    """

    def __init__(self, place: torch.device, batch: int, reference: Architecture, dtype: torch.dtype) -> None:
        self._place, self._batch, self._network = place, batch, reference
        self._dtype = None if dtype == torch.float32 else dtype
        self._reference: Step = training_step(*self._inputs(reference), self._dtype)
        timer = timer_of(place)
        times = [timer(self._reference)[0] for _ in range(2 * _WARMUP + 1)]
        self.reference_ms = median(times[_WARMUP:])
        """The approximate time of a training step of the reference in milliseconds, to estimate the total time."""

    def seconds(self, networks: Sequence[Architecture]) -> float:
        """Return the estimated seconds to measure `networks` on an idle machine.

        Half of the reference's step time is assumed to be constant, since even the smallest layer takes some time.
        The rest is proportional to MACs and activations.
        """
        unit = cost(self._network)
        sizes = [(cost(one).macs / unit.macs, cost(one).activations / unit.activations) for one in networks]
        each = [0.5 + 0.25 * (macs + activations) for macs, activations in sizes]
        return (self._steps() + _WARMUP + 1) * sum(1 + own for own in each) * self.reference_ms / 1e3

    def measure(self, architecture: Architecture) -> Sample:
        """Return the time of a training step of `architecture` and of its blocks, as ratios to the reference's step.

        Raises `UserError` if a step does not fit into memory.
        """
        try:
            inputs = self._inputs(architecture)
            with exclusive(self._place):
                times = block_times(
                    *inputs,
                    self._reference,
                    steps=self._steps(),
                    warmup=_WARMUP,
                    max_steps=3 * self._steps(),
                    dtype=self._dtype,
                )
        except RuntimeError as error:
            if "memory" not in str(error):
                raise
            raise too_large(f"A step of {architecture}", self._batch) from None
        return Sample(
            str(architecture),
            times.blocks,
            times.rest,
            times.step,
            times.spread,
            times.reference_ms,
            times.wall,
        )

    def _steps(self) -> int:
        min_steps, max_steps = _STEPS
        if not self.reference_ms:
            return max_steps
        return max(min_steps, min(max_steps, round(_SECONDS * 1e3 / self.reference_ms)))

    def _inputs(self, architecture: Architecture) -> tuple[Network, Tensor, Tensor]:
        network = build(architecture).to(self._place).to(memory_format=torch.channels_last)
        shape = self._batch, architecture.channels, architecture.resolution, architecture.resolution
        images = torch.randn(shape).to(self._place).contiguous(memory_format=torch.channels_last)
        return network, images, torch.arange(self._batch, device=self._place) % architecture.classes


@contextmanager
def step_bench(
    device: Device, place: torch.device, batch: int, reference: Architecture
) -> Iterator[StepBench]:
    """Yield a bench on `place`, which `device` describes, for steps on `batch` images."""
    with undisturbed(place):
        yield StepBench(place, batch, reference, getattr(torch, device.precision))
