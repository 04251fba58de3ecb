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


_BLOCK = 1024
"""The number of points of a sequence that are computed at a time. Sobol's sequence needs a power of 2."""


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

    Each step advances by about 0.618 (the golden section) of the number of points, so that every part of the walk is
    spread evenly. A proposal continues the walk after the latest point of the history, and starts over at its end.
    Points in the history are skipped. If no other point is left, `Exhausted` is raised.
    """

    def __init__(self, options: Sequence[int]) -> None:
        """Prepare the walk. options: the number of options of each choice."""
        self._options = options
        self._size = math.prod(options)
        # Steps of a golden section leave the most even gaps. A stride coprime to the size visits each point once.
        self._stride = max(1, round(self._size * (math.sqrt(5) - 1) / 2))
        while math.gcd(self._stride, self._size) > 1:
            self._stride += 1
        self._inverse = pow(self._stride, -1, self._size)

    def propose(self, history: Sequence[Observation], seed: int) -> Point:
        """Return the next point to try, see `Proposer.propose`."""
        known = {trial.point for trial in history}
        # A walk that always began at 0 would propose the points that were rejected before again, for every trial.
        begin = self._step(_proposed(history)[-1]) + 1 if history else 0
        for step in range(begin, begin + self._size):
            point = self._at(step * self._stride % self._size)
            if point not in known:
                return point
        raise Exhausted

    def _step(self, point: Point) -> int:
        """Return the step of the walk, from 0, that visits `point`."""
        number = 0
        for count, option in zip(self._options, point, strict=True):
            number = number * count + option
        return number * self._inverse % self._size

    def _at(self, number: int) -> Point:
        """Return the point at index `number` in the order in which the last choice changes fastest."""
        point: list[int] = []
        for count in reversed(self._options):
            number, option = divmod(number, count)
            point.append(option)
        return tuple(reversed(point))


class QuasiRandom(Sampler):
    """A sampler that follows a low-discrepancy sequence, which is spread more evenly than random points."""

    # A new proposal, instead of the nearest network, keeps the points as evenly spread as the sequence.
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
        self._points: list[Point] = []
        """The points of the sequence that have been computed so far."""

    def propose(self, history: Sequence[Observation], seed: int) -> Point:
        """Return the next point to try, see `Proposer.propose`."""
        if not self._options:
            return ()
        index = self._index(history)
        self._compute(index + 1)
        return self._points[index]

    def _index(self, history: Sequence[Observation]) -> int:
        """Return the index in the sequence after the latest point of the history.

        The history does not record how many points were rejected before a past trial. The trial's own point was not
        rejected, so it is the next equal point of the sequence. If the next `max_attempts` points do not contain it,
        then all attempts were rejected and the nearest network was taken, or the user named the network to be trained
        first.
        """
        index, attempts = 0, self._sampler.max_attempts
        for point in _proposed(history):
            self._compute(index + attempts)
            try:
                index = self._points.index(point, index, index + attempts) + 1
            except ValueError:
                index += attempts if index else 0
        return index

    def _compute(self, count: int) -> None:
        """Compute the first `count` points of the sequence, and some more."""
        if self._sequence is None:
            from scipy.stats import qmc

            kind = {"sobol": qmc.Sobol, "halton": qmc.Halton}[self._sampler.sequence]
            self._sequence = kind(len(self._options), scramble=True, rng=self._sampler.scramble)
        while len(self._points) < count:
            for fractions in self._sequence.random(_BLOCK).tolist():
                point = (int(x * count) for x, count in zip(fractions, self._options, strict=True))
                self._points.append(tuple(point))


def _proposed(history: Sequence[Observation]) -> list[Point]:
    """Return the points of the history in the order in which they were proposed, imported ones first."""
    return [trial.point for trial in sorted(history, key=lambda trial: trial.number)]
