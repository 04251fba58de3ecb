"""Searches that start from what others found out: `from=RUN`."""

import shutil
from pathlib import Path

import pytest
from helpers.fake_device import DEVICE, profile_of
from helpers.quick import QUICK

from search import launch, open_run, resume
from search.profiles.campaign import Campaign
from search.samplers import SAMPLERS
from search.testing import looked_up
from search.trials.columns import row
from space import Space, UserError

pytestmark = pytest.mark.usefixtures("at_home")

SMALL = {**QUICK, "trials": 8, "finals": "off", "reward.w": 0}


def searched(run, evaluate=looked_up, **settings):
    return launch({**SMALL, "run": run, **settings}, evaluate=evaluate)


def networks(trials):
    return [str(trial.architecture) for trial in trials]


def own(run):
    return [trial for trial in run.trials if trial.state not in ("imported", "duplicate")]


@pytest.mark.parametrize("sampler", [name for name in SAMPLERS if name != "grid"])
def test_known_networks_are_not_trained_and_not_counted(sampler):
    old = searched("old")
    asked = []

    def evaluate(request, report):
        asked.append(request.architecture)
        return looked_up(request, report)

    new = searched("new", evaluate, trials=7, sampler=sampler, **{"from": "old"})
    assert [trial.state for trial in new.trials[:8]] == ["imported"] * 8
    assert len(own(new)) == len(asked) == 7
    assert not set(asked) & set(networks(old.trials))
    assert [trial.origin for trial in new.trials[:8]] == [f"old:{number}" for number in range(8)]
    assert [trial.result for trial in new.trials[:8]] == [trial.result for trial in old.trials]
    assert [trial.terms for trial in new.trials[:8]] == [trial.terms for trial in old.trials]


def test_they_rank_among_the_others_and_are_told_apart():
    old = searched("old", trials=20)
    new = searched("new", trials=1, **{"from": "old"})
    assert len(new.ranked) == 21
    assert new.best.terms.reward >= old.best.terms.reward
    found = row(new.trials[3])
    assert (found["state"], found["origin"], found["reason"]) == ("imported", "old:3", "")
    assert row(new.trials[20])["origin"] is None


def test_they_are_scored_by_the_new_objective():
    old = searched("old")
    new = searched("new", trials=1, **{"from": "old", "reward.v": -0.5})
    for before, trial in zip(old.trials, new.trials, strict=False):
        assert trial.result.accuracy == before.result.accuracy
        assert trial.terms.reward != before.terms.reward


def test_what_exceeds_the_new_limits_is_left_out():
    old = searched("old")
    limit = sorted(trial.cost.params for trial in old.trials)[3]
    new = searched("new", trials=2, **{"from": "old", "limit.params": limit})
    assert len(own(new)) == 2
    assert [t.origin for t in new.trials if t.origin] == [
        f"old:{t.number}" for t in old.trials if t.cost.params <= limit
    ]


def test_the_model_knows_them_at_once():
    """With eight trials known nothing is drawn at random any more: the same seed proposes something else."""
    searched("old")
    fresh = networks(own(searched("fresh", sampler="gp", trials=1)))
    assert networks(own(searched("told", sampler="gp", trials=1, **{"from": "old"}))) != fresh


def test_a_search_goes_on_where_another_ended():
    """The same settings: what the longer search would have proposed."""
    whole = searched("whole", trials=12)
    searched("old", trials=8)
    assert networks(own(searched("new", trials=4, **{"from": "old"}))) == networks(whole.trials)[8:]


def test_a_resumed_search_needs_the_other_no_more():
    searched("old")
    expected = networks(own(searched("whole", trials=5, **{"from": "old"})))
    searched("new", trials=2, **{"from": "old"})
    shutil.rmtree("runs/old")
    run = resume("new", {"trials": 5}, evaluate=looked_up)
    assert networks(own(run)) == expected
    with pytest.raises(UserError, match="from cannot change"):
        resume("new", {"from": "whole"})


def test_several_runs_and_runs_that_started_from_others():
    searched("a", trials=3)
    searched("b", trials=3, seed=1, **{"from": "a"})
    run = searched("c", trials=1, seed=2, **{"from": "b,a"})
    origins = [trial.origin for trial in run.trials if trial.origin]
    assert origins == ["a:0", "a:1", "a:2", "b:3", "b:4", "b:5"]


def test_retrainings_are_taken_along():
    searched("old", **{"finals": "full", "finals.top": 2, "finals.seeds": 2})
    asked = []

    def evaluate(request, report):
        asked.append((request.architecture, request.seed))
        return looked_up(request, report)

    old = open_run("old")
    new = searched("new", evaluate, trials=1, **{"from": "old", "finals.top": 2, "finals.seeds": 2})
    assert [trial.final_accuracies for trial in new.trials[:8]] == [
        trial.final_accuracies for trial in old.trials
    ]
    known = {(str(t.architecture), repeat.seed) for t in old.trials for repeat in t.final_trainings}
    assert not set(asked) & known


def test_a_network_to_try_first_is_not_tried_again():
    old = searched("old")
    new = searched("new", trials=1, first="old:3", **{"from": "old"})
    assert networks(own(new))[0] != str(old.trials[3].architecture)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"proxy.epochs": 9}, r"proxy\.epochs \(\d+, here 9\)"),
        ({"space.stages.1.kernel": 3}, r"space\.stages\.1\.kernel \(\[3, 5\], here 3\)"),
        ({"data.difficulty": 0.7}, "its data differ"),
        ({"data.flip": False}, r"data\.flip \(True, here False\)"),
        ({"from": "odl"}, "Did you mean 'old'"),
        ({"reward.w": -0.07}, "old:0: the step time is missing; step=profile predicts it"),
    ],
)
def test_what_does_not_compare_is_refused_with_what_differs(changed, says):
    searched("old")
    with pytest.raises(UserError, match=says) as refused:
        searched("new", **{"from": "old", **changed})
    assert "\n" not in str(refused.value)
    assert not Path("runs/new").exists()


def test_the_use_of_graphs_changes_no_result():
    searched("old")
    run = searched("new", trials=1, **{"from": "old", "proxy.graph": "never"})
    assert [trial.state for trial in run.trials[:8]] == ["imported"] * 8


def test_a_profile_predicts_step_times_beside_another_reference(monkeypatch):
    monkeypatch.setattr("search.engine.driving.measure_best", lambda engine, forecast: None)
    searched("old", **{"reward.w": -0.07})
    profile_of(Campaign(Space.load("tiny_space"), DEVICE, 32)).save(Path("cpu.json"))
    predicted = {"reward.w": -0.07, "reward.reference": "b0", "step": "./cpu.json", "force_step": True}
    run = searched("new", trials=1, **predicted, **{"from": "old"})
    assert [trial.state for trial in run.trials[:8]] == ["imported"] * 8
    assert {trial.predicted is None for trial in run.trials} == {False}


def test_step_times_beside_another_reference_are_refused():
    searched("old", **{"reward.w": -0.07})
    searched("same", trials=1, **{"reward.w": -0.07, "from": "old"})
    with pytest.raises(UserError, match=r"reward\.reference"):
        searched("new", **{"reward.w": -0.07, "reward.reference": "b0", "from": "old"})
