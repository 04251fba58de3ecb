"""A search and its finals, driven as one.

An executor makes the same calls all along: when the search has come to its end, what it is handed are trainings
of the best networks with fresh seeds. They are no trials. The ledger keeps each as an evaluation of its own, which
is all that a resume goes by.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from search.config import Config
from search.engine.engine import ATTEMPTS, Engine
from search.engine.requests import request
from search.proxy.evaluate import Request, Result
from search.runs.status import Status
from search.trials.finals import agenda
from search.trials.ledger import FinalTraining
from search.trials.trial import Trial


@dataclass(slots=True)
class _FinalJob:
    """A training at work. trial: the number of the trial whose network it is. epochs: behind it."""

    trial: int
    training: FinalTraining
    epochs: int = 0


class SearchAndFinals:
    """A run from its first trial to the last training of its finals. It serves executors as an engine does."""

    def __init__(self, engine: Engine, note: Callable[[str], None] = lambda text: None) -> None:
        """note: is told of every training of the finals that is over, in one line.

        What a driver that died left running is handed out again. Raises `LedgerFailed` as the engine does.
        """
        self._engine, self._note = engine, note
        self._jobs: dict[int, _FinalJob] = {}
        self._next: int | None = None
        """The number of the next training of the finals; None: they have not begun."""
        gate = engine.gate
        self._decided = gate is None or gate.decided
        for trial in engine.trials:
            for training in trial.final_trainings:
                if training.state == "running":
                    self._again(trial.number, training, f"interrupted {ATTEMPTS} times")

    def next_trial(self) -> Request | None:
        """See `search.executors.Driven`."""
        if self._next is None and (asked := self._engine.next_trial()):
            return asked
        if not self._engine.over and self._next is None:
            return None
        return self._next_final()

    def prepare(self) -> None:
        """See `search.executors.Driven`."""
        if self._next is None:
            self._engine.prepare()

    def on_report(self, number: int, epoch: int, loss: float) -> bool:
        """See `search.executors.Driven`."""
        if number not in self._jobs:
            return self._engine.on_report(number, epoch, loss)
        self._jobs[number].epochs = epoch
        return False

    def on_result(self, number: int, result: Result) -> None:
        """See `search.executors.Driven`."""
        if number not in self._jobs:
            self._engine.on_result(number, result)
            return self._tell_gate()
        try:
            result.check()
        except ValueError as error:
            return self.on_error(number, f"not a finite result: {error}", retry=False)
        job = self._jobs[number]
        self._keep(job.trial, replace(job.training, state="complete", result=result))
        # Only now: what could not be kept is given back, and begun anew.
        del self._jobs[number]
        return self._tell(job, f"accuracy {result.accuracy:.4f} in {result.seconds:.0f} s")

    def on_error(self, number: int, reason: str, *, retry: bool) -> None:
        """See `search.executors.Driven`."""
        # The name of a file can be no text, which could be neither kept nor shown.
        reason = reason.encode("utf-8", "backslashreplace").decode()
        if number not in self._jobs:
            self._engine.on_error(number, reason, retry=retry)
            return self._tell_gate()
        job = self._jobs[number]
        if retry:
            self._again(job.trial, job.training, reason)
            del self._jobs[number]
            return
        self._keep(job.trial, replace(job.training, state="failed", reason=reason))
        del self._jobs[number]
        self._tell(job, f"failed: {reason}")

    def release(self) -> None:
        """Gives back what is at work, not counting the attempt, and notes the time worked."""
        for job in self._jobs.values():
            self._keep(job.trial, replace(job.training, state="waiting"))
        self._jobs.clear()
        self._engine.release()

    @property
    def config(self) -> Config:
        """The configuration of the search."""
        return self._engine.config

    @property
    def trials(self) -> Sequence[Trial]:
        """The trials of the search."""
        return self._engine.trials

    @property
    def status(self) -> Status:
        """What a display shows."""
        status = self._engine.status
        if self._next is None:
            return status
        trials = self._engine.trials
        running = tuple((trials[job.trial], job.epochs) for job in self._jobs.values())
        goals = {job.trial: self.config.proxy.epochs for job in self._jobs.values()}
        return replace(status, running_finals=running, finals=self._progress(), goals={**status.goals, **goals})

    def _next_final(self) -> Request | None:
        """The next training of the finals, marked as running in the ledger; None: nothing now."""
        engine, at_work = self._engine, {(job.trial, job.training.seed) for job in self._jobs.values()}
        config = engine.config
        if engine.late:
            return None
        for trial, seed in agenda(engine.trials, config.finals, config.settings.seed, config.base).missing:
            if (trial.number, seed) not in at_work:
                return self._begin(trial, seed)
        return None

    def _begin(self, trial: Trial, seed: int) -> Request:
        known = next((training for training in trial.final_trainings if training.seed == seed), None)
        training = FinalTraining(seed, known.attempt if known else 1, "running")
        # Beyond the trials' numbers, of which there will be no more.
        number = len(self._engine.trials) if self._next is None else self._next
        self._next = number + 1
        # Known before it is written: a Ctrl-C between the two must not leave it running in the ledger.
        self._jobs[number] = _FinalJob(trial.number, training)
        self._keep(trial.number, training)
        return request(self.config, number, training.attempt, str(trial.architecture), seed, timed=False)

    def _again(self, trial: int, training: FinalTraining, reason: str) -> None:
        """Has a training that the machine is to blame for tried again, `ATTEMPTS` times."""
        if training.attempt < ATTEMPTS:
            return self._keep(trial, FinalTraining(training.seed, training.attempt + 1, "waiting"))
        return self._keep(trial, replace(training, state="failed", reason=reason))

    def _keep(self, trial: int, training: FinalTraining) -> None:
        self._engine.on_final(trial, training)

    def _tell_gate(self) -> None:
        """Tells once which rungs are used, when that is decided."""
        if not self._decided and (gate := self._engine.gate) and gate.decided:
            self._decided = True
            self._note(str(gate))

    def _tell(self, job: _FinalJob, what: str) -> None:
        done, total = self._progress()
        self._note(f"trial {job.trial} again, seed {job.training.seed}: {what}; {done} of {total}")

    def _progress(self) -> tuple[int, int]:
        """How many trainings of the finals are over, and how many there are."""
        config = self.config
        wanted = agenda(self._engine.trials, config.finals, config.settings.seed, config.base)
        return len(wanted.trainings) - wanted.left, len(wanted.trainings)
