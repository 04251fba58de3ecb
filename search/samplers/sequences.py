"""Strategies that walk a sequence of points, whatever came of them: for baselines, and for whole small spaces."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from search.samplers.base import Exhausted, Observation, Sampler
from space import Choice, Point

if TYPE_CHECKING:
    from scipy.stats.qmc import QMCEngine


class Grid(Sampler):
    """Every point of the space, each network once. What is seen of it before the end is spread evenly over it."""

    patience: ClassVar[int] = 10_000
    random: ClassVar[bool] = False

    def proposer(self, choices: Sequence[Choice]) -> Walking:
        return Walking([len(choice.options) for choice in choices])

    def compromising(self, choices: Sequence[Choice], objectives: int) -> Walking:
        return self.proposer(choices)


class Walking:
    """A walk over all points of a space with so many options in each choice."""

    def __init__(self, options: Sequence[int]) -> None:
        self._options = options
        self._size = math.prod(options)
        # Steps of a golden section of the whole leave the most even gaps; coprime, they meet every point once.
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
        """Point `number` in the order of the document, the last choice changing fastest."""
        point: list[int] = []
        for count in reversed(self._options):
            number, option = divmod(number, count)
            point.append(option)
        return tuple(reversed(point))


class QuasiRandom(Sampler):
    """A low-discrepancy sequence: points as random ones, but more evenly spread. For baselines and first models."""

    # What the limits leave of the sequence is as evenly spread there as the sequence is.
    patience: ClassVar[int] = 1000
    random: ClassVar[bool] = False

    sequence: Literal["sobol", "halton"] = "sobol"
    scramble: int = Field(default=0, ge=0, lt=2**32)
    """The seed of its scrambling (Owen 1998): another is another sequence, as good."""

    def proposer(self, choices: Sequence[Choice]) -> Following:
        return Following([len(choice.options) for choice in choices], self)

    def compromising(self, choices: Sequence[Choice], objectives: int) -> Following:
        return self.proposer(choices)


class Following:
    """A sequence in a space with so many options in each choice."""

    def __init__(self, options: Sequence[int], sampler: QuasiRandom) -> None:
        self._options, self._sampler = options, sampler
        self._sequence: QMCEngine | None = None

    def propose(self, history: Sequence[Observation], seed: int) -> Point:
        """See `Proposer`. One after the other: their number is the place in the sequence."""
        if not self._options:
            return ()
        if self._sequence is None:
            from scipy.stats import qmc

            kind = {"sobol": qmc.Sobol, "halton": qmc.Halton}[self._sampler.sequence]
            self._sequence = kind(len(self._options), scramble=True, rng=self._sampler.scramble)
        self._sequence.reset()
        if history:
            self._sequence.fast_forward(len(history))
        (place,) = self._sequence.random(1)
        return tuple(int(x * count) for x, count in zip(place, self._options, strict=True))
