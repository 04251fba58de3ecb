"""Where networks are measured for a profile: a device, made quiet, with a reference that takes turns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median

import torch
from torch import Tensor

from search.profiles.regression import Sample
from space import Architecture, UserError, cost
from space.network.network import Network, build
from space.timing.clock import Step, timer_of, undisturbed
from space.timing.device import Device
from space.timing.per_block import block_times
from space.timing.ratio import training_step

_SECONDS = 2.0
"""Of steps on a network: short ones are repeated more often, up to `_STEPS`; long ones average over themselves."""
_STEPS = (3, 6)
_WARMUP = 2


class Bench:
    """Measures networks. Made by `bench`."""

    def __init__(self, place: torch.device, batch: int, reference: Architecture, dtype: torch.dtype) -> None:
        self._place, self._batch, self._network = place, batch, reference
        self._dtype = None if dtype == torch.float32 else dtype
        self._reference: Step = training_step(*self._inputs(reference), self._dtype)
        timer = timer_of(place)
        times = [timer(self._reference)[0] for _ in range(2 * _WARMUP + 1)]
        self.reference_ms = median(times[_WARMUP:])
        """Of a training step of the reference, roughly: for estimates beforehand."""

    def seconds(self, networks: Sequence[Architecture]) -> float:
        """About how long `networks` take on a machine that is idle, if steps go with what is computed and written.

        Blocks and layers cost something however small they are, which is counted as if each network had half of
        the reference's.
        """
        unit = cost(self._network)
        sizes = [(cost(one).macs / unit.macs, cost(one).activations / unit.activations) for one in networks]
        each = [0.5 + 0.25 * (macs + activations) for macs, activations in sizes]
        return (self._steps() + _WARMUP + 1) * sum(1 + own for own in each) * self.reference_ms / 1e3

    def measure(self, architecture: Architecture) -> Sample:
        """The step of `architecture` and its blocks. Raises `UserError` where memory is too small for it."""
        try:
            found = block_times(
                *self._inputs(architecture),
                self._reference,
                steps=self._steps(),
                warmup=_WARMUP,
                max_steps=3 * self._steps(),
                dtype=self._dtype,
            )
        except RuntimeError as error:
            if "memory" not in str(error):
                raise
            raise UserError(
                f"A step of {architecture} on {self._batch} images does not fit into memory. Try batch="
                f"{max(1, self._batch // 2)}."
            ) from None
        return Sample(
            str(architecture),
            found.blocks,
            found.rest,
            found.step,
            found.spread,
            found.reference_ms,
            found.wall,
        )

    def _steps(self) -> int:
        least, most = _STEPS
        return max(least, min(most, round(_SECONDS * 1e3 / self.reference_ms))) if self.reference_ms else most

    def _inputs(self, architecture: Architecture) -> tuple[Network, Tensor, Tensor]:
        network = build(architecture).to(self._place).to(memory_format=torch.channels_last)
        shape = self._batch, architecture.channels, architecture.resolution, architecture.resolution
        images = torch.randn(shape).to(self._place).contiguous(memory_format=torch.channels_last)
        return network, images, torch.arange(self._batch, device=self._place) % architecture.classes


@contextmanager
def bench(device: Device, place: torch.device, batch: int, reference: Architecture) -> Iterator[Bench]:
    """A bench on `place`, which `device` describes, for steps on `batch` images."""
    with undisturbed(place):
        yield Bench(place, batch, reference, getattr(torch, device.precision))
