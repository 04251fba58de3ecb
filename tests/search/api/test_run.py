"""A run as Python and notebooks have it."""

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from helpers.exact_costs import EXACT_COSTS
from helpers.quick import DONE
from helpers.runs import filled
from matplotlib.figure import Figure

from search import Run, launch, open_run, resume
from search.cli.main import search
from search.compare.comparison import Compared, Trained
from search.compare.evaluation import Evaluation
from search.compare.levels import lineup
from search.stats.hits import encode_hits
from search.testing import looked_up
from search.trials.columns import VERSION
from space import UserError
from space.timing.ratio import StepTime


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


def test_a_run_without_trials_has_the_same_types(tmp_path):
    empty = open_run(filled(tmp_path / "r", complete=0)).to_dataframe()
    assert len(empty) == 0
    assert empty.dtypes.astype(str).to_dict()["params"] == "Int64"


def test_choices_are_columns_with_types(run):
    frame = run.to_dataframe()
    space = run.config.space
    for place, choice in enumerate(space.choices):
        assert frame[choice.name].tolist() == [choice.options[trial.point[place]] for trial in run.trials]
    assert {str(frame.dtypes[c.name]) for c in space.choices if set(map(type, c.options)) == {int}} == {
        "Int64"
    }


def test_a_notebook_shows_its_best_trials_and_nothing_of_it_as_code(run):
    shown = run._repr_html_()
    assert shown.startswith("<table>")
    assert "4 complete, 1 failed, 1 running" in shown
    assert "<r>" not in shown
    assert str(run.best.architecture) in shown


def test_a_page_is_the_one_of_the_command(run, tmp_path):
    assert run.report() == run.path / "report.html"
    written = run.report(out=tmp_path / "one.html").read_text()
    result = CliRunner().invoke(search, ["report", str(run.path), "--out", str(tmp_path / "two.html")])
    assert result.exit_code == 0
    other = (tmp_path / "two.html").read_text()
    assert len(written) == len(other) and written[:2000] == other[:2000]
    with pytest.raises(UserError, match=r"\.html"):
        run.report(out="page.txt")
    with pytest.raises(UserError, match="baseline"):
        run.report(run.path, baseline=run.path)


def test_its_charts_are_figures_that_notebooks_show(run):
    figures = run.figures()
    assert "reward-over-trials" in figures
    assert all(isinstance(figure, Figure) for figure in figures.values())
    png = figures["reward-over-trials"]._repr_png_()
    assert png.startswith(b"\x89PNG") and png == figures["reward-over-trials"]._repr_png_()


def test_its_export_is_the_one_of_the_command(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = run.export(format="csv", columns="number,reward", sort="-reward", top=2)
    command = ["export", str(run.path), "--columns", "number,reward", "--sort", "-reward", "--top", "2"]
    assert text == CliRunner().invoke(search, command).stdout
    assert run.export("t.parquet", pareto="accuracy,params") is None
    assert 1 <= len(pd.read_parquet("t.parquet")) <= 4
    assert json.loads(run.export(format="json"))["version"] == VERSION


def test_places_under_another_objective(run):
    result = run.rescore(reward="accuracy")
    accuracies = [place.trial.accuracy for place in result.places]
    assert accuracies == sorted(accuracies, reverse=True)
    assert result.to_dataframe()["rank"].tolist() == [1, 2, 3, 4]
    assert "architecture" not in result._repr_html_() and "<td" in result._repr_html_()
    with pytest.raises(UserError, match="given twice"):
        run.rescore({"reward": "accuracy"}, reward="mnasnet")


def test_a_comparison_is_the_one_of_the_command(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plans = []

    def untrained(plan, note, display):
        plans.append(plan)
        line = lineup(plan, None, EXACT_COSTS, note)
        hits = encode_hits([True, True, False, False])
        evaluations, step = (Evaluation(0.5, 1.0, 4, hits),) * 2, StepTime(1.0, 0.01, 7, 3.0, 3.0, 3.0, 3.0)
        every = (Trained(one, evaluations, 1.0, 1.0, step) for one in line.contenders)
        return Compared(plan, line, tuple(every), EXACT_COSTS)

    monkeypatch.setattr("search.compare.comparison.compare", untrained)
    settings = {"match": "macs", "random": 0, "out": str(tmp_path / "here")}
    table = run.compare("b0", settings=settings, networks="resnet-18", seeds=2, display=None)
    assert table.to_dataframe()["what"].tolist() == [run.name, "b0"]
    assert "is not significantly different from b0" in table.caption
    assert "resnet-18 is left out" in table.caption
    written = (tmp_path / "here/comparison.csv").read_text()
    words = [f"{name}={value}" for name, value in settings.items()]
    command = ["compare", str(run.path), "b0", *words, "networks=resnet-18", "seeds=2"]
    assert CliRunner().invoke(search, command).exit_code == 0
    assert plans[0].document() == plans[1].document()
    assert (tmp_path / "here/comparison.csv").read_text() == written
    with pytest.raises(UserError, match="given twice"):
        run.compare(settings={"seeds": 1}, seeds=2)


@pytest.mark.usefixtures("at_home")
def test_launch_takes_keywords_and_shows_progress_unless_told_otherwise(capfd):
    settings = {name: value for name, value in DONE.items() if "." in name}
    words = {name: value for name, value in DONE.items() if "." not in name} | {"trials": 2}
    run = launch(settings, evaluate=looked_up, **words)
    assert isinstance(run, Run) and len(run.trials) == 2
    shown = capfd.readouterr().err
    assert "trial 0 reward" in shown and "2 of 2" in shown
    more = resume(run.name, trials=3, display=None, evaluate=looked_up)
    assert len(more.trials) == 3 and capfd.readouterr().err == ""
    with pytest.raises(UserError, match="trials is given twice"):
        launch({"trials": 1}, trials=2)
    with pytest.raises(UserError, match="Did you mean 'trials'"):
        launch(trails=2)
    assert sorted(path.name for path in Path("runs").iterdir()) == ["done"]
