"""A run as an Optuna storage: as Optuna reads it, and as its dashboard shows it."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import replace
from datetime import datetime

import optuna
import pytest
from helpers.quick import DONE
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from search.runs.optuna_journal import journal
from search.trials.columns import row

SMALL = {**DONE, "proxy.epochs": 2, "trials": 6}


@pytest.fixture(scope="module")
def run(finished_run):
    return finished_run


def opened(run, tmp_path):
    path = tmp_path / "study"
    path.write_bytes(journal(run))
    return optuna.load_study(study_name=run.name, storage=JournalStorage(JournalFileBackend(str(path))))


def test_optuna_reads_what_the_run_holds(run, tmp_path):
    study = opened(run, tmp_path)
    assert study.best_trial.number == run.best.number
    assert study.metric_names == ["reward"]
    assert study.user_attrs["space"] == "tiny_space"
    for found, trial in zip(study.trials, run.trials, strict=True):
        assert (found.number, found.state, found.value) == (
            trial.number,
            TrialState.COMPLETE,
            trial.terms.reward,
        )
        values = {key: value for key, value in row(trial).items() if value not in (None, "")}
        assert found.user_attrs == {
            **{key: value for key, value in values.items() if key not in ("number", "reward")},
            "seed": trial.seed,
        }
        assert found.intermediate_values == {1: 1.0, 2: 0.5}
        assert found.datetime_start == datetime.fromtimestamp(trial.proposed_at)
        assert found.datetime_complete == datetime.fromtimestamp(trial.finished_at)


def test_params_are_the_options_that_were_taken(run, tmp_path):
    choices = run.config.space.choices
    for found, trial in zip(opened(run, tmp_path).trials, run.trials, strict=True):
        assert found.params == {c.name: c.options[i] for c, i in zip(choices, trial.point, strict=True)}
        assert {name: d.choices for name, d in found.distributions.items()} == {
            choice.name: choice.options for choice in choices
        }


def test_every_state_has_its_own(run, tmp_path):
    bare = {"result": None, "terms": None, "finished_at": None}
    states = (
        replace(run.trials[0], state="duplicate"),
        replace(run.trials[1], state="failed", reason="the loss became nan", result=None, terms=None),
        replace(run.trials[2], state="running", **bare),
        replace(run.trials[3], state="waiting", **bare),
    )
    study = opened(replace(run, trials=states), tmp_path)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "FAIL", "RUNNING", "WAITING"]
    assert study.trials[1].user_attrs["reason"] == "the loss became nan"
    assert [trial.datetime_complete is None for trial in study.trials] == [False, False, True, True]


def test_a_fit_chooses_between_networks_and_has_no_params(run, tmp_path):
    fit = replace(run, trials=tuple(replace(trial, point=(trial.number,)) for trial in run.trials))
    assert [trial.params for trial in opened(fit, tmp_path).trials] == [{}] * 6


def test_a_run_without_trials(run, tmp_path):
    assert opened(replace(run, trials=()), tmp_path).trials == []


@pytest.mark.slow
def test_the_dashboard_shows_it(run, tmp_path):
    pytest.importorskip("optuna_dashboard", reason="the extra `dashboard` is not installed")
    (tmp_path / "study").write_bytes(journal(run))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["-c", "from optuna_dashboard._cli import main; main()", str(tmp_path / "study")]
    server = subprocess.Popen(
        [sys.executable, *command, "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        (study,) = asked(f"http://127.0.0.1:{port}/api/studies")["study_summaries"]
        assert (study["study_name"], study["directions"]) == ("done", ["maximize"])
        shown = asked(f"http://127.0.0.1:{port}/api/studies/{study['study_id']}?after=0")
    finally:
        server.kill()
        server.wait()
    assert [trial["state"] for trial in shown["trials"]] == ["Complete"] * 6
    assert [trial["values"] for trial in shown["trials"]] == [[t.terms.reward] for t in run.trials]
    assert {param["name"] for param in shown["trials"][0]["params"]} == {
        choice.name for choice in run.config.space.choices
    }
    assert shown["objective_names"] == ["reward"]
    assert shown["has_intermediate_values"]


def asked(address):
    for _ in range(150):
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:
                return json.load(answer)
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"nothing answers at {address}")
