"""The band of random draws."""

import pytest
from filling import filled
from hypothesis import given
from hypothesis import strategies as st

from search import open_run
from search.report.baseline import best_of, lead, random_draws

REWARDS = st.lists(st.floats(0, 1), min_size=3, max_size=30).filter(lambda found: len(set(found)) > 1)


@given(REWARDS)
def test_the_best_of_more_draws_is_no_worse(rewards):
    bands = best_of(rewards, [1, 2, 5, 20, 100])
    means = [band.mean for band in bands]
    assert means == sorted(means)
    assert all(band.low <= band.mean <= band.high for band in bands)


def test_one_draw_is_expected_at_the_mean_of_those_that_were_made():
    (one,) = best_of([0.4, 0.5, 0.6, 0.5] * 10, [1])
    assert one.mean == pytest.approx(0.5, abs=0.01)


def test_the_best_of_many_is_what_normal_numbers_have():
    # The expected largest of 10 standard normal numbers is 1.5388.
    rewards = [0.5 + 0.1 * sign for sign in (-1, 1)] * 200
    (ten,) = best_of(rewards, [10])
    assert ten.mean == pytest.approx(0.5 + 0.1 * 1.5388, abs=0.005)


def test_too_few_draws_make_no_band():
    assert best_of([0.1, 0.2], [1, 2]) == []


def test_a_lead_has_its_interval_around_it_and_is_the_same_each_time():
    mean, low, high = lead(0.9, 0.01, [0.4, 0.5, 0.6], 10)
    assert low < mean < high
    assert (mean, low, high) == lead(0.9, 0.01, [0.4, 0.5, 0.6], 10)
    assert lead(0.8, 0.01, [0.4, 0.5, 0.6], 10)[0] == pytest.approx(mean - 0.1)


@pytest.mark.parametrize(("settings", "drawn"), [({}, 12), ({"sampler": "grid"}, 0), ({"sampler": "gp"}, 8)])
def test_draws_are_those_before_the_sampler_had_results_enough(tmp_path, settings, drawn):
    found = random_draws(open_run(filled(tmp_path / "r", **settings)))
    assert [trial.number for trial in found] == list(range(drawn))


def test_networks_that_the_user_named_are_no_draws(tmp_path):
    path = filled(
        tmp_path / "r", sampler="gp", seed=str(open_run(filled(tmp_path / "a")).trials[0].architecture)
    )
    assert [trial.number for trial in random_draws(open_run(path))] == list(range(1, 8))
