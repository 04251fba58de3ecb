"""`search export` as a user types it."""

import csv
import io
import json
import os
import pty
import subprocess
import sys

import pandas as pd
import pytest
from click.testing import CliRunner

from search.cli.main import search
from space import UserError


@pytest.fixture(scope="module", autouse=True)
def trials(finished_run):
    return finished_run.trials


def exported(*words):
    result = CliRunner().invoke(search, ["export", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def rows(*words):
    return list(csv.DictReader(io.StringIO(exported("done", *words))))


def test_columns_in_the_order_they_are_named_in():
    assert list(rows("--columns", "reward,number,architecture")[0]) == ["reward", "number", "architecture"]


def test_the_best_trials_best_first(trials):
    rewards = [float(row["reward"]) for row in rows("--top", "3")]
    assert rewards == sorted((trial.terms.reward for trial in trials), reverse=True)[:3]


def test_rows_in_another_order():
    params = [int(row["params"]) for row in rows("--sort", "-params", "--columns", "params")]
    assert params == sorted(params, reverse=True)
    assert len(params) == 8


def test_what_no_other_trial_beats():
    front = rows("--pareto", "accuracy,params")
    assert front
    for row in rows():
        as_good = [
            other
            for other in front
            if float(other["accuracy"]) >= float(row["accuracy"])
            and int(other["params"]) <= int(row["params"])
        ]
        assert as_good
    assert rows("--pareto") == rows("--pareto", "accuracy,params,step_ratio")
    assert len(rows("--pareto", "--top", "1")) == 1


def test_the_ending_of_a_file_says_its_format(tmp_path, trials):
    exported("done", "--out", str(tmp_path / "t.parquet"))
    frame = pd.read_parquet(tmp_path / "t.parquet")
    assert frame["params"].tolist() == [trial.cost.params for trial in trials]
    assert frame["reward"].tolist() == [trial.terms.reward for trial in trials]
    exported("done", "--out", str(tmp_path / "t.html"))
    assert (tmp_path / "t.html").read_text().startswith("<!doctype html>")
    exported("done", "--format", "optuna", "--out", str(tmp_path / "t.journal"))
    assert len((tmp_path / "t.journal").read_text().splitlines()) > 8


def test_the_schema_without_a_run():
    assert "| reward" in exported("--schema")
    document = json.loads(exported("--schema", "--format", "json", "--columns", "params"))
    assert document["rows"] == [
        {
            "key": "params",
            "type": "integer",
            "unit": None,
            "meaning": "trainable parameters of the full network",
        }
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--columns", "rewrd"], "Did you mean 'reward'"),
        (["--sort", "-rewrd"], "Did you mean 'reward'"),
        (["--pareto", "accuracy,digest"], "digest: neither high nor low values are better"),
        (["--out", "t.txt"], r"t\.txt: unknown ending; add --format csv\|"),
        (["--format", "parqet"], "Did you mean 'parquet'"),
        (["--format", "optuna", "--top", "3"], "--top chooses rows or columns of a table"),
    ],
)
def test_mistakes_are_refused_and_write_nothing(words, message, tmp_path):
    before = sorted(tmp_path.iterdir())
    with pytest.raises(UserError, match=message):
        CliRunner().invoke(search, ["export", "done", *words], catch_exceptions=False)
    assert sorted(tmp_path.iterdir()) == before


def test_a_run_is_asked_for():
    assert "Missing argument 'RUN'" in CliRunner().invoke(search, ["export"]).output
    assert "before --pareto" in CliRunner().invoke(search, ["export", "--pareto", "done"]).output


def test_bytes_are_kept_off_a_terminal():
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "search", "export", "done", "--format", "parquet"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    result = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, text=True, env=environment)
    os.close(theirs)
    os.close(ours)
    assert result.returncode == 2
    assert result.stderr == "search: This format is not text; add --out FILE.\n"


def test_models_have_a_command_of_their_own():
    for words in (["done", "--model", "m"], ["done", "--forms", "python"]):
        assert "search export-model MODEL --out DIR" in CliRunner().invoke(search, ["export", *words]).output


def test_choices_are_columns_of_exact_formats(finished_run):
    space, trials = finished_run.config.space, finished_run.trials
    names = [choice.name for choice in space.choices]
    assert list(rows()[0])[-len(names) :] == names
    written = json.loads(exported("done", "--format", "json"))["rows"]
    for trial, row in zip(trials, written, strict=True):
        options = {c.name: c.options[i] for c, i in zip(space.choices, trial.point, strict=True)}
        assert {name: row[name] for name in names} == options
    assert names[0] not in exported("done", "--format", "md")
    assert names[0] in exported("done", "--format", "md", "--columns", f"number,{names[0]}")
    assert names[0] in exported("done", "--schema")
