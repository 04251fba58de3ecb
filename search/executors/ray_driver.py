"""The part of `executor=ray` that runs inside Ray Tune on the driver's side and makes the engine's calls.

Tune asks a searcher what to run and a scheduler whether it goes on. Both pass the question on to the engine and
keep nothing: `Tuner.restore` is never used. Tune's loop runs in the thread that called `tune`, so that all of
the engine's calls come from there.

Importing this imports Ray.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import ray
from ray.tune import (
    Callback,
    CheckpointConfig,
    FailureConfig,
    RunConfig,
    TuneConfig,
    Tuner,
    with_resources,
)
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from search.executors.base import Driven, Evaluate
from search.executors.ray_worker import Worker, code

_LOOK = 2.0
"""Seconds between looks at how many trials the cluster holds: nodes come and go."""


class Cluster(Protocol):
    """The settings of `executor=ray` that are read here."""

    @property
    def address(self) -> str | None: ...
    @property
    def timeout(self) -> float | None: ...
    @property
    def occupied(self) -> dict[str, float]: ...
    def fitting(self, available: Mapping[str, float]) -> int: ...


def tune(executor: Cluster, engine: Driven, evaluate: Evaluate, folder: Path) -> None:
    """Trains what the engine asks for until it has nothing more, on the cluster that this process is in.

    folder: for what Tune writes; nothing of it is read again.
    """
    trials = _Trials(executor, engine, evaluate)
    tuner = Tuner(
        with_resources(Worker, executor.occupied),
        tune_config=TuneConfig(
            search_alg=_Asks(trials),
            scheduler=_Decides(trials),
            num_samples=-1,
            reuse_actors=True,
            trial_dirname_creator=lambda trial: trial.trial_id,
        ),
        run_config=RunConfig(
            name="trials",
            storage_path=str(folder),
            # One that a node took with it is handed out again by the engine, which counts its attempts.
            failure_config=FailureConfig(max_failures=0),
            # By default a trainable that is a class is saved when it ends.
            checkpoint_config=CheckpointConfig(checkpoint_at_end=False),
            callbacks=[_Watches(trials)],
            verbose=0,
        ),
    )
    try:
        tuner.fit()
    except _Raised as raised:
        raise raised.error from None


class _Raised(BaseException):
    """Carries what the engine raised out of Tune, which would take any `Exception` for the fault of a trial."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


@contextmanager
def _past_tune() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise _Raised(error) from error


@dataclass(slots=True)
class _Job:
    """A trial in Tune's hands. since: when its worker began with it, None while it waits for one."""

    number: int
    since: float | None = None


class _Trials:
    """The engine's calls, by Tune's names of trials."""

    def __init__(self, executor: Cluster, engine: Driven, evaluate: Evaluate) -> None:
        self._executor, self._engine = executor, engine
        self._constant = {"evaluate": evaluate, "sources": code()}
        self._jobs: dict[str, _Job] = {}
        self._room, self._looked = 0, -_LOOK

    def ask(self, name: str) -> dict[str, Any] | str | None:
        """Return what a new trial of that name trains; None: nothing now. FINISHED: nothing more."""
        with _past_tune():
            room = self._places()
            if len(self._jobs) >= room:
                # One worker alone waits for the next proposal, so that it is made with all that is known.
                if room > 1:
                    self._engine.prepare()
                return None
            request = self._engine.next_trial()
            if request is None:
                return None if self._jobs else Searcher.FINISHED
            self._jobs[name] = _Job(request.number)
            return {"request": request, **self._constant}

    def begun(self, name: str) -> None:
        if job := self._jobs.get(name):
            job.since = time.monotonic()

    def stops(self, name: str, epoch: int, loss: float) -> bool:
        """Return True if the engine stops a trial that ended an epoch."""
        with _past_tune():
            job = self._jobs.get(name)
            return job is None or self._engine.on_report(job.number, epoch, loss)

    def answered(self, name: str, answer: tuple[str, Any] | None) -> None:
        """Record the end of a trial. answer: the worker's; None if it was stopped before."""
        if (job := self._jobs.pop(name, None)) is None:
            return
        with _past_tune():
            told: tuple[str, Any] = answer or ("stopped", "stopped")
            kind, content = told
            if kind == "result":
                self._engine.on_result(job.number, content)
            else:
                self._engine.on_error(job.number, content, retry=kind == "error")

    def lost(self, name: str, reason: str) -> None:
        """Record that the worker of a trial is gone."""
        self.answered(name, ("error", reason))

    def overdue(self, name: str) -> bool:
        """Return True if a trial has taken longer than it may."""
        job, timeout = self._jobs.get(name), self._executor.timeout
        return bool(timeout and job and job.since and time.monotonic() - job.since > timeout)

    @property
    def late(self) -> str:
        return f"took longer than {self._executor.timeout:g} s"

    def look(self) -> None:
        """Raise `ConnectionError` if a private cluster has lost its only node: Tune would wait for another."""
        with _past_tune():
            if not self._places() and not self._executor.address:
                raise ConnectionError("the Ray cluster of this run has died")

    def _places(self) -> int:
        if time.monotonic() - self._looked > _LOOK:
            self._room = self._executor.fitting(ray.cluster_resources())
            self._looked = time.monotonic()
        return self._room


class _Asks(Searcher):
    """Tune's searcher."""

    def __init__(self, trials: _Trials) -> None:
        super().__init__()
        self._trials = trials

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:  # type: ignore[override]
        return self._trials.ask(trial_id)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        found = result or {}
        stopped = (
            "epoch" in found
            and "answer" in found
            and self._trials.stops(trial_id, found["epoch"], found["loss"])
        )
        self._trials.answered(trial_id, None if stopped else found.get("answer"))

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the ledger has it all."""

    def restore(self, checkpoint_path: str) -> None:
        raise RuntimeError("Tune restores nothing here: a run is resumed from its ledger.")

    def __getstate__(self) -> dict[str, Any]:
        return {}


class _Decides(FIFOScheduler):
    """Tune's scheduler."""

    def __init__(self, trials: _Trials) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._trials = trials

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        stops = self._trials.stops(trial.trial_id, result["epoch"], result["loss"])
        return self.STOP if stops else self.CONTINUE

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        self._trials.lost(trial.trial_id, _epitaph(trial))

    def choose_trial_to_run(self, tune_controller: Any) -> None:
        """Leaves it to Tune's queue, where Tune's own answer would look through all trials there ever were."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class _Watches(Callback):
    """Ends workers that take too long."""

    def __init__(self, trials: _Trials) -> None:
        self._trials = trials
        self._running: dict[str, Any] = {}
        """For each trial at work the promise of its worker's place."""

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        actor: Any = trial.temporary_state.ray_actor
        self._running[trial.trial_id] = actor.place.remote()
        self._trials.begun(trial.trial_id)

    def on_trial_complete(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        self._running.pop(trial.trial_id, None)

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        self._running.pop(trial.trial_id, None)

    def on_step_begin(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        self._trials.look()
        for name, place in list(self._running.items()):
            if self._trials.overdue(name):
                del self._running[name]
                _end(*ray.get(place, timeout=10))
                self._trials.lost(name, self._trials.late)

    def __getstate__(self) -> dict[str, Any]:
        return {}


def _end(node: str, pid: int) -> None:
    """End a process on a node of the cluster, even a stopped one, which Ray's own `kill` doesn't end."""
    there = NodeAffinitySchedulingStrategy(node, soft=False)
    ray.remote(_kill).options(num_cpus=0, scheduling_strategy=there).remote(pid)


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def _epitaph(trial: Trial) -> str:
    """Why the worker of a trial is gone, in one line. Ray takes a page to say it."""
    text = str(trial.get_error() or Path(trial.error_file or "/dev/null").read_text("utf-8"))
    for said, reason in _EPITAPHS.items():
        if said in text:
            return reason
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f"the worker died: {lines[-1][:200]}" if lines else "the worker died"


_EPITAPHS = {
    "its node has died": "the worker's node died",
    "low memory": "the worker was ended by Ray: its node ran out of memory",
    "its worker process has died": "the worker died (killed, out of memory, or crashed)",
}
"""What it is called here by what Ray's page contains."""
