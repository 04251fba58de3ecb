"""Several objectives side by side: `reward=pareto`."""

import io

import pytest
from helpers.quick import QUICK
from rich.console import Console

from search import launch, open_run, resume
from search.cli.screen import show_run
from search.runs.front import growth, on_front
from search.stats.pareto import dominates
from search.testing import looked_up
from space import UserError

pytestmark = pytest.mark.usefixtures("at_home")

SMALL = {**QUICK, "sampler": "auto", "reward": "pareto", "trials": 14}


def searched(**settings):
    return launch({**SMALL, **settings}, evaluate=looked_up)


def test_the_front_is_what_nothing_beats():
    run = searched(sampler="random")
    kept = on_front(run.trials)
    points = [trial.terms.objectives for trial in run.trials]
    assert kept
    for trial in run.trials:
        beaten = any(dominates(point, trial.terms.objectives) for point in points)
        assert beaten == (trial not in kept)
    accuracies = [trial.result.accuracy for trial in kept]
    assert accuracies == sorted(accuracies, reverse=True)


def test_the_front_only_grows():
    moments = growth(searched(sampler="random").trials)
    assert [count for count, _ in moments][-1] == 14
    volumes = [volume for _, volume in moments]
    assert volumes == sorted(volumes)
    assert 0 < volumes[-1] <= 1
    assert growth(()) == []


@pytest.mark.parametrize("sampler", ["gp", "tpe", "nsga2", "random"])
def test_it_is_searched_and_resumed_like_any_other(sampler):
    early = {} if sampler in ("nsga2", "random") else {"sampler.startup": 4}
    whole = searched(sampler=sampler, trials=7, **early)
    searched(sampler=sampler, trials=5, run="parts", **early)
    parts = resume("parts", {"trials": 7}, evaluate=looked_up)
    assert [str(t.architecture) for t in parts.trials] == [str(t.architecture) for t in whole.trials]
    assert [len(trial.terms.objectives) for trial in whole.ranked] == [3] * 7


def test_what_has_no_weight_is_no_objective():
    run = searched(sampler="tpe", **{"reward.w": 0})
    assert {len(trial.terms.objectives) for trial in run.ranked} == {2}
    assert (
        searched(sampler="gp", trials=2, run="one", **{"reward.w": 0, "reward.v": 0}).best.terms.costs == ()
    )


def test_strategies_for_one_number_are_refused():
    with pytest.raises(UserError, match="for reward=pareto take auto, gp, tpe or nsga2"):
        searched(sampler="evolution")
    with pytest.raises(UserError, match="no run"):
        open_run("r")


def test_a_run_shows_its_front_and_how_it_grew():
    console = Console(file=io.StringIO(), width=120)
    run = searched(sampler="random")
    for part in show_run(run):
        console.print(part, soft_wrap=isinstance(part, str))
    text = console.file.getvalue()
    assert (
        f"front: {len(on_front(run.trials))} trials that no other beats in accuracy, step, params together"
        in text
    )
    assert "hypervolume, as a share of the box between the best and the worst values seen: " in text
    assert " after 14 trials" in text
