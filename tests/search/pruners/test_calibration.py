"""The reward that shorter trainings predict."""

import math
import random

import pytest
from helpers.rungs import LAST, trial

from search.pruners.calibration import MIN_NETWORKS, Calibration, expectations


def both(count, whole=lambda x: 2 * x**0.5, noise=0.0):
    rng = random.Random(0)
    short = [0.2 + 0.5 * rng.random() for _ in range(count)]
    return [trial(n, {1: x, LAST: whole(x) * math.exp(rng.gauss(0, noise))}) for n, x in enumerate(short)]


def test_a_line_of_logarithms_is_recovered():
    """A power law is a line of logarithms."""
    found = expectations([*both(MIN_NETWORKS), trial(50, {1: 0.36}, "pruned")])
    assert found.keys() == {50}
    partial = found[50]
    assert (partial.epochs, partial.reward) == (1, 0.36)
    assert partial.expected == pytest.approx(1.2)
    assert partial.std == pytest.approx(0, abs=1e-6)


def test_the_standard_deviation_is_that_of_single_networks():
    (partial,) = expectations([*both(45, noise=0.1), trial(50, {1: 0.36}, "pruned")]).values()
    assert partial.std == pytest.approx(0.1 * partial.expected, rel=0.3)


def test_too_few_or_equal_networks_predict_nothing():
    resting = trial(50, {1: 0.36}, "pruned")
    alike = [trial(n, {1: 0.5, LAST: n + 1}) for n in range(20)]
    for known in (both(MIN_NETWORKS - 1), alike, []):
        (partial,) = expectations([*known, resting]).values()
        assert (partial.reward, partial.expected, partial.std) == (0.36, None, None)


def test_the_longest_training_so_far_predicts():
    climbing = trial(50, {1: 0.36, 3: 0.5}, "running")
    (partial,) = expectations([*both(20), climbing]).values()
    assert (partial.epochs, partial.reward, partial.expected) == (3, 0.5, None)


def test_trials_that_are_over_or_have_no_result_are_not_predicted():
    done = [*both(9), trial(50, {1: 0.3}, "failed"), trial(51, {}, "running"), trial(52, {}, "waiting")]
    assert expectations(done) == {}


def test_rewards_that_are_not_positive_are_fitted_without_logarithms():
    line = Calibration.of([(x, 2 * x - 1) for x in range(-4, 5)])
    assert (line.logarithms, line.slope, line.intercept) == (False, 2, -1)
