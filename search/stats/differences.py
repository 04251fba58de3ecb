"""Significant differences among networks: one two-sided test for all pairs at once.

Every comparison of trained networks in the package uses this test (int8 against float32 has its own paired interval).
Tukey's studentized range compares all pairs with one family-wise error rate, so the best network may be chosen after
the results are known. An accuracy has two sources of error, the seed of the training and the choice of images:

Seeds: The error is the spread of the trainings of one network, pooled over the networks. If all networks share their
seeds, the common effect of a seed on all networks is removed (a two-way layout, networks by seeds, without
interaction).

Images: All networks are validated on the same images. If it is known which images each network gets right, the
differences image by image give the error (a paired comparison). If only the accuracies are known, the images count as
independent for each network, which is never too optimistic for networks that err on the same images.

An interval over seeds and images is never narrower than the interval over seeds alone. Satterthwaite's degrees of
freedom depend on the estimated spread of seeds. Without this rule, intervals after two trainings of two networks
would hold in as few as 87 % of cases.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from search.stats.confidence import CONFIDENCE, image_deviation, t_quantile
from search.stats.studentized_range import range_probability, range_quantile

_ROUNDING = 1e-12
"""The standard error below which accuracies count as equal."""
Errors = tuple[tuple[float, float], ...]
"""Standard errors with their degrees of freedom. The widest of their intervals is used."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its 95 % interval.

    half: half the width of the interval; None if there is no interval, for instance because there are too few
    trainings.
    """

    mean: float
    half: float | None

    @property
    def significant(self) -> bool:
        """True if the interval excludes 0."""
        return self.half is not None and abs(self.mean) > self.half

    @property
    def low(self) -> float | None:
        """The lower end of the interval."""
        return None if self.half is None else self.mean - self.half

    @property
    def high(self) -> float | None:
        """The upper end of the interval."""
        return None if self.half is None else self.mean + self.half


@dataclass(frozen=True, slots=True)
class Spread:
    """The standard deviation of one network's accuracy (0 to 1) from seed to seed, with its degrees of freedom."""

    deviation: float
    freedom: float


@dataclass(frozen=True)
class Differences:
    """The differences of the mean accuracies of several networks.

    accuracies: the accuracies of the trainings of each network. common_seeds: True if all networks have the same
    seeds, in the same order. images: the effective number of images that all accuracies are measured on
    (`search.data.Dataset.effective_images`); None: the choice of images is not counted as an uncertainty. hits: the
    share of trainings that get each image right, for each network; None if it is unknown for a network. spread: the
    spread known from other trainings; None: estimated from `accuracies`.
    """

    accuracies: Sequence[Sequence[float]]
    common_seeds: bool = False
    images: float | None = None
    hits: Sequence[Sequence[float]] | None = None
    spread: Spread | None = None

    @cached_property
    def means(self) -> tuple[float, ...]:
        """The mean accuracy of each network."""
        return tuple(math.fsum(row) / len(row) for row in self.accuracies)

    @property
    def best(self) -> int:
        """The index of the network with the highest mean; the first one if several means are equal."""
        return max(range(len(self.means)), key=lambda number: (self.means[number], -number))

    @property
    def seeds(self) -> int:
        """The number of trainings of the network that has the fewest."""
        return min(map(len, self.accuracies))

    def mean(self, network: int) -> Estimate:
        """Return a network's mean accuracy, 0 to 1, with its 95 % interval over seeds and images.

        The interval holds for this mean alone. There is none if no network has two trainings and no spread is given,
        or if neither seeds nor images vary.
        """
        spread = self._within
        if spread is None:
            return Estimate(self.means[network], None)
        seeds = spread.deviation**2 / len(self.accuracies[network])
        images = image_deviation(self.means[network], self.images) ** 2 if self.images else 0.0
        if seeds + images < _ROUNDING**2:
            return Estimate(self.means[network], None)
        errors = _errors(seeds, spread.freedom, images)
        return Estimate(self.means[network], max(t_quantile(freedom) * error for error, freedom in errors))

    def difference(self, one: int, other: int) -> Estimate:
        """Return the mean of `one` minus the mean of `other`, with a 95 % interval that holds for all pairs at once.

        There is no interval if too few trainings are given to know the spread, or if neither seeds nor images vary.
        The difference of a network to itself is exactly 0.
        """
        mean, errors = self._errors(one, other)
        if one == other:
            return Estimate(0.0, 0.0 if errors else None)
        count = len(self.accuracies)
        halves = (
            range_quantile(CONFIDENCE, count, freedom) / math.sqrt(2) * error for error, freedom in errors
        )
        return Estimate(mean, max(halves, default=None))

    def behind(self, network: int) -> Estimate:
        """Return the difference of a network to the best one, 0 or less, with the interval of `difference`."""
        return self.difference(network, self.best)

    def p(self, one: int, other: int) -> float | None:
        """Return the p-value of a pair, 0 to 1, already adjusted for all pairs.

        Suppose that all networks here were equally accurate. Then this is the probability that the best and the worst
        of them would differ by at least as many standard errors as this pair (Tukey's test). Returns None if the
        standard error is unknown, and for a pair of a network and itself.
        """
        mean, errors = self._errors(one, other)
        if not errors or one == other:
            return None
        count = len(self.accuracies)
        return max(
            1 - range_probability(abs(mean) / error * math.sqrt(2), count, freedom)
            for error, freedom in errors
        )

    def pairs(self) -> list[tuple[int, int]]:
        """Return the pairs of networks that differ significantly, the better one first."""
        every = combinations(range(len(self.accuracies)), 2)
        differing = (pair for pair in every if self.difference(*pair).significant)
        return [pair if self.means[pair[0]] > self.means[pair[1]] else pair[::-1] for pair in differing]

    def _errors(self, one: int, other: int) -> tuple[float, Errors]:
        """Return the mean of `one` minus the mean of `other`, and its standard errors: () if unknown or 0."""
        mean = self.means[one] - self.means[other]
        spread = self._between
        if spread is None:
            return mean, ()
        counts = len(self.accuracies[one]), len(self.accuracies[other])
        seeds = spread.deviation**2 * sum(1 / count for count in counts)
        images = self._images(one, other)
        # Equal accuracies in a few trainings do not prove an error of 0. Rounding leaves about 1e-17 instead of 0.
        if seeds + images < _ROUNDING**2:
            return mean, ()
        return mean, _errors(seeds, spread.freedom, images)

    def _images(self, one: int, other: int) -> float:
        """Return the variance of a difference that is due to the choice of images; 0 if images are not counted."""
        if not self.images:
            return 0.0
        if self.hits is None:
            return math.fsum(image_deviation(self.means[place], self.images) ** 2 for place in (one, other))
        apart = [a - b for a, b in zip(self.hits[one], self.hits[other], strict=True)]
        # Two images are added, of which each network wins one. Otherwise equal hits would leave no uncertainty.
        mean = math.fsum(apart) / (len(apart) + 2)
        squares = math.fsum(value**2 for value in apart) + 2
        return (squares / (len(apart) + 2) - mean**2) / (len(apart) + 2)

    @cached_property
    def _within(self) -> Spread | None:
        """The spread of a network's trainings around its mean: the given one, else that of all trainings.

        None if none is given and every network has only one training.
        """
        if self.spread:
            return self.spread
        freedom = sum(len(row) - 1 for row in self.accuracies)
        rows = zip(self.accuracies, self.means, strict=True)
        squares = math.fsum((value - mean) ** 2 for row, mean in rows for value in row)
        return Spread(math.sqrt(squares / freedom), freedom) if freedom else None

    @cached_property
    def _between(self) -> Spread | None:
        """The spread that applies to differences, without the effect of common seeds; None if it is unknown."""
        if self.spread or not self.common_seeds:
            return self._within
        freedom = (len(self.accuracies) - 1) * (self.seeds - 1)
        if not freedom:
            return None
        columns = [math.fsum(column) / len(column) for column in zip(*self.accuracies, strict=True)]
        overall = math.fsum(columns) / len(columns)
        squares = math.fsum(
            (value - mean - column + overall) ** 2
            for row, mean in zip(self.accuracies, self.means, strict=True)
            for value, column in zip(row, columns, strict=True)
        )
        return Spread(math.sqrt(squares / freedom), freedom)


def _errors(seeds: float, freedom: float, images: float) -> Errors:
    """Return standard errors with their degrees of freedom: of `seeds` alone, and of `seeds` and `images` together.

    seeds: the variance that is due to seeds, estimated with `freedom` degrees of freedom. images: the variance that
    is due to images, which is known. If one of the two is 0, the only error returned is that of the other one. The
    degrees of freedom of the sum are rounded to two digits, so that cached quantiles can be used again.
    """
    if not seeds:
        return ((math.sqrt(images), math.inf),)
    alone = math.sqrt(seeds), freedom
    if not images:
        return (alone,)
    return alone, (math.sqrt(seeds + images), float(f"{freedom * ((seeds + images) / seeds) ** 2:.2g}"))
