"""Rank correlations of two rankings of the same networks: Kendall's tau with an interval, and Spearman's."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from search.stats.confidence import CONFIDENCE

_RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Agreement:
    """The agreement of two rankings: Kendall's tau-b, -1 to 1, with a bootstrap interval over networks.

    tau: 1 if both rankings order all pairs alike, 0 if they order half of the pairs alike, None if all values of a
    ranking are equal. low, high: the ends of the 95 % interval (percentiles); None if `tau` is None.
    """

    tau: float | None
    low: float | None
    high: float | None
    networks: int


def agreement(one: Sequence[float], other: Sequence[float], seed: int = 0) -> Agreement:
    """Return Kendall's tau-b, with a 95 % interval, of the accuracies `one` and `other` of the same networks.

    The interval covers the choice of networks, which are resampled with `seed`. A network that is drawn twice does
    not form a pair with itself, so resampling adds no ties.
    """
    signs = _signs(one, other)
    every = range(len(one))
    rng = random.Random(seed)
    resampled = [_tau(signs, [rng.choice(every) for _ in every]) for _ in range(_RESAMPLES)]
    ascending = sorted(tau for tau in resampled if tau is not None)
    tau = _tau(signs, every)
    if tau is None or not ascending:
        return Agreement(tau, None, None, len(one))
    tail = (1 - CONFIDENCE) / 2
    low, high = (ascending[round(share * (len(ascending) - 1))] for share in (tail, 1 - tail))
    return Agreement(tau, low, high, len(one))


def _signs(one: Sequence[float], other: Sequence[float]) -> list[list[tuple[int, int]]]:
    """Return, for each pair of networks, the sign of their difference in each ranking."""
    return [
        [(_sign(a - b), _sign(x - y)) for b, y in zip(one, other, strict=True)]
        for a, x in zip(one, other, strict=True)
    ]


def _tau(signs: list[list[tuple[int, int]]], chosen: Sequence[int]) -> float | None:
    """Return tau-b of the chosen networks, some of which may occur several times.

    Returns None if one ranking has the same value for all of them.
    """
    concordance = first = second = 0
    for place, a in enumerate(chosen):
        row = signs[a]
        for b in chosen[:place]:
            if a != b:
                one, other = row[b]
                concordance += one * other
                first += one != 0
                second += other != 0
    return concordance / (first * second) ** 0.5 if first and second else None


def _sign(difference: float) -> int:
    return (difference > 0) - (difference < 0)


def spearman(one: Sequence[float], other: Sequence[float]) -> float:
    """Return Spearman's rank correlation, -1 to 1. Equal values share their mean rank.

    Returns -1 if all values of one ranking are equal, and for fewer than two values.
    """
    # scipy.stats would add a second and more to the start of a search.
    try:
        return statistics.correlation(_ranks(one), _ranks(other))
    except statistics.StatisticsError:
        return -1.0


def _ranks(values: Sequence[float]) -> list[float]:
    ordered = sorted(values)
    first = {value: place for place, value in reversed(list(enumerate(ordered)))}
    last = {value: place for place, value in enumerate(ordered)}
    return [(first[value] + last[value]) / 2 for value in values]
