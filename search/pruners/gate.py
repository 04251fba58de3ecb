"""Whether a short training ranks networks as the whole one does: decided by networks that had both."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from search.trials.trial import Trial

RESAMPLES = 1000
TAIL = 0.2
"""The part of the resampled correlations below the bound. With a dozen networks the usual 0.025 would turn down any
rung: a true correlation of 0.9 has a standard error of 0.1."""
FEWEST = 8
"""Networks with results at all rungs, below which none is used."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What the first networks of a search say of its rungs.

    epochs: of the rungs, ascending. networks: how many have run all rungs, of `wanted`. over: whether that decides.
    bounds: of each rung but the last, the lower bound of its rank correlation with the last; () before it is over.
    """

    epochs: tuple[int, ...]
    networks: int
    wanted: int
    over: bool
    least: float
    bounds: tuple[float, ...] = ()

    @classmethod
    def of(
        cls, epochs: tuple[int, ...], judging: Sequence[Trial], wanted: int, least: float, several: bool
    ) -> Gate:
        """The gate as it is after these trials, the first of a search.

        several: of rewards that weigh nothing, accuracies are compared: costs are the same at all rungs.
        """
        rows = [row for trial in judging if (row := _row(trial, epochs, several))]
        over = len(judging) == wanted and all(trial.state in ("complete", "failed") for trial in judging)
        if not over:
            return cls(epochs, len(rows), wanted, False, least)
        if len(rows) < FEWEST:
            return cls(epochs, len(rows), wanted, True, least, (-1.0,) * (len(epochs) - 1))
        *lower, last = zip(*rows, strict=True)
        return cls(epochs, len(rows), wanted, True, least, tuple(lower_bound(each, last) for each in lower))

    @property
    def used(self) -> tuple[int, ...]:
        """Epochs of the rungs at which networks are compared, the whole training's last."""
        kept = [each for each, bound in zip(self.epochs, self.bounds, strict=False) if bound >= self.least]
        return (*kept, self.epochs[-1])

    def __str__(self) -> str:
        """What it has decided, and why, in one line."""
        last = self.epochs[-1]
        if not self.over:
            every = _listed(self.epochs)
            return (
                f"rungs of {every} epochs: {self.networks} of the first {self.wanted} networks have run all"
            )
        if self.networks < FEWEST:
            return f"rungs: none is used, since of the first networks only {self.networks} have run all"
        said = ", ".join(
            f"{bound:.2f} at {epochs}" for epochs, bound in zip(self.epochs, self.bounds, strict=False)
        )
        used = f"those of {_listed(self.used)} epochs are used" if len(self.used) > 1 else "none is used"
        return (
            f"rungs: {used}; rank correlation with {last} epochs, lower bound over {self.networks} networks:"
            f" {said}; needed {self.least:.2f}"
        )


def _row(trial: Trial, epochs: Sequence[int], several: bool) -> tuple[float, ...] | None:
    """What a trial was worth at every rung; None if it has not run all."""
    if trial.state != "complete" or trial.terms is None:
        return None
    below = {rung.result.epochs: rung.terms for rung in trial.rungs}
    if any(each not in below for each in epochs[:-1]):
        return None
    terms = (*(below[each] for each in epochs[:-1]), trial.terms)
    return tuple(each.accuracy if several else each.reward for each in terms)


@lru_cache(maxsize=64)
def lower_bound(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """A bootstrap bound, over networks, that Spearman's rank correlation is above in four of five cases.

    The same for the same values, whenever it is asked. A sample that has no order counts as -1.
    """
    rng, places = random.Random(0), range(len(one))
    found = []
    for _ in range(RESAMPLES):
        drawn = rng.choices(places, k=len(one))
        found.append(spearman([one[place] for place in drawn], [other[place] for place in drawn]))
    return sorted(found)[int(TAIL * RESAMPLES)]


def spearman(one: Sequence[float], other: Sequence[float]) -> float:
    """Spearman's rank correlation, equal values sharing their mean rank; -1 where one of the two has no order."""
    try:
        return statistics.correlation(_ranks(one), _ranks(other))
    except statistics.StatisticsError:
        return -1.0


def _ranks(values: Sequence[float]) -> list[float]:
    ordered = sorted(values)
    first = {value: place for place, value in reversed(list(enumerate(ordered)))}
    last = {value: place for place, value in enumerate(ordered)}
    return [(first[value] + last[value]) / 2 for value in values]


def _listed(epochs: Sequence[int]) -> str:
    *most, last = map(str, epochs)
    return f"{', '.join(most)} and {last}" if most else last
