"""Samplers that follow a fixed sequence of points: baselines, and complete walks through small spaces."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from search.samplers.base import Exhausted, Observation, Permits, Sampler, every_network
from search.samplers.evolution import option_counts
from space import Point, Space

if TYPE_CHECKING:
    from scipy.stats.qmc import QMCEngine


class Grid(Sampler):
    """A sampler that tries each point of the space once, in an order that spreads the first points evenly."""

    max_attempts: ClassVar[int] = 10_000
    random: ClassVar[bool] = False
    multi_objective: ClassVar[bool] = True

    def proposer(
        self,
        space: Space,
        permits: Permits = every_network,
        trials: int | None = None,
        objectives: int = 1,
    ) -> GridWalk:
        return GridWalk(option_counts(space))


class GridWalk:
    """A proposer that visits every point of a space once.

    Its steps are near the golden section of the number of points, so that every beginning of the walk is spread
    evenly. Points in the history are skipped; after the last point it raises `Exhausted`.
    """

    def __init__(self, options: Sequence[int]) -> None:
        """Prepare the walk. options: the number of options of each choice."""
        self._options = options
        self._size = math.prod(options)
        # Steps of a golden section leave the most even gaps. A stride coprime to the size visits each point once.
        self._stride = max(1, round(self._size * (math.sqrt(5) - 1) / 2))
        while math.gcd(self._stride, self._size) > 1:
            self._stride += 1

    def propose(self, history: Sequence[Observation], seed: int) -> Point:
        """See `Proposer`."""
        known = {trial.point for trial in history}
        for step in range(self._size):
            point = self._at(step * self._stride % self._size)
            if point not in known:
                return point
        raise Exhausted

    def _at(self, number: int) -> Point:
        """Return the point at index `number` in the order in which the last choice changes fastest."""
        point: list[int] = []
        for count in reversed(self._options):
            number, option = divmod(number, count)
            point.append(option)
        return tuple(reversed(point))


class QuasiRandom(Sampler):
    """A sampler that follows a low-discrepancy sequence, which is spread more evenly than random points."""

    # Asking again keeps the permitted points as evenly spread as the sequence is.
    max_attempts: ClassVar[int] = 1000
    random: ClassVar[bool] = False
    multi_objective: ClassVar[bool] = True

    sequence: Literal["sobol", "halton"] = "sobol"
    scramble: int = Field(default=0, ge=0, lt=2**32)
    """The seed by which the sequence is scrambled (Owen 1998). Another seed gives another, equally even sequence."""

    def proposer(
        self,
        space: Space,
        permits: Permits = every_network,
        trials: int | None = None,
        objectives: int = 1,
    ) -> SequenceWalk:
        return SequenceWalk(option_counts(space), self)


class SequenceWalk:
    """A proposer that follows a low-discrepancy sequence in a space. Points can repeat."""

    def __init__(self, options: Sequence[int], sampler: QuasiRandom) -> None:
        """Prepare the sequence. options: the number of options of each choice."""
        self._options, self._sampler = options, sampler
        self._sequence: QMCEngine | None = None

    def propose(self, history: Sequence[Observation], seed: int) -> Point:
        """See `Proposer`. The length of the history is the index in the sequence."""
        if not self._options:
            return ()
        if self._sequence is None:
            from scipy.stats import qmc

            kind = {"sobol": qmc.Sobol, "halton": qmc.Halton}[self._sampler.sequence]
            self._sequence = kind(len(self._options), scramble=True, rng=self._sampler.scramble)
        self._sequence.reset()
        if history:
            self._sequence.fast_forward(len(history))
        (fractions,) = self._sequence.random(1)
        return tuple(int(x * count) for x, count in zip(fractions, self._options, strict=True))
