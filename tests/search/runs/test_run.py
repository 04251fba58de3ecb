"""A run as Python and notebooks have it."""

import pytest
from helpers.runs import filled

from search import open_run
from search.runs.run import CONFIG, find, is_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return open_run(filled(tmp_path_factory.mktemp("runs") / "<r>", complete=4, failed=1, running=1))


def test_its_trials_are_a_table_with_types(run):
    frame = run.to_dataframe()
    assert len(frame) == len(run.trials) == 6
    kinds = {"number": "Int64", "params": "Int64", "epochs": "Int64", "reward": "float64", "state": "string"}
    assert {key: str(frame.dtypes[key]) for key in kinds} == kinds
    assert frame["params"].tolist() == [trial.cost.params for trial in run.trials]
    assert frame["epochs"].isna().sum() == 2


def test_a_run_without_trials_has_the_same_types(run, tmp_path):
    empty = open_run(filled(tmp_path / "r", complete=0)).to_dataframe()
    assert len(empty) == 0
    assert empty.dtypes.astype(str).to_dict()["params"] == "Int64"


def test_a_path_to_a_run_may_begin_with_the_home_folder(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / CONFIG).write_text("")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find("~/elsewhere") == tmp_path / "elsewhere"
    assert not is_run("~/nowhere")


def test_a_notebook_shows_its_best_trials_and_nothing_of_it_as_code(run):
    shown = run._repr_html_()
    assert shown.startswith("<table>")
    assert "4 complete, 1 failed, 1 running" in shown
    assert "<r>" not in shown
    assert str(run.best.architecture) in shown


def test_choices_are_columns_with_types(run):
    frame = run.to_dataframe()
    space = run.config.space
    for place, choice in enumerate(space.choices):
        assert frame[choice.name].tolist() == [choice.options[trial.point[place]] for trial in run.trials]
    assert {str(frame.dtypes[c.name]) for c in space.choices if set(map(type, c.options)) == {int}} == {
        "Int64"
    }


def test_a_run_is_a_line_with_its_best_trial(run):
    best = run.ranked[0]
    assert repr(run) == f"<Run {run.name}: 4 complete, 1 failed, 1 running, best: {best!r}>"
    assert len(repr(run)) < 250


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
