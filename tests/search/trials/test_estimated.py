"""Estimates of accuracy from accuracy and loss."""

import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.proxy.evaluate import Result
from search.trials.estimated import MIN_TRIALS, estimated_accuracies


def result(accuracy, loss):
    return Result(accuracy, loss, 1, 1, 1.0, 1.0, (1.0,))


FIGURES = st.tuples(st.floats(0, 1), st.floats(1e-3, 50))


@given(st.lists(FIGURES, max_size=20))
def test_estimates_are_accuracies_near_the_given_ones(figures):
    results = [result(*pair) for pair in figures]
    estimates = estimated_accuracies(results)
    assert len(estimates) == len(results) and all(0 <= estimate <= 1 for estimate in estimates)


def test_few_trials_and_losses_without_a_logarithm_keep_the_accuracies():
    few = [result(number / 10, 1 + number) for number in range(MIN_TRIALS - 1)]
    assert estimated_accuracies(few) == [one.accuracy for one in few]
    negative = [result(number / 10, 1 - number) for number in range(8)]
    assert estimated_accuracies(negative) == [one.accuracy for one in negative]
    equal = [result(number / 10, 1.0) for number in range(8)]
    assert estimated_accuracies(equal) == [one.accuracy for one in equal]


def test_noisy_accuracies_are_estimated_better_with_the_loss():
    rng = random.Random(0)
    truths = [rng.uniform(0.5, 0.7) for _ in range(60)]
    results = [result(t + rng.gauss(0, 0.05), 2 - 2 * t + rng.gauss(0, 0.02)) for t in truths]
    estimates = estimated_accuracies(results)
    assert statistics.correlation(estimates, truths) > 0.05 + statistics.correlation(
        [one.accuracy for one in results], truths
    )
    assert statistics.fmean(estimates) == pytest.approx(statistics.fmean(r.accuracy for r in results))
