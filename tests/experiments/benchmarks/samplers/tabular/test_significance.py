import math
from dataclasses import replace

import pytest

from experiments.benchmarks.samplers.tabular.recorded import made_up
from experiments.benchmarks.samplers.tabular.significance import (
    believed,
    comparisons,
    cost,
    levels,
    median_of,
    quantile,
    spent,
)
from experiments.benchmarks.samplers.tabular.simulation import Searched, Step


def run(*steps, sampler="random", seed=0, trials=300):
    """steps: (trials, seen, true) of each."""
    return Searched(
        "p", sampler, 1, seed, trials, 0, 0.0, 0.0, 0.0, tuple(Step(n, 10.0 * n, s, t) for n, s, t in steps)
    )


RUN = run((1, 0.5, 0.5), (8, 0.7, 0.6), (20, 0.8, 0.55), (40, 0.9, 0.9))


def test_a_later_selection_may_be_worse():
    assert [believed(RUN, n) for n in (1, 7, 8, 19, 20, 300)] == [0.5, 0.5, 0.6, 0.6, 0.55, 0.9]


def test_the_cost_of_a_level_counts_its_first_selection():
    assert [cost(RUN, level) for level in (0.4, 0.6, 0.61, 0.9)] == [1, 8, 40, 40]
    assert cost(RUN, 0.91) == math.inf
    assert spent(RUN, 0.6) == 80


def test_levels_are_the_selections_of_random_search():
    """Drawn to the end, it believes in the best of all that was seen; of two networks in either."""
    problem = made_up()
    found = levels(replace(problem, levels=(1, 124, 125)))
    assert found.keys() == {1, 124}
    assert found[1] == pytest.approx(sorted(problem.truths.values())[62], abs=0.01)
    assert max(problem.truths.values()) - 0.01 < found[124] <= max(problem.truths.values()) + 1e-6
    assert sum(problem.points.values()) == 128


def test_a_median_has_an_interval_and_may_be_infinite():
    found = median_of([9, 9, 10, 11, 30])
    assert found.median == 10
    assert 9 <= found.low <= 10 <= found.high <= 30
    assert median_of([5, math.inf, math.inf]).median == math.inf
    assert median_of([7] * 9) == median_of([7])
    assert quantile([10, 20, 30, 40, 50, 60, 70, 80, 90, 100], 0.9) == 90


def test_comparisons_are_paired_and_corrected():
    ours = {seed: 10.0 + seed for seed in range(20)}
    costs = {
        "auto": ours,
        "slow": {seed: 4 * value - 10 for seed, value in ours.items()},
        "same": dict(ours),
        "never": dict.fromkeys(ours, math.inf),
    }
    found = {each.other: each for each in comparisons("auto", costs, dict.fromkeys(costs, 100))}
    assert (found["slow"].faster, found["slow"].slower) == (20, 0)
    assert found["slow"].ratio == pytest.approx((4 * 19.5 - 10) / 19.5)
    # 20 pairs of 20 in the normal approximation: z = -105 / sqrt(717.5); times Holm's 3.
    assert found["slow"].p == pytest.approx(3 * 8.86e-5, rel=0.02)
    assert found["never"].p == pytest.approx(found["slow"].p)
    assert (found["same"].p, found["same"].faster) == (1, 0)
