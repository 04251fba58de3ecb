"""The three answers of a search: the trials with its best, its most accurate and its cheapest network.

The most accurate of many networks is partly the luckiest, and a much cheaper one is often as good within the noise.
So the cheapest answer follows Breiman's one-standard-error rule (Breiman et al. 1984, Classification and Regression
Trees, section 3.4.3): the cheapest network whose accuracy is within one standard error of the highest.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from search.reward import Reward
from search.settings.limits import Limits
from search.trials.trial import Trial
from space.cost.table import BATCH, CostName, exact_cost

TOLERANCE = 0.02
"""The share by which a measured latency may exceed its limit: about the error of repeating the measurement."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers of a search.

    best: the winner under the reward. most_accurate: the trial with the highest accuracy. cheapest: the trial with
    the lowest `cost` among the trials whose accuracy is within one standard error of the highest. cost: the name of
    the cost that the cheapest answer minimises. error: the standard error of the most accurate trial's accuracy,
    over fresh seeds and validation images.
    """

    best: Trial
    most_accurate: Trial
    cheapest: Trial
    cost: CostName
    error: float

    def names(self, trial: Trial) -> tuple[str, ...]:
        """Return the names of the answers that have `trial` as their network, such as ("best", "most-accurate")."""
        named = {"best": self.best, "most-accurate": self.most_accurate, "cheapest": self.cheapest}
        return tuple(name for name, answer in named.items() if answer.number == trial.number)


def answers(
    candidates: Sequence[Trial], best: Trial, reward: Reward, limits: Limits, images: float | None
) -> Answers:
    """Return the best, the most accurate and the cheapest of `candidates`.

    candidates: the trials that `eligible` returns. best: the winner under the reward. images: the effective number of
    validation images (`search.data.Dataset.effective_images`), None if unknown.
    """
    accurate = max(candidates, key=lambda trial: (accuracy(trial), -trial.cost.params))
    error = standard_error(accurate, candidates, images)
    near = [trial for trial in candidates if accuracy(trial) >= accuracy(accurate) - error]
    name = deciding_cost(reward, limits)
    cheapest = min(near, key=lambda trial: (amount(trial, name, reward, limits), -accuracy(trial)))
    return Answers(best, accurate, cheapest, name, error)


def exceeds(trial: Trial, limits: Limits) -> bool:
    """Return True if the measured latency of a trial is over its limit by more than `TOLERANCE`."""
    measured = trial.result.latency_ms if trial.result else None
    return limits.latency is not None and measured is not None and measured > limits.latency * (1 + TOLERANCE)


def eligible(standing: Sequence[Trial], ranked: Sequence[Trial], limits: Limits) -> list[Trial]:
    """Return the trials that can be answers: without those whose measured latency is too high (see `exceeds`).

    standing: the trials of the finals, the best first; empty without finals. ranked: all complete and imported
    trials, at least one, the best first; they are used if no trial of `standing` is left. If no trial of `ranked` is
    left either, `standing` is returned, or `ranked` without finals. The order is kept.
    """
    for candidates in (standing, ranked):
        if within := [trial for trial in candidates if not exceeds(trial, limits)]:
            return within
    return list(standing or ranked)


def accuracy(trial: Trial) -> float:
    """Return the mean accuracy of a trial's final trainings, else its accuracy in the search; -inf without either."""
    if trial.final_accuracies:
        return statistics.fmean(trial.final_accuracies)
    return trial.result.accuracy if trial.result else -math.inf


def standard_error(trial: Trial, candidates: Sequence[Trial], images: float | None) -> float:
    """Return the standard error of a trial's accuracy from its seeds and the validation images.

    The variance over seeds is pooled over all candidates with two final trainings or more. Every training is
    validated on the same images, so the variance p(1 - p)/images over images does not fall with the number of seeds.
    Returns 0 if neither variance is known.
    """
    groups = [each.final_accuracies for each in candidates if len(each.final_accuracies) > 1]
    squares = sum(statistics.variance(group) * (len(group) - 1) for group in groups)
    freedom = sum(len(group) - 1 for group in groups)
    seeds = squares / freedom / max(1, len(trial.final_accuracies)) if freedom else 0.0
    share = accuracy(trial)
    return math.sqrt(seeds + (share * (1 - share) / images if images else 0.0))


def deciding_cost(reward: Reward, limits: Limits) -> CostName:
    """Return the cost that the cheapest answer minimises: a limited cost, else the reward's first, else params."""
    limited = [name for name, _ in (*limits.exact, *limits.predicted)]
    names = [*limited, *reward.costs, "params"]
    return names[0]  # type: ignore[return-value]


def amount(trial: Trial, name: CostName, reward: Reward, limits: Limits) -> float:
    """Return a cost of a trial's network in its unit.

    The step time is divided by that of the reference network. A step time or latency that is unknown is infinite.
    """
    if name == "latency":
        return trial.latency.ms if trial.latency else math.inf
    if name == "step":
        return math.inf if trial.step_ratio is None else trial.step_ratio
    return exact_cost(name, trial.architecture, memory_batch(reward, limits) if name == "memory" else BATCH)


def memory_batch(reward: Reward, limits: Limits) -> int:
    """Return the batch size for which a search computes memory: the limit's if there is one, else the reward's."""
    return limits.batch if limits.memory is not None else reward.batch
