"""How far two rankings of the same networks agree: Kendall's tau, with an interval."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95
_RESAMPLED = 2000


@dataclass(frozen=True, slots=True)
class Agreement:
    """Kendall's tau-b of two rankings, -1..1; low, high: its bootstrap interval (percentiles) over networks.

    1: both put every pair of networks in the same order, 0: as often as not. None where a ranking is all ties.
    """

    tau: float | None
    low: float | None
    high: float | None
    networks: int


def agreement(one: Sequence[float], other: Sequence[float], seed: int = 0) -> Agreement:
    """The agreement of the accuracies `one` and `other` of the same networks.

    The interval says what other networks of the space could have given. A network that is drawn twice is no pair
    with itself, so that resampling adds no ties.
    """
    signs = _signs(one, other)
    every = range(len(one))
    rng = random.Random(seed)
    drawn = [_tau(signs, [rng.choice(every) for _ in every]) for _ in range(_RESAMPLED)]
    found = sorted(tau for tau in drawn if tau is not None)
    tau = _tau(signs, every)
    if tau is None or not found:
        return Agreement(tau, None, None, len(one))
    outside = (1 - CONFIDENCE) / 2
    low, high = (found[round(share * (len(found) - 1))] for share in (outside, 1 - outside))
    return Agreement(tau, low, high, len(one))


def _signs(one: Sequence[float], other: Sequence[float]) -> list[list[tuple[int, int]]]:
    """For each pair of networks, which of them is better in each ranking: -1, 0 or 1."""
    return [
        [(_sign(a - b), _sign(x - y)) for b, y in zip(one, other, strict=True)]
        for a, x in zip(one, other, strict=True)
    ]


def _tau(signs: list[list[tuple[int, int]]], chosen: Sequence[int]) -> float | None:
    """Tau-b of the networks that are `chosen`, some of them perhaps several times."""
    agreeing = first = second = 0
    for place, a in enumerate(chosen):
        row = signs[a]
        for b in chosen[:place]:
            if a != b:
                one, other = row[b]
                agreeing += one * other
                first += one != 0
                second += other != 0
    return agreeing / (first * second) ** 0.5 if first and second else None


def _sign(difference: float) -> int:
    return (difference > 0) - (difference < 0)


def spearman(one: Sequence[float], other: Sequence[float]) -> float:
    """Return Spearman's rank correlation, with mean ranks for ties; -1 where all values of a side are equal.

    The standard library's, since importing scipy.stats would take longer than all of it.
    """
    try:
        return statistics.correlation(_ranks(one), _ranks(other))
    except statistics.StatisticsError:
        return -1.0


def _ranks(values: Sequence[float]) -> list[float]:
    ordered = sorted(values)
    first = {value: rank for rank, value in reversed(list(enumerate(ordered)))}
    last = {value: rank for rank, value in enumerate(ordered)}
    return [(first[value] + last[value]) / 2 for value in values]
