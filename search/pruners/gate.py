"""The decision on the rungs that a search uses: those that rank the pilot networks as the full training does."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from search.stats.rank_correlation import spearman
from search.trials.trial import Trial

RESAMPLES = 1000
"""The number of bootstrap samples of the pilot networks."""
TAIL = 0.2
"""The quantile of the resampled correlations that is the lower bound of a rung. With a dozen networks, the usual
0.025 would reject any rung, since the standard error of an estimated correlation is 0.1 if the true one is 0.9."""
MIN_PILOTS = 8
"""The number of networks with results at all rungs below which no rung is used."""


@dataclass(frozen=True, slots=True)
class RungGate:
    """The rungs that a search uses after its pilot networks.

    epochs: the epochs of each rung, ascending. pilots: the number of pilot networks. finished: the number of pilot
    networks that have finished all rungs. decided: True if all pilot networks have finished or failed. bounds: for
    every rung but the last, the lower bound of its rank correlation with the last rung; -1 if too few networks
    finished, () before the decision. min_correlation: the smallest bound of a rung that is used.
    """

    epochs: tuple[int, ...]
    finished: int
    pilots: int
    decided: bool
    min_correlation: float
    bounds: tuple[float, ...] = ()

    @classmethod
    def of(
        cls,
        epochs: tuple[int, ...],
        pilots: Sequence[Trial],
        count: int,
        min_correlation: float,
        by_accuracy: bool = False,
    ) -> RungGate:
        """Return the gate of a search.

        pilots: the pilot trials proposed so far. count: the number of pilot trials in all. by_accuracy: True to
        compare accuracies instead of rewards, for searches of a Pareto front. Costs are the same at all rungs.
        """
        rows = [row for trial in pilots if (row := _scores(trial, epochs, by_accuracy))]
        decided = len(pilots) == count and all(trial.state in ("complete", "failed") for trial in pilots)
        bounds: tuple[float, ...] = ()
        if decided and len(rows) < MIN_PILOTS:
            bounds = (-1.0,) * (len(epochs) - 1)
        elif decided:
            *lower, last = zip(*rows, strict=True)
            bounds = tuple(lower_bound(scores, last) for scores in lower)
        return cls(epochs, len(rows), count, decided, min_correlation, bounds)

    @property
    def used(self) -> tuple[int, ...]:
        """The epochs of the rungs at which networks are compared; the last is the full training."""
        passed = [
            epochs
            for epochs, bound in zip(self.epochs, self.bounds, strict=False)
            if bound >= self.min_correlation
        ]
        return (*passed, self.epochs[-1])

    def __str__(self) -> str:
        """Return the decision and its reason in one line; before it, the number of finished pilot networks."""
        if not self.decided:
            rungs = f"rungs of {_listed(self.epochs)} epochs"
            return f"{rungs}: {self.finished} of the {self.pilots} pilot networks finished all rungs"
        if self.finished < MIN_PILOTS:
            reason = f"only {self.finished} of the pilot networks finished all rungs ({MIN_PILOTS} needed)"
            return f"pruning is off: {reason}"
        bounds = ", ".join(
            f"{bound:.2f} at {epochs}" for epochs, bound in zip(self.epochs, self.bounds, strict=False)
        )
        pruning = f"on, with rungs of {_listed(self.used)} epochs" if len(self.used) > 1 else "off"
        return (
            f"pruning is {pruning}: rank correlation with {self.epochs[-1]} epochs, lower bound over "
            f"{self.finished} networks: {bounds} ({self.min_correlation:.2f} needed)"
        )


def _scores(trial: Trial, epochs: Sequence[int], by_accuracy: bool) -> tuple[float, ...] | None:
    """Return the rewards (or accuracies) of a trial at every rung; None if it has not finished all rungs."""
    if trial.state != "complete" or trial.terms is None:
        return None
    below = {rung.result.epochs: rung.terms for rung in trial.rungs}
    if any(each not in below for each in epochs[:-1]):
        return None
    terms = (*(below[each] for each in epochs[:-1]), trial.terms)
    return tuple(each.accuracy if by_accuracy else each.reward for each in terms)


@lru_cache(maxsize=64)
def lower_bound(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Return the `TAIL` quantile of Spearman's rank correlation over bootstrap samples of the networks.

    one, other: a score of each network, in the same order. The resampling has a fixed seed, so equal arguments give
    equal bounds. If all scores of one side are equal in a sample, the sample's correlation counts as -1.
    """
    rng, indices = random.Random(0), range(len(one))
    correlations = []
    for _ in range(RESAMPLES):
        sample = rng.choices(indices, k=len(one))
        correlations.append(spearman([one[index] for index in sample], [other[index] for index in sample]))
    return sorted(correlations)[int(TAIL * RESAMPLES)]


def _listed(epochs: Sequence[int]) -> str:
    *others, last = map(str, epochs)
    return f"{', '.join(others)} and {last}" if others else last
