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
from trained import model

from search import launch
from search.cli.main import search
from search.models.model import load_model, save_model
from search.testing import looked_up
from space import UserError, decode

SMALL = {
    "space": "tiny_space",
    "proxy": "tiny",
    "data.images": 400,
    "data.test_images": 20,
    "executor": "serial",
    "sampler": "random",
    "trials": 8,
    "run": "done",
}


@pytest.fixture(scope="module", autouse=True)
def trials(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("home"))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
        yield launch(SMALL, evaluate=looked_up).trials


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
        (["--pareto", "accuracy,digest"], "Of digest neither more nor less is better"),
        (["--out", "t.txt"], r"t\.txt does not say its format; add --format csv\|"),
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
    assert result.stderr == "search: This format is no text for a terminal; add --out FILE.\n"


def modelled(*words):
    result = CliRunner().invoke(search, ["export", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_a_trial_as_a_model(tmp_path, trials):
    done = next(trial for trial in trials if trial.state == "complete")
    written = modelled(f"done:{done.number}", "--model", str(tmp_path / "m"), "--forms", "python,timm")
    assert "not trained" in written.stderr
    made = load_model(tmp_path / "m")
    assert made.architecture == done.architecture
    assert not made.trained
    assert (made.provenance.run, made.provenance.trial) == ("done", done.number)
    assert made.metric("accuracy", "validation").value == done.result.accuracy
    assert {path.name for path in (tmp_path / "m").iterdir()} >= {"network.py", "timm_network.py"}
    card = (tmp_path / "m" / "README.md").read_text()
    assert f"- search: run done, trial {done.number}" in card
    assert "of its proxy, which was not kept" in card


def test_a_run_stands_for_its_best_trial(tmp_path, trials):
    best = max((t for t in trials if t.terms), key=lambda trial: trial.terms.reward)
    modelled("done", "--model", str(tmp_path / "m"), "--forms", "python")
    assert load_model(tmp_path / "m").architecture == best.architecture


def test_published_networks_and_canonical_strings(tmp_path):
    text = "r32_i8/mb_d1_k3_s2_e2_w8/h16_c3"
    for what in ("mobilenet-v3-small-0.75", text):
        modelled(what, "--model", str(tmp_path / "m"), "--forms", "python")
        assert (tmp_path / "m" / "model.safetensors").exists()
    assert load_model(tmp_path / "m").architecture == decode(text)


def test_a_trained_model_keeps_its_weights(tmp_path):
    made = model(decode("r32_i8/mb_d1_k3_s2_e2_w8/h16_c3"), classes=("a", "b", "c"), recipe={"epochs": 2})
    save_model(made, tmp_path / "trained")
    written = modelled(str(tmp_path / "trained"), "--model", str(tmp_path / "m"), "--forms", "python")
    assert "not trained" not in written.stderr
    found = load_model(tmp_path / "m")
    assert (found.trained, found.classes, found.recipe) == (True, ("a", "b", "c"), {"epochs": 2})
    assert (tmp_path / "m" / "README.md").read_text().startswith("# trained\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["done", "--forms", "python"], "needs --model DIR"),
        (["done", "--model", "m", "--top", "3"], "--top is about the table of trials"),
        (["done", "--model", "m", "--format", "csv"], "--format is about the table of trials"),
        (["--model", "m"], "Missing argument 'RUN'"),
    ],
)
def test_tables_and_models_are_told_apart(words, message):
    assert message in CliRunner().invoke(search, ["export", *words]).output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dome", "--model", "m"], "Did you mean 'done'"),
        (["done:99", "--model", "m"], "has no trial 99"),
        (["done", "--model", "m", "--forms", "onx"], "Did you mean 'onnx'"),
        (["b00", "--model", "m"], "Did you mean 'b0'"),
        (["r32_i8/mb_d1_k3_s2_e2_w8", "--model", "m"], "is no architecture"),
        (["here/none", "--model", "m"], "Unknown run 'here/none'"),
    ],
)
def test_what_is_no_model_is_refused(words, message):
    with pytest.raises(UserError, match=message):
        CliRunner().invoke(search, ["export", *words], catch_exceptions=False)
    assert not os.path.exists("m")
