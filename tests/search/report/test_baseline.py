"""The band of random draws."""

from dataclasses import replace
from itertools import pairwise, product

import pytest
from helpers.runs import filled
from hypothesis import given
from hypothesis import strategies as st

from search import open_run
from search.report.baseline import bands, best_of, compare_with_draws, drew, random_draws

REWARDS = st.lists(st.floats(0, 1), min_size=3, max_size=12)


@given(REWARDS, st.integers(1, 4))
def test_it_is_the_mean_over_all_ways_to_draw_with_replacement(rewards, count):
    rewards = rewards[:4]
    every = [max(drawn) for drawn in product(rewards, repeat=count)]
    assert best_of(rewards, count).mean == pytest.approx(sum(every) / len(every))


@given(REWARDS)
def test_the_best_of_more_draws_is_no_worse(rewards):
    found = bands(rewards, range(1, len(rewards) + 1))
    for band, further in pairwise(found):
        assert band.mean <= further.mean + 1e-12
        assert (band.low, band.high) <= (further.low, further.high)
    assert all(min(rewards) <= band.low <= band.high <= max(rewards) for band in found)


def test_an_example():
    # Of two draws among 1, 2, 3: 1 in 1 of 9 cases, 2 in 3, 3 in 5.
    band = best_of([3.0, 1.0, 2.0], 2, covered=0.5)
    assert band.mean == pytest.approx((1 + 2 * 3 + 3 * 5) / 9)
    assert (band.low, band.high) == (2.0, 3.0)


def test_no_band_beyond_the_number_of_draws():
    assert [band.draws for band in bands([0.1, 0.2, 0.3], [1, 3, 4, 10])] == [1, 3]
    assert bands([0.1, 0.2], [1, 2]) == []


def test_proposals_are_compared_with_draws():
    found = compare_with_draws([0.6, 0.7, 0.8], [0.1, 0.2, 0.3, 0.75])
    assert (found.beats, found.proposals, found.draws) == (pytest.approx(10 / 12), 3, 4)
    assert 0 < found.p < 1
    assert compare_with_draws([0.6, 0.7], [0.1, 0.2, 0.3]) is None


@pytest.mark.parametrize(
    ("settings", "drawn"),
    [({}, 12), ({"sampler": "grid"}, 0), ({"sampler": "gp"}, 8), ({"sampler": "auto"}, 8)],
)
def test_draws_are_those_before_the_sampler_had_results_enough(tmp_path, settings, drawn):
    found = random_draws(open_run(filled(tmp_path / "r", **settings)))
    assert [trial.number for trial in found] == list(range(drawn))


def test_published_networks_that_a_start_begins_with_are_no_draws(tmp_path):
    run = open_run(filled(tmp_path / "r", sampler="auto", space="effv2"))
    published = run.config.reference
    trials = [replace(trial, architecture=published) if trial.number == 1 else trial for trial in run.trials]
    found = random_draws(replace(run, trials=trials))
    assert [trial.number for trial in found] == [0, *range(2, 8)]
    assert drew(run) == "drew at random, evenly over sizes"


def test_networks_that_the_user_named_are_no_draws(tmp_path):
    path = filled(
        tmp_path / "r", sampler="gp", first=str(open_run(filled(tmp_path / "a")).trials[0].architecture)
    )
    assert [trial.number for trial in random_draws(open_run(path))] == list(range(1, 8))


def test_draws_of_many_workers_last_until_there_are_results_for_a_model(tmp_path):
    run = open_run(filled(tmp_path / "r", complete=20, sampler="auto"))
    # Sixteen workers begin together, and two results are there before trial 16 is proposed.
    trials = tuple(replace(t, proposed_at=0.0 if t.number < 16 else t.proposed_at) for t in run.trials)
    found = random_draws(replace(run, trials=trials))
    assert [trial.number for trial in found] == list(range(16))
