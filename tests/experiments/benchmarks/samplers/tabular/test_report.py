import math
from dataclasses import replace

import pytest

from experiments.benchmarks.samplers.tabular.recorded import made_up
from experiments.benchmarks.samplers.tabular.report import NEAR, as_csv, as_markdown, compared, rows
from experiments.benchmarks.samplers.tabular.simulation import Searched, Step

PROBLEM = made_up()
BEST = max(PROBLEM.truths.values())


def believing(true, seed, trials=NEAR):
    return Searched("made-up", "random", 1, seed, trials, 0, 0.0, 0.0, 0.0, (Step(1, 1.0, true, true),))


def test_the_noise_is_that_of_the_recorded_seeds():
    """Invented with 0.002, two seeds each of 124 networks."""
    assert pytest.approx(0.002, rel=0.15) == PROBLEM.deviation
    single = {network: own[:1] for network, own in PROBLEM.readings.items()}
    assert math.isnan(replace(PROBLEM, readings=single).deviation)


def test_near_the_best_is_within_the_noise():
    just, far = BEST - 0.9 * PROBLEM.deviation, BEST - 1.1 * PROBLEM.deviation
    runs = [believing(true, seed) for seed, true in enumerate([BEST, just, just, far])]
    assert rows(PROBLEM, runs)[0].near == 0.75
    assert "| 75% |" in as_markdown(PROBLEM, runs, "")
    assert "near_best_64" in as_csv(rows(PROBLEM, runs))


def test_shorter_searches_have_no_such_value():
    assert rows(PROBLEM, [believing(BEST, 0, NEAR - 1)])[0].near is None


def test_searches_that_never_reach_a_level_are_counted():
    runs = [believing(true, seed) for seed, true in enumerate([BEST, BEST, 0.0, 0.0])]
    problem = replace(PROBLEM, levels=(4,))
    (row,) = rows(problem, runs)
    assert row.never == {4: 0.5}
    assert "(never; 50%)" in as_markdown(problem, runs, "")
    assert "to_random_4_never" in as_csv([row]).splitlines()[0]
    assert ",0.500," in as_csv([row]).splitlines()[1]


def test_without_our_default_the_first_sampler_is_compared():
    runs = [believing(BEST, seed) for seed in range(3)]
    others = [replace(run, sampler="tpe") for run in runs]
    (pair,) = compared([*runs, *others], {64: BEST})[64]
    assert (pair.one, pair.other, pair.pairs) == ("random", "tpe", 3)
