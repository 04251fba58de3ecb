"""How sure the mean accuracies of networks are that were all trained with the same few seeds.

The seeds are common random numbers: each decides the order of images and their augmentation for all networks
alike. So what a seed adds to all of them is taken out of comparisons (a two-way layout, networks by seeds,
without interaction), and the spread that remains is pooled over the networks: with three seeds, an interval
of each network's own would rest on two degrees of freedom.

What these intervals cover is the chance of training. All networks are validated on the same images; other
images would move their accuracies again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from search.stats.confidence import t_quantile


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean and half the width of its interval; None where the trainings cannot tell it."""

    mean: float
    half: float | None

    @property
    def beyond_chance(self) -> bool:
        """Whether the interval excludes 0."""
        return self.half is not None and abs(self.mean) > self.half


@dataclass(frozen=True)
class Layout:
    """Accuracies of networks (rows) for the same seeds (columns), none missing."""

    accuracies: Sequence[Sequence[float]]

    @property
    def seeds(self) -> int:
        """How many trainings each mean is made of: the n of every interval."""
        return len(self.accuracies[0])

    @cached_property
    def means(self) -> tuple[float, ...]:
        """Of every network, over the seeds."""
        return tuple(math.fsum(row) / len(row) for row in self.accuracies)

    @property
    def best(self) -> int:
        """The network of the highest mean, the first of equals."""
        return max(range(len(self.means)), key=lambda number: (self.means[number], -number))

    def mean(self, network: int) -> Estimate:
        """A network's mean accuracy. Its spread from seed to seed is pooled over all networks."""
        freedom = len(self.accuracies) * (self.seeds - 1)
        squares = math.fsum(
            (value - mean) ** 2
            for row, mean in zip(self.accuracies, self.means, strict=True)
            for value in row
        )
        return Estimate(self.means[network], _half(squares, freedom, 1 / self.seeds, 1))

    def difference(self, one: int, other: int, comparisons: int = 1) -> Estimate:
        """The mean of `one` less that of `other`, seed by seed.

        comparisons: how many are made with this layout; the interval is wide enough for all of them.
        """
        mean = self.means[one] - self.means[other]
        freedom = (len(self.accuracies) - 1) * (self.seeds - 1)
        return Estimate(mean, _half(self._residual, freedom, 2 / self.seeds, comparisons))

    def behind(self, network: int) -> Estimate:
        """The difference to the best network: 0 or less. One of as many comparisons as there are others."""
        return self.difference(network, self.best, max(1, len(self.accuracies) - 1))

    @cached_property
    def _residual(self) -> float:
        """The sum of squares that neither networks nor seeds account for."""
        seeds = [math.fsum(column) / len(column) for column in zip(*self.accuracies, strict=True)]
        overall = math.fsum(seeds) / len(seeds)
        return math.fsum(
            (value - mean - seed + overall) ** 2
            for row, mean in zip(self.accuracies, self.means, strict=True)
            for value, seed in zip(row, seeds, strict=True)
        )


def _half(squares: float, freedom: int, share: float, comparisons: int) -> float | None:
    """Half the interval of a mean with variance `share` times the pooled one, from Student's t."""
    if freedom < 1:
        return None
    return t_quantile(freedom, comparisons) * math.sqrt(squares / freedom * share)
