"""The comparison of families: accuracy as a function of a cost, areas below the curves, and cost at equal accuracy.

The area is the hypervolume of accuracy and the logarithm of the cost. Its unit is an accuracy of 1 over one doubling
of the cost. Its reference point is fixed before any training: the accuracy of chance, and twice the largest cost of a
lead (a network to whose costs others are matched). Intervals come from random draws, the same for all networks. Each
draw resamples the images (a bootstrap). It draws the errors that seeds cause from Student's t, since a bootstrap of
two or three seeds is too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from search.stats.confidence import CONFIDENCE
from search.stats.differences import Differences, Estimate
from search.stats.hits import decode_hits
from search.stats.pareto import hypervolume

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from search.compare.comparison import Trained

_DRAWS = 1000
"""The number of draws of images and seeds."""
Point = tuple[float, float]
"""A pair (accuracy, cost)."""


@dataclass(frozen=True, slots=True)
class Curve:
    """The accuracies and costs of a family, whose members are ordered from cheap to expensive.

    names, costs: the name and the cost of each member. accuracies: the accuracies of each member, seed by seed.
    draws: the mean accuracy of each member in every draw of images and seeds.
    """

    family: str
    names: tuple[str, ...]
    costs: tuple[float, ...]
    accuracies: tuple[tuple[float, ...], ...]
    draws: tuple[tuple[float, ...], ...]

    @property
    def means(self) -> tuple[float, ...]:
        """The mean accuracy of each member."""
        return tuple(math.fsum(own) / len(own) for own in self.accuracies)


@dataclass(frozen=True, slots=True)
class Area:
    """The hypervolume of a family, in accuracy times doublings of the cost.

    low, high: its 95 % interval over seeds and images. difference: this hypervolume minus the first family's, with a
    95 % interval over seeds alone that holds for all pairs of families at once; None for the first family itself.
    """

    family: str
    value: float
    low: float
    high: float
    difference: Estimate | None


@dataclass(frozen=True, slots=True)
class SameAccuracy:
    """The cost at which the first family is as accurate as the most accurate member of another family.

    family: the other family. name, accuracy, cost: the name, accuracy and cost of its most accurate member. ratio:
    the first family's cost at that accuracy divided by that member's cost; None if the first family never reaches it.
    low, high: the 95 % interval of the ratio, infinite where the accuracy is not reached. bound: True if even the
    cheapest member of the first family reaches it, so that the ratio is only an upper bound.
    """

    family: str
    name: str
    accuracy: float
    cost: float
    ratio: float | None
    low: float
    high: float
    bound: bool


def curves(every: Sequence[Trained], costs: Sequence[float], seed: int = 0) -> list[Curve]:
    """Return the families of the networks `every`, in the order of their first member.

    costs: the cost of each network. seed: the seed of the draws.
    """
    draws = _draws(every, seed)
    members: dict[str, list[int]] = {}
    for place, one in enumerate(every):
        members.setdefault(one.contender.family, []).append(place)
    result = []
    for family, places in members.items():
        places.sort(key=lambda place: costs[place])
        result.append(
            Curve(
                family,
                tuple(every[place].contender.name for place in places),
                tuple(costs[place] for place in places),
                tuple(every[place].accuracies for place in places),
                tuple(tuple(draws[place].tolist()) for place in places),
            )
        )
    return result


def areas(families: Sequence[Curve], reference: Point) -> list[Area]:
    """Return the hypervolume of each family. reference: the lowest accuracy and the largest cost, which bound it."""
    seeds = [
        [
            _area(tuple(own[seed] for own in one.accuracies), one.costs, reference)
            for seed in range(_seeds(one))
        ]
        for one in families
    ]
    differences = Differences(seeds, common_seeds=True)
    result = []
    for place, one in enumerate(families):
        drawn = sorted(_area(draw, one.costs, reference) for draw in zip(*one.draws, strict=True))
        low, high = _interval(drawn)
        difference = differences.difference(place, 0) if place else None
        result.append(Area(one.family, _area(one.means, one.costs, reference), low, high, difference))
    return result


def same_accuracy(first: Curve, other: Curve) -> SameAccuracy:
    """Return the cost at which `first` is as accurate as the most accurate member of `other`."""
    best = max(range(len(other.costs)), key=lambda place: other.means[place])
    cost, accuracy = other.costs[best], other.means[best]
    needed = _cost_of(accuracy, first.means, first.costs)
    pairs = zip(zip(*first.draws, strict=True), other.draws[best], strict=True)
    drawn = sorted(_cost_of(wanted, means, first.costs) / cost for means, wanted in pairs)
    low, high = _interval(drawn)
    return SameAccuracy(
        other.family,
        other.names[best],
        accuracy,
        cost,
        None if math.isinf(needed) else needed / cost,
        low,
        high,
        first.means[0] >= accuracy,
    )


def _seeds(curve: Curve) -> int:
    return min(map(len, curve.accuracies))


def _area(accuracies: Sequence[float], costs: Sequence[float], reference: Point) -> float:
    """Return the area above the reference's accuracy and below its cost, in accuracy times doublings of the cost."""
    lowest, largest = reference
    points = [(-accuracy, math.log2(cost)) for accuracy, cost in zip(accuracies, costs, strict=True)]
    return hypervolume(points, (-lowest, math.log2(largest)))


def _cost_of(accuracy: float, means: Sequence[float], costs: Sequence[float]) -> float:
    """Return the cost at which a curve reaches `accuracy`, interpolated in the logarithm of the cost.

    The cost is infinite if the curve never reaches `accuracy`. Members that are not more accurate than every cheaper
    member are skipped. If the cheapest member is accurate enough, its cost is returned, since cheaper networks are
    unknown.
    """
    before: Point | None = None
    for mean, cost in zip(means, costs, strict=True):
        if before and mean <= before[0]:
            continue
        if mean >= accuracy:
            if before is None:
                return cost
            share = (accuracy - before[0]) / (mean - before[0])
            return math.exp(math.log(before[1]) + share * math.log(cost / before[1]))
        before = mean, cost
    return math.inf


def _interval(drawn: Sequence[float]) -> tuple[float, float]:
    """Return the lower and upper bound of the 95 % percentile interval of sorted values."""
    tail = (1 - CONFIDENCE) / 2
    return drawn[math.floor(tail * (len(drawn) - 1))], drawn[math.ceil((1 - tail) * (len(drawn) - 1))]


def _draws(every: Sequence[Trained], seed: int) -> NDArray[np.float64]:
    """Return the mean accuracy of each network in every draw of seeds and images: (networks, draws).

    Images are resampled if it is recorded which of them every training classifies correctly. Seeds are too few to be
    resampled, so their effects are drawn from Student's t distributions.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    count = min(len(one.evaluations) for one in every)
    images = every[0].evaluations[0].images
    accuracies = np.array([one.accuracies[:count] for one in every])
    means: NDArray[np.float64] = accuracies.mean(1)[:, None].repeat(_DRAWS, 1)
    if all(evaluation.hits for one in every for evaluation in one.evaluations):
        weights = rng.multinomial(images, [1 / images] * images, _DRAWS).T / images
        hits = [np.mean([decode_hits(e.hits, images) for e in one.evaluations[:count]], 0) for one in every]
        means = np.array(hits) @ weights
    return means + _seed_effects(accuracies, rng)


def _seed_effects(accuracies: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the error of each network's mean over seeds, in every draw: (networks, draws); 0 for a single seed.

    accuracies: (networks, seeds), a two-way layout. A seed has an effect that all networks share, whose variance is
    estimated from one value per seed. It also has an effect on each single network, whose variance is pooled over the
    networks.
    """
    import numpy as np

    networks, seeds = accuracies.shape
    if seeds == 1:
        return np.zeros((networks, _DRAWS))
    common = accuracies.mean(0) - accuracies.mean()
    own = accuracies - accuracies.mean(1, keepdims=True) - common
    freedom = max(1, networks - 1) * (seeds - 1)
    residual = float((own**2).sum()) / freedom
    shared = max(0.0, float((common**2).sum()) / (seeds - 1) - residual / networks)
    effects: NDArray[np.float64] = np.sqrt(residual / seeds) * (
        rng.normal(size=(networks, _DRAWS)) * np.sqrt(freedom / rng.chisquare(freedom, _DRAWS))
    ) + np.sqrt(shared / seeds) * rng.standard_t(seeds - 1, _DRAWS)
    return effects
