"""A run, and its trials, in a line each."""

import pytest
from helpers.runs import filled

from search.runs.run import open_run
from space import UserError


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return open_run(filled(tmp_path_factory.mktemp("runs") / "r", complete=4, failed=1, running=1))


def test_a_run_is_a_line_with_its_best_trial(run):
    best = run.ranked[0]
    assert repr(run) == f"<Run {run.name}: 4 complete, 1 failed, 1 running, best: {best!r}>"
    assert len(repr(run)) < 250


def test_the_command_that_continues_a_run_is_for_a_shell(tmp_path):
    path = filled(tmp_path / "my runs" / "one", complete=1, running=1)
    assert open_run(path).go_on == f"search resume '{path}'"


def test_a_trial_has_its_figures(run):
    trial = run.best
    assert (trial.accuracy, trial.reward) == (trial.result.accuracy, trial.terms.reward)
    assert trial.params == trial.cost.params
    (running,) = run.running
    assert (running.accuracy, running.reward) == (None, None)
    assert repr(running).startswith(f"<Trial {running.number}: running, ")
    assert f"reward {trial.reward:.4f}, accuracy {trial.accuracy:.4f}" in repr(trial)
    shown = trial._repr_html_()
    assert shown.startswith(f"<p>&lt;Trial {trial.number}: complete")
    assert shown.endswith("</table>")


def test_a_trial_is_picked_by_number_or_as_an_answer(run):
    answers = run.answers
    assert run.pick(None) == run.pick("best") == answers.best
    assert run.pick("most-accurate") == run.pick("most_accurate") == answers.most_accurate
    assert run.pick("cheapest") == answers.cheapest
    assert run.pick(1) == run.trials[1]
    with pytest.raises(UserError, match="Did you mean 'cheapest'"):
        run.pick("cheap")
    for name in ("cost", "error", "names"):
        with pytest.raises(UserError, match=f"'{name}'.* Permitted: best, most-accurate, cheapest"):
            run.pick(name)
