"""The costs of searches, their intervals, and the significance of differences between samplers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from experiments.benchmarks.samplers.tabular.problem import Benchmark
from experiments.benchmarks.samplers.tabular.simulation import Searched

RESAMPLES = 10_000
CONFIDENCE = 0.95
DRAWN = 1000
"""The number of random searches whose median selection defines a level (see `levels`)."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A median over searches and its 95 % interval. A value of inf means that the level was not reached."""

    median: float
    low: float
    high: float


def believed(run: Searched, trials: int) -> float:
    """Return the true reward of the network that the search selects after `trials` trials."""
    return [step.true for step in run.steps if step.trials <= trials][-1]


def cost(run: Searched, level: float) -> float:
    """Return the trials until the selected network is truly as good as `level`; inf if it never is.

    The first time counts, even if a later selection is worse.
    """
    return next((step.trials for step in run.steps if step.true >= level), math.inf)


def spent(run: Searched, level: float) -> float:
    """Return the simulated seconds until the selected network is truly as good as `level`; inf if it never is."""
    return next((step.seconds for step in run.steps if step.true >= level), math.inf)


def levels(problem: Benchmark) -> dict[int, float]:
    """Return the median true reward that random searches select after each number of trials in `problem.levels`.

    Tens of searches would make the level a matter of luck, so there are `DRAWN`, without the engine: networks are
    drawn without repetition, with the probability of their points, and each is seen with one of its recorded seeds.
    Numbers of trials beyond the size of the space are left out.
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
        # Sorting exponential times with these rates draws without repetition in proportion to the points.
        order = np.argsort(rng.exponential(size=len(networks)) / points)[: max(best, default=0)]
        rewards = seen[order, rng.integers(seeds[order])]
        for trials, selected in best.items():
            selected.append(float(truths[order[rewards[:trials].argmax()]]))
    return {trials: round(float(np.median(selected)), 6) for trials, selected in best.items()}


def median_of(values: Sequence[float]) -> Interval:
    """Return the median of `values` and its percentile bootstrap interval. Values can be inf."""
    sample = np.array(values, dtype=float)
    resampled = np.random.default_rng(0).choice(sample, size=(RESAMPLES, len(sample)))
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(np.median(resampled, axis=1), [tail, 100 - tail], method="nearest")
    return Interval(float(np.median(sample)), float(low), float(high))


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest of `values` that is at least as large as the share `share` (0 to 1) of them."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One sampler's cost against another's, paired by seed.

    faster, slower: the numbers of pairs in which `one` needs fewer or more trials. ratio: the median of `other`
    divided by the median of `one`. p: the p-value of Wilcoxon's signed-rank test on logarithms, corrected for the
    number of comparisons (Holm). A level that was not reached counts as reached one trial after the end, except in
    `ratio`.
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
    """Return the comparison of `one` with each other sampler that has a seed in common with it.

    costs: the costs of each sampler's searches, by seed. budgets: the number of trials of each sampler's searches.
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
    largest = 0.0
    for place, each in enumerate(sorted(raw, key=lambda each: each.p)):
        largest = max(largest, min(1.0, each.p * (len(raw) - place)))
        corrected[each.other] = largest
    return tuple(replace(each, p=corrected[each.other]) for each in raw)


def per_seed(runs: Sequence[Searched], measure: Callable[[Searched], float]) -> dict[int, float]:
    """Return the value of `measure` for each search, by the seed of the search."""
    return {run.seed: measure(run) for run in runs}
