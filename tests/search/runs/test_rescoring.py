"""Finished trials under another objective."""

from dataclasses import replace

import pytest
from helpers.quick import QUICK

from search import launch
from search.config import objective_of
from search.runs.rescoring import RESCORED, rescored, rescored_answers
from search.settings.limits import NONE
from search.testing import looked_up
from space import UserError

SMALL = {**QUICK, "trials": 12}


@pytest.fixture(scope="module")
def run(finished_run):
    return finished_run


def places(run, **settings):
    return rescored(run, *objective_of(run.config, settings))


def test_the_runs_own_objective_changes_nothing(run):
    found = places(run, **{"reward.w": -0.07})
    assert [place.rank for place in found] == [place.rank_before for place in found] == list(range(1, 13))
    assert [place.trial for place in found] == run.ranked


def test_rewards_are_those_of_a_search_by_that_objective(run):
    other = launch({**SMALL, "run": "other", "reward.w": -0.3, "reward.v": 0}, evaluate=looked_up)
    found = places(run, **{"reward.w": -0.3, "reward.v": 0})
    assert {p.trial.number: p.trial.terms for p in found} == {t.number: t.terms for t in other.trials}
    assert [place.trial.number for place in found] == [trial.number for trial in other.ranked]


def test_another_objective_is_named_with_its_settings(run):
    found = places(run, reward="mnasnet", **{"reward.cost": "macs"})
    assert [term.cost for term in found[0].trial.terms.costs] == ["macs"]
    assert found[0].before.terms.costs[0].cost == "step"


def test_what_exceeds_a_limit_is_last_and_has_no_rank(run):
    limit = sorted(trial.cost.params for trial in run.trials)[5]
    found = places(run, **{"limit.params": limit})
    assert [place.rank for place in found] == [1, 2, 3, 4, 5, 6] + [None] * 6
    assert all(place.trial.cost.params <= limit for place in found[:6])
    assert all("limit.params" in place.exceeds for place in found[6:])
    assert found[-1].row()["rank"] is None


def test_rows_have_every_column(run):
    (place, *_) = places(run, **{"reward.w": -0.2})
    assert {column.key for column in RESCORED} <= place.row().keys()


def test_the_answers_keep_the_new_limits(run):
    limit = sorted(trial.cost.params for trial in run.trials)[5]
    objective, limits = objective_of(run.config, {"reward": "accuracy", "limit.params": limit})
    answers = rescored_answers(run, rescored(run, objective, limits), objective, limits)
    within = [trial for trial in run.trials if trial.cost.params <= limit]
    assert answers.best == answers.most_accurate
    assert answers.best.number == max(within, key=lambda trial: trial.result.accuracy).number
    assert answers.cheapest.cost.params <= answers.best.cost.params
    objective, limits = objective_of(run.config, {"limit.params": 1})
    assert rescored_answers(run, rescored(run, objective, limits), objective, limits) is None


def measured(run, latencies):
    """Return `run` with these measured latencies, in ms by number."""
    trials = (
        replace(t, result=replace(t.result, latency_ms=latencies.get(t.number, t.result.latency_ms)))
        for t in run.trials
    )
    return replace(run, trials=tuple(trials))


def test_networks_that_were_measured_too_slow_are_no_answers(run):
    objective, _ = objective_of(run.config, {"reward": "accuracy"})
    _, limits = objective_of(run.config, {"limit.latency": 5.0})

    def best(run):
        answers = rescored_answers(run, rescored(run, objective, NONE), objective, limits)
        assert answers.best == answers.most_accurate
        return answers.best.number

    first, second, *_ = sorted(run.trials, key=lambda trial: -trial.result.accuracy)
    assert best(measured(run, {first.number: 5.05})) == first.number  # within the error of a measurement
    assert best(measured(run, {first.number: 5.6})) == second.number
    assert best(measured(run, {trial.number: 5.6 for trial in run.trials})) == first.number
    settings = {**SMALL, "run": "again", "reward": "accuracy", "finals.top": 2, "finals.seeds": 1}
    again = launch(settings, evaluate=looked_up)
    winner, other = again.verdict.standing
    assert best(measured(again, {winner.number: 5.6})) == other.number
    slow = {winner.number: 5.6, other.number: 5.6}
    left = [trial for trial in again.ranked if trial.number not in slow]
    assert best(measured(again, slow)) == left[0].number


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"proxy.epochs": 3}, "proxy.epochs is not part of an objective"),
        ({"trials": 3}, "trials is not part of an objective"),
        ({"reward.u": 3}, "Did you mean 'reward.w'|Unknown setting"),
        ({"reward": "mnasnett"}, "Did you mean 'mnasnet'"),
        ({"reward.reference": "b0"}, "measured step times relative to .* only"),
        ({"limit.step": 3.0}, "begun without a profile"),
    ],
)
def test_what_cannot_be_scored_is_refused(run, settings, says):
    with pytest.raises(UserError, match=says):
        places(run, **settings)


def test_a_step_time_that_was_not_measured_is_missed():
    run = launch({**SMALL, "run": "untimed", "reward.w": 0}, evaluate=looked_up)
    with pytest.raises(UserError, match=r"untimed:\d+: the step time is missing"):
        places(run, **{"reward.w": -0.07})
    assert places(run, reward="effnet")[0].rank == 1
