"""The part of `executor=ray` that connects Ray Tune to the engine, in the driver process.

Tune asks a searcher for the next trial, and a scheduler whether a trial continues. Both pass the question on to the
engine. They store nothing, since `Tuner.restore` is never used. Tune's loop runs in the thread that called `tune`, so
all calls of the engine come from that thread.

Importing this module imports Ray.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

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
from search.executors.ray_trials import Cluster, Raised, Trials
from search.executors.ray_worker import Worker


def tune(executor: Cluster, engine: Driven, evaluate: Evaluate, folder: Path) -> None:
    """Train all requests of the engine on the cluster that this process is connected to, until there are no more.

    folder: the folder for the files that Tune writes, which are never read again. Exceptions of the engine are raised
    here.
    """
    trials = Trials(executor, engine, evaluate)
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
    except Raised as raised:
        raise raised.error from None


class _Asks(Searcher):
    """The searcher that Tune asks for the next trial. It passes the question on to the engine."""

    def __init__(self, trials: Trials) -> None:
        super().__init__()
        self._trials = trials

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:  # type: ignore[override]
        return self._trials.ask(trial_id)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        self._trials.ended(trial_id, result or {})

    def save(self, checkpoint_path: str) -> None:
        """Write nothing, since the ledger holds the state of the search."""

    def restore(self, checkpoint_path: str) -> None:
        raise RuntimeError("Tune restores nothing here: a run is resumed from its ledger.")

    def __getstate__(self) -> dict[str, Any]:
        return {}


class _Decides(FIFOScheduler):
    """The scheduler that Tune asks whether a trial continues. It asks the engine."""

    def __init__(self, trials: Trials) -> None:
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
    """The callback that takes the answers of workers, and ends workers whose trials take longer than the timeout."""

    def __init__(self, trials: Trials) -> None:
        self._trials = trials
        self._running: dict[str, Any] = {}
        """The running trials. Each value is a reference to the pending result of `Worker.place`."""

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        actor: Any = trial.temporary_state.ray_actor
        self._running[trial.trial_id] = actor.place.remote()
        self._trials.begun(trial.trial_id)

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        # Removed from `result`, since Tune keeps the last result of each trial and an answer can hold a model.
        self._trials.answers(trial.trial_id, result.pop("answer", None))

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
    """Return in one line why the worker of a trial died, taken from the long text that Ray gives."""
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
