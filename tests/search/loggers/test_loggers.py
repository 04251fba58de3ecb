"""Where else a search is told: each logger, and what happens when one fails."""

import sys
import types
from contextlib import closing
from typing import ClassVar

import pytest
from helpers.quick import DONE

from search import launch, resume
from search.engine.display import Silent
from search.loggers import LOGGERS, LoggedTrial, Logger
from search.loggers.logged import Logged
from search.runs.run import LEDGER
from search.testing import looked_up
from search.trials.ledger import Ledger
from space import UserError

SMALL = {**DONE, "proxy.epochs": 2, "trials": 3, "run": "r"}


@pytest.fixture
def logged(tmp_path, monkeypatch, tmp_path_factory):
    """A small search that is told to the logger of that name: the run, and what the display was told."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    notes = []

    class Listening(Silent):
        def note(self, text):
            notes.append(text)

    def searched(name):
        return launch(SMALL, display=Logged(Listening(), [name]), evaluate=looked_up), notes

    return searched


class Kept(Logger):
    """Keeps what it is told, and fails at the second trial if it is asked to."""

    told: ClassVar[list] = []
    fails = False

    def finished(self, told):
        if self.fails and self.told:
            raise OSError("the server is gone")
        self.told.append(told)

    def close(self):
        self.told.append("closed")


@pytest.fixture
def kept(monkeypatch):
    monkeypatch.setitem(LOGGERS._ours, "kept", Kept)
    monkeypatch.setattr(Kept, "told", [])
    return Kept


def test_every_trial_is_told_once_and_the_end(logged, kept):
    run, _ = logged("kept")
    *told, end = kept.told
    assert end == "closed"
    assert [one.number for one in told] == [0, 1, 2]
    for one, trial in zip(told, run.trials, strict=True):
        assert one.metrics["reward"] == trial.terms.reward
        assert one.losses == trial.result.curve == (1.0, 0.5)
        assert set(one.params) == {choice.name for choice in run.config.space.choices}
        assert one == LoggedTrial.of(trial, run.config)


def test_a_logger_that_fails_is_given_up_and_the_search_goes_on(logged, kept, monkeypatch):
    monkeypatch.setattr(Kept, "fails", True)
    run, notes = logged("kept")
    assert [trial.state for trial in run.trials] == ["complete"] * 3
    assert len(kept.told) == 1
    assert "--log kept failed, and gets no more trials: the server is gone" in notes


def test_every_logger_is_closed_however_a_search_ends(kept, monkeypatch, tmp_path, tmp_path_factory):
    """One logger cannot be opened, one cannot be closed, and the search fails."""

    class Unopened(Kept):
        def __init__(self, path):
            raise OSError("no server")

    class Unclosed(Kept):
        def close(self):
            raise OSError("the disk is full")

    class Failing(Silent):
        def finished(self, trial):
            raise RuntimeError("the search failed")

        def note(self, text):
            notes.append(text)

    notes = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setitem(LOGGERS._ours, "unopened", Unopened)
    monkeypatch.setitem(LOGGERS._ours, "unclosed", Unclosed)
    with pytest.raises(RuntimeError, match="the search failed"):
        launch(SMALL, display=Logged(Failing(), ["unclosed", "unopened", "kept"]), evaluate=looked_up)
    assert kept.told == ["closed"]
    assert "--log unopened failed, and gets no trials: no server" in notes
    assert "--log unclosed failed, and was not closed: the disk is full" in notes


def test_a_trial_that_is_over_before_the_loggers_are_open_is_sent_once_they_are(
    kept, monkeypatch, tmp_path, tmp_path_factory
):
    """A driver that died too often in a training makes it fail at the next resume, before anything else happens."""

    def dying(request, report):
        if request.number == 1:
            raise KeyboardInterrupt
        return looked_up(request, report)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setattr("search.engine.engine.INTERRUPTIONS", 1)
    with pytest.raises(KeyboardInterrupt):
        launch(SMALL, evaluate=dying)
    with closing(Ledger(tmp_path / "runs/r" / LEDGER)) as ledger:
        ledger.begin(1, 1)
    run = resume("r", display=Logged(Silent(), ["kept"]), evaluate=looked_up)
    *told, end = kept.told
    assert [(one.number, one.state) for one in told] == [(1, "failed"), (2, "complete")]
    assert end == "closed"
    assert [trial.state for trial in run.trials] == ["complete", "failed", "complete"]


@pytest.mark.slow
def test_tensorboard_has_metrics_losses_and_choices(logged):
    pytest.importorskip("tensorboard", reason="the extra `tensorboard` is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run, _ = logged("tensorboard")

    def scalars(folder, name):
        events = EventAccumulator(str(folder))
        events.Reload()
        return [(event.step, event.value) for event in events.Scalars(name)]

    folder = run.path / "tensorboard"
    rewards = [(trial.number, pytest.approx(trial.terms.reward, rel=1e-6)) for trial in run.trials]
    assert scalars(folder, "reward") == rewards
    assert scalars(folder / "trial-1", "training_loss") == [(1, 1.0), (2, 0.5)]


def test_mlflow_has_a_run_for_each_trial(logged, monkeypatch):
    calls = []

    class Context:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            calls.append(("end",))

    fake = types.ModuleType("mlflow")
    fake.__spec__ = types.SimpleNamespace()
    fake.start_run = lambda run_name: calls.append(("start_run", run_name)) or Context()
    for name in ("set_experiment", "set_tags", "log_params", "log_metrics"):
        setattr(fake, name, lambda value, name=name: calls.append((name, value)))
    fake.log_metric = lambda key, value, step: calls.append(("log_metric", key, value, step))
    monkeypatch.setitem(sys.modules, "mlflow", fake)
    run, notes = logged("mlflow")
    assert not any("mlflow" in note for note in notes)
    assert calls[:2] == [("set_experiment", "r"), ("start_run", "r:0")]
    assert [
        value["reward"] for name, value, *_ in (c for c in calls if len(c) > 1) if name == "log_metrics"
    ] == [trial.terms.reward for trial in run.trials]
    assert ("log_metric", "training_loss", 0.5, 2) in calls
    assert calls.count(("end",)) == 3


def test_wandb_has_a_run_for_each_trial(logged, monkeypatch):
    runs = []

    class Begun:
        def __init__(self, **named):
            self.named, self.logged, self.summary, self.over = named, [], {}, False

        def log(self, values):
            self.logged.append(values)

        def finish(self):
            self.over = True

    fake = types.ModuleType("wandb")
    fake.__spec__ = types.SimpleNamespace()
    fake.init = lambda **named: runs.append(Begun(**named)) or runs[-1]
    monkeypatch.setitem(sys.modules, "wandb", fake)
    run, notes = logged("wandb")
    assert not any("wandb" in note for note in notes)
    assert [one.named["name"] for one in runs] == ["r:0", "r:1", "r:2"]
    assert [one.summary["reward"] for one in runs] == [trial.terms.reward for trial in run.trials]
    assert runs[0].logged == [{"training_loss": 1.0, "epoch": 1}, {"training_loss": 0.5, "epoch": 2}]
    assert all(one.over for one in runs)


def test_an_unknown_logger_and_one_without_its_library_are_refused(monkeypatch):
    with pytest.raises(UserError, match="Did you mean 'tensorboard'"):
        Logged(Silent(), ["tensorbord"])
    monkeypatch.setattr("search.loggers.logged.find_spec", lambda name: None)
    with pytest.raises(UserError, match="--log mlflow needs the package mlflow: pip install mlflow"):
        Logged(Silent(), ["mlflow"])
