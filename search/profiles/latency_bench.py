"""The measurements for a profile of latencies: inferences of each network alternate with those of a reference.

A network is timed as a whole, as it is exported. The share of each block is measured inside the whole network, in
onnxruntime by its profiler, on the nodes that remain after fusion, or in torch by times taken between blocks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import inf

import torch

from search.models.inference import Conditions, fresh, prepared, quiet, within_memory
from search.profiles.regression import Sample
from search.proxy.device_lock import exclusive
from space import Architecture, cost
from space.network.network import build
from space.timing.clock import Timer, settled
from space.timing.ratio import StepTime, in_turns

_MIN_MS = 4.0
"""The minimum duration of a timing in milliseconds. Short inferences are repeated."""
_PAIRS, _MAX_PAIRS, _TOLERANCE = 9, 36, 0.01
"""The first and the largest number of pairs of timings, and the spread of their ratio at which timing ends."""
_QUIET, _TAKES = 1.1, 8
"""The largest ratio of the reference's time to its shortest time at which a measurement counts as undisturbed, and
the largest number of attempts at such a measurement. Other processes and virtual machines on the same core or cache
made the reference up to 2.5 times as slow, and shifted ratios by up to 20 %."""
_TIMINGS = 60
"""The number of timings of a network (each `_MIN_MS` or more), with warm-up and profile, in estimates of time."""
_SETUP = 1.0
"""The seconds to build, export and load a small network, in estimates of time. Larger networks take longer."""


class LatencyBench:
    """A bench that measures latencies under fixed conditions, in alternation with a reference network.

    Use `latency_bench` to create one.
    """

    def __init__(
        self, conditions: Conditions, timer: Timer, reference: Architecture, fastest_ms: float = inf
    ) -> None:
        self._conditions, self._network = conditions, reference
        self._timer = settled(timer, _MIN_MS)
        self._place = conditions.place
        began = time.monotonic()
        with within_memory(reference, conditions.batch):
            self._reference = prepared(fresh(build(reference)), conditions).run
            self._setup = time.monotonic() - began
            self.reference_ms = min(self._timer(self._reference)[0] for _ in range(3))
        """The approximate milliseconds of an inference of the reference, to estimate the total time."""
        self._fastest = min(self.reference_ms, fastest_ms)

    def seconds(self, networks: Sequence[Architecture]) -> float:
        """Return the estimated seconds to measure `networks` on an idle machine."""
        unit = cost(self._network)
        shares = [0.5 + 0.5 * cost(network).macs / unit.macs for network in networks]
        runs = sum(max(_MIN_MS, share * self.reference_ms) for share in shares)
        own = max(_MIN_MS, self.reference_ms) * len(networks)
        return _TIMINGS * (runs + own) / 1e3 + (self._setup + _SETUP) * len(networks)

    def ratio(self, architecture: Architecture) -> float:
        """Return the measured latency of `architecture`, divided by the latency of the reference network.

        Raises the errors of the method `time`.
        """
        return self.time(architecture).ratio

    def time(self, architecture: Architecture) -> StepTime:
        """Return the time of an inference of `architecture`, measured in alternation with the reference.

        Raises `UserError` if the inference does not fit into memory or needs an operation that the runtime lacks.
        """
        with within_memory(architecture, self._conditions.batch):
            return self._undisturbed(prepared(fresh(build(architecture)), self._conditions).run)

    def measure(self, architecture: Architecture) -> Sample:
        """Return the time of an inference of `architecture` and of its blocks, as ratios to the reference's time.

        Raises the errors of the method `time`.
        """
        with within_memory(architecture, self._conditions.batch):
            inference = prepared(fresh(build(architecture)), self._conditions)
            taken = self._undisturbed(inference.run)
            with exclusive(self._place):
                blocks = inference.blocks()
        *shares, rest = _shares(blocks, taken.ratio)
        return Sample(
            architecture=str(architecture),
            blocks=tuple(shares),
            rest=rest,
            step=taken.ratio,
            spread=taken.spread,
            reference_ms=taken.reference_ms,
            wall=taken.wall_ms / taken.ms,
        )

    def _undisturbed(self, run: Callable[[], None]) -> StepTime:
        """Repeat the measurement until the reference is about as fast as it ever was, at most `_TAKES` times.

        Returns the measurement in which the reference was fastest.
        """
        taken: list[StepTime] = []
        while len(taken) < _TAKES and not (taken and taken[-1].reference_ms <= _QUIET * self._fastest):
            with exclusive(self._place):
                taken.append(in_turns(self._timer, run, self._reference, _PAIRS, _TOLERANCE, _MAX_PAIRS))
            self._fastest = min(self._fastest, taken[-1].reference_ms)
        return min(taken, key=lambda one: one.reference_ms)


def _shares(times: Sequence[float], total: float) -> list[float]:
    """Return the times of blocks, scaled to the sum `total`, since another clock measured the whole network."""
    return [total * time / sum(times) for time in times]


@contextmanager
def latency_bench(
    conditions: Conditions, reference: Architecture, fastest_ms: float = inf
) -> Iterator[LatencyBench]:
    """Yield a bench for inferences under `conditions`. Raises `UserError` for conditions that cannot be met.

    fastest_ms: the milliseconds of the reference on an undisturbed machine, if they are known from a profile.
    """
    with quiet(conditions) as timer, torch.random.fork_rng(devices=[]):
        yield LatencyBench(conditions, timer, reference, fastest_ms)
