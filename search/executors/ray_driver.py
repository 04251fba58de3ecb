"""The part of `executor=ray` that connects Ray Tune to the engine, in the driver process.

Tune asks a searcher for the next trial, and a scheduler whether a trial continues. Both pass the question on to the
engine and store nothing: `Tuner.restore` is never used. Tune's loop runs in the thread that called `tune`, so all
calls of the engine come from that thread.

Importing this module imports Ray.
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
"""The seconds after which the capacity of the cluster is read again, since nodes can join and leave."""


class Cluster(Protocol):
    """The settings of `executor=ray` that this module reads. See `search.executors.ray_cluster.RayTune`."""

    @property
    def address(self) -> str | None: ...
    @property
    def timeout(self) -> float | None: ...
    @property
    def occupied(self) -> dict[str, float]: ...
    def fitting(self, available: Mapping[str, float]) -> int: ...


def tune(executor: Cluster, engine: Driven, evaluate: Evaluate, folder: Path) -> None:
    """Train all requests of the engine on the cluster that this process is connected to, until there are no more.

    folder: the folder for the files that Tune writes, which are never read again. Exceptions of the engine are raised
    here.
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
            # The engine repeats a trial that was lost with its node, and counts the attempts.
            failure_config=FailureConfig(max_failures=0),
            # By default Tune saves a checkpoint of a trainable class at its end.
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
    """A wrapper that carries an exception of the engine through Tune.

    Tune would treat any `Exception` as the failure of a trial. error: the exception of the engine.
    """

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
    """A trial that Tune runs.

    number: the number of the trial in the engine. since: the time on the monotonic clock at which a worker began with
    it, in seconds; None while the trial waits for a worker.
    """

    number: int
    since: float | None = None


class _Trials:
    """The trials that Tune runs, by the names that Tune gives them, and the calls of the engine about them."""

    def __init__(self, executor: Cluster, engine: Driven, evaluate: Evaluate) -> None:
        self._executor, self._engine = executor, engine
        self._constant = {"evaluate": evaluate, "sources": code()}
        self._jobs: dict[str, _Job] = {}
        self._room, self._looked = 0, -_LOOK

    def ask(self, name: str) -> dict[str, Any] | str | None:
        """Return the arguments of the worker for a new trial, which Tune calls `name`.

        None means that no trial can start now, and FINISHED that there are no more trials.
        """
        with _past_tune():
            room = self._places()
            if len(self._jobs) >= room:
                # A single worker waits for the next proposal, so that the proposal can use all results.
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
        """Report the loss of an epoch to the engine. Return True if the engine stops the trial."""
        with _past_tune():
            job = self._jobs.get(name)
            return job is None or self._engine.on_report(job.number, epoch, loss)

    def answered(self, name: str, answer: tuple[str, Any] | None) -> None:
        """Record the end of a trial. answer: the answer of its worker; None if the trial was stopped."""
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
        """Record that the worker of a trial has died. reason: the cause, in one line."""
        self.answered(name, ("error", reason))

    def overdue(self, name: str) -> bool:
        """Return True if a trial has taken longer than the timeout of the executor."""
        job, timeout = self._jobs.get(name), self._executor.timeout
        return bool(timeout and job and job.since and time.monotonic() - job.since > timeout)

    @property
    def late(self) -> str:
        return f"took longer than {self._executor.timeout:g} s"

    def look(self) -> None:
        """Raise `ConnectionError` if a private cluster has lost its only node. Tune would wait for another node."""
        with _past_tune():
            if not self._places() and not self._executor.address:
                raise ConnectionError("the Ray cluster of this run has died")

    def _places(self) -> int:
        if time.monotonic() - self._looked > _LOOK:
            self._room = self._executor.fitting(ray.cluster_resources())
            self._looked = time.monotonic()
        return self._room


class _Asks(Searcher):
    """The searcher that Tune asks for the next trial. It passes the question on to the engine."""

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
        """Write nothing, since the ledger holds the state of the search."""

    def restore(self, checkpoint_path: str) -> None:
        raise RuntimeError("Tune restores nothing here: a run is resumed from its ledger.")

    def __getstate__(self) -> dict[str, Any]:
        return {}


class _Decides(FIFOScheduler):
    """The scheduler that Tune asks whether a trial continues. It asks the engine."""

    def __init__(self, trials: _Trials) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._trials = trials

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        stops = self._trials.stops(trial.trial_id, result["epoch"], result["loss"])
        return self.STOP if stops else self.CONTINUE

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        self._trials.lost(trial.trial_id, _epitaph(trial))

    def choose_trial_to_run(self, tune_controller: Any) -> None:
        """Return None, so that Tune starts the next trial of its queue.

        The method of the base class would go through all trials of the run, also the completed ones.
        """

    def __getstate__(self) -> dict[str, Any]:
        return {}


class _Watches(Callback):
    """The callback that ends workers whose trials take longer than the timeout."""

    def __init__(self, trials: _Trials) -> None:
        self._trials = trials
        self._running: dict[str, Any] = {}
        """The running trials. Each value is a reference to the pending result of `Worker.place`."""

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
    """Kill the process `pid` on a node of the cluster. Unlike `ray.kill`, this also ends suspended processes."""
    there = NodeAffinitySchedulingStrategy(node, soft=False)
    ray.remote(_kill).options(num_cpus=0, scheduling_strategy=there).remote(pid)


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def _epitaph(trial: Trial) -> str:
    """Return the reason in one line for which the worker of a trial died, taken from the long text that Ray gives."""
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
"""The reasons for the death of a worker, by words in the text that Ray gives for it."""
