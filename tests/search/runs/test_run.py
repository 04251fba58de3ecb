"""A run as Python and notebooks have it."""

import pytest
from helpers.runs import filled

from search import open_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return open_run(filled(tmp_path_factory.mktemp("runs") / "<r>", complete=4, failed=1, running=1))


def test_its_trials_are_a_table_with_types(run):
    frame = run.trials()
    assert len(frame) == len(run.trials) == 6
    kinds = {"number": "Int64", "params": "Int64", "epochs": "Int64", "reward": "float64", "state": "string"}
    assert {key: str(frame.dtypes[key]) for key in kinds} == kinds
    assert frame["params"].tolist() == [trial.cost.params for trial in run.trials]
    assert frame["epochs"].isna().sum() == 2


def test_a_run_without_trials_has_the_same_types(run, tmp_path):
    empty = open_run(filled(tmp_path / "r", complete=0)).trials()
    assert len(empty) == 0
    assert empty.dtypes.astype(str).to_dict()["params"] == "Int64"


def test_a_notebook_shows_its_best_trials_and_nothing_of_it_as_code(run):
    shown = run._repr_html_()
    assert shown.startswith("<table>")
    assert "4 complete, 1 failed, 1 running" in shown
    assert "<r>" not in shown
    assert str(run.best.architecture) in shown
