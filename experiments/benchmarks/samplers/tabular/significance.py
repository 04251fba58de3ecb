"""What searches of a problem cost, and whether one sampler's cost less than another's."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from experiments.benchmarks.samplers.tabular.problem import Problem
from experiments.benchmarks.samplers.tabular.simulation import Searched

RESAMPLES = 10_000
CONFIDENCE = 0.95
DRAWN = 1000
"""Random searches whose median is a level that others are to reach."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A median over searches, and where that of other seeds would be in 95 of 100 cases. inf: never reached."""

    median: float
    low: float
    high: float


def believed(run: Searched, trials: int) -> float:
    """The true reward of what the search believes to be best after so many trials."""
    return [step.true for step in run.steps if step.trials <= trials][-1]


def cost(run: Searched, level: float) -> float:
    """Trials until what the search believes to be best is truly as good as `level`; inf if it never is.

    It counts that it is so for the first time: a later belief may be wrong.
    """
    return next((step.trials for step in run.steps if step.true >= level), math.inf)


def spent(run: Searched, level: float) -> float:
    """As `cost`, in seconds of simulated time."""
    return next((step.seconds for step in run.steps if step.true >= level), math.inf)


def levels(problem: Problem) -> dict[int, float]:
    """For each number of trials of the problem's `levels` what random search believes in then: the median of `DRAWN`.

    A level by tens of searches would be a matter of luck, so these do without an engine: networks are drawn without
    repetition, each as likely as it has points, and each is seen with one of its recorded seeds. Left out are numbers
    of trials that the space has not got.
    """
    networks = list(problem.readings)
    rng = np.random.default_rng(0)
    points = np.array([problem.points[network] for network in networks])
    truths = np.array([problem.truths[network] for network in networks])
    seeds = np.array([len(problem.rewards[network]) for network in networks])
    seen = np.full((len(networks), seeds.max()), np.nan)
    for row, network in zip(seen, networks, strict=True):
        row[: len(problem.rewards[network])] = problem.rewards[network]
    best: dict[int, list[float]] = {trials: [] for trials in problem.levels if trials <= len(networks)}
    for _ in range(DRAWN):
        # The first of exponential clocks, each as fast as its network is likely, and so on.
        order = np.argsort(rng.exponential(size=len(networks)) / points)[: max(best, default=0)]
        rewards = seen[order, rng.integers(seeds[order])]
        for trials, found in best.items():
            found.append(float(truths[order[rewards[:trials].argmax()]]))
    return {trials: round(float(np.median(found)), 6) for trials, found in best.items()}


def median_of(values: Sequence[float]) -> Interval:
    """The median of `values`, and a percentile bootstrap interval of it. inf can be among them."""
    given = np.array(values, dtype=float)
    again = np.random.default_rng(0).choice(given, size=(RESAMPLES, len(given)))
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(np.median(again, axis=1), [tail, 100 - tail], method="nearest")
    return Interval(float(np.median(given)), float(low), float(high))


def quantile(values: Sequence[float], share: float) -> float:
    """The least value that `share` of the values do not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One sampler's cost against another's, search by search with the same seed.

    ratio: of the medians, other by one. p: that costs differ so much where samplers do not, by Wilcoxon's signed-rank
    test on logarithms, corrected for the number of comparisons (Holm). A level that was not reached counts as reached
    by the next trial.
    """

    one: str
    other: str
    pairs: int
    faster: int
    slower: int
    ratio: float
    p: float


def comparisons(
    one: str, costs: Mapping[str, Mapping[int, float]], budgets: Mapping[str, int]
) -> tuple[Comparison, ...]:
    """`one` against each other sampler.

    costs: of each sampler's searches, by seed. budgets: how many trials each sampler's searches have.
    """
    raw: list[Comparison] = []
    for other in costs:
        seeds = sorted(costs[one].keys() & costs[other].keys())
        if other == one or not seeds:
            continue
        budget = min(budgets[one], budgets[other])
        ours, theirs = (
            np.array([min(costs[name][seed], budget + 1) for seed in seeds]) for name in (one, other)
        )
        ratio = median_of(list(costs[other].values())).median / median_of(list(costs[one].values())).median
        faster, slower = int((ours < theirs).sum()), int((ours > theirs).sum())
        raw.append(Comparison(one, other, len(seeds), faster, slower, ratio, _wilcoxon(ours, theirs)))
    return _holm(raw)


def _wilcoxon(ours: np.ndarray, theirs: np.ndarray) -> float:
    from scipy.stats import wilcoxon

    differences = np.log(ours) - np.log(theirs)
    if not differences.any():
        return 1.0
    return float(wilcoxon(differences, method="asymptotic").pvalue)


def _holm(raw: Sequence[Comparison]) -> tuple[Comparison, ...]:
    corrected: dict[str, float] = {}
    least = 0.0
    for place, each in enumerate(sorted(raw, key=lambda each: each.p)):
        least = max(least, min(1.0, each.p * (len(raw) - place)))
        corrected[each.other] = least
    return tuple(replace(each, p=corrected[each.other]) for each in raw)


def per_seed(runs: Sequence[Searched], measure: Callable[[Searched], float]) -> dict[int, float]:
    """`measure` of each of `runs`, by seed."""
    return {run.seed: measure(run) for run in runs}
