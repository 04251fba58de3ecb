import random

import pytest
from scipy import stats

from search.stats.paired import Layout

TWO = Layout([[0.60, 0.62, 0.61], [0.63, 0.66, 0.64]])


def test_of_two_networks_the_comparison_is_the_paired_t_test():
    paired = stats.ttest_rel(TWO.accuracies[1], TWO.accuracies[0]).confidence_interval(0.95)
    found = TWO.difference(1, 0)
    assert found.mean - found.half == pytest.approx(paired.low)
    assert found.mean + found.half == pytest.approx(paired.high)
    assert found.beyond_chance


def test_more_comparisons_make_wider_intervals():
    assert TWO.difference(1, 0, comparisons=5).half > TWO.difference(1, 0).half


def test_the_interval_of_one_network_is_students():
    alone = Layout([[0.60, 0.62, 0.61]])
    low, _ = stats.t.interval(0.95, 2, 0.61, stats.sem([0.60, 0.62, 0.61]))
    assert alone.mean(0).mean - alone.mean(0).half == pytest.approx(low)


def test_one_seed_tells_nothing_of_chance():
    layout = Layout([[0.6], [0.7]])
    assert layout.best == 1
    assert layout.mean(0).half is layout.behind(0).half is None
    assert not layout.behind(0).beyond_chance


def test_the_best_is_not_behind_itself():
    assert TWO.behind(TWO.best).mean == 0
    assert not TWO.behind(TWO.best).beyond_chance
    assert Layout([[0.5, 0.5], [0.5, 0.5]]).best == 0


def test_the_intervals_hold_as_often_as_they_say():
    """Ten networks of the same true accuracy: in 95% of studies none is told from the best of two."""
    rng, wrong = random.Random(0), 0
    for _ in range(300):
        shared = [rng.gauss(0, 0.02) for _ in range(3)]
        layout = Layout([[0.6 + s + rng.gauss(0, 0.01) for s in shared] for _ in range(2)])
        wrong += layout.behind(1 - layout.best).beyond_chance
    assert 4 <= wrong <= 30


def test_what_seeds_share_does_not_hide_a_difference():
    rng = random.Random(1)
    shared = [rng.gauss(0, 0.05) for _ in range(3)]
    layout = Layout([[m + s + rng.gauss(0, 0.002) for s in shared] for m in (0.60, 0.62, 0.64)])
    assert layout.best == 2
    assert layout.behind(0).beyond_chance
    assert layout.mean(0).half > 0.02
