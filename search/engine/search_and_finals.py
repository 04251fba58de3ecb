"""A search and its finals, as one source of trainings.

An executor makes the same calls for both. When the search has reached its end, the executor gets the finals:
trainings of the best networks with fresh seeds. The ledger stores the finals as evaluations, not as trials, and a
resume needs no other file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from search.config import Config
from search.engine.engine import ATTEMPTS, INTERRUPTIONS, Engine
from search.engine.requests import request
from search.proxy.evaluate import Request, Result
from search.runs.status import Status
from search.trials.finals import Agenda, agenda
from search.trials.records import FinalTraining
from search.trials.trial import Trial


@dataclass(slots=True)
class _FinalJob:
    """A running final training.

    trial: the number of the trial whose network is trained. epochs: the number of finished epochs.
    """

    trial: int
    training: FinalTraining
    epochs: int = 0


class SearchAndFinals:
    """A run from its first trial to the last training of its finals. Executors use it like an engine."""

    def __init__(
        self,
        engine: Engine,
        note: Callable[[str], None] = lambda text: None,
        before_finals: Callable[[], object] | None = None,
    ) -> None:
        """Continue the run of `engine`. Trainings that were running when the last driver died are requeued.

        note: a function that is called with a line for the decision about low-fidelity trainings, and for every final
        training that has a result or fails because of its network. before_finals: a function that is called once,
        when the search is over and no training runs. Raises `LedgerFailed` if the ledger cannot be written.
        """
        self._engine, self._note, self._before_finals = engine, note, before_finals
        self._jobs: dict[int, _FinalJob] = {}
        self._next: int | None = None
        """The number of the next final training, None before the first."""
        gate = engine.gate
        self._decided = gate is None or gate.decided
        for trial in engine.trials:
            for training in trial.final_trainings:
                if training.state == "running":
                    self._requeue_interrupted(trial.number, training)

    def next_trial(self) -> Request | None:
        """Return the next training of the search, or of its finals after it; None if there is none now."""
        if self._next is None and (asked := self._engine.next_trial()):
            return asked
        if self._next is None and not self._engine.over:
            return None
        if self._engine.late:
            return None
        if self._before_finals:
            self._before_finals()
            self._before_finals = None
        return self._next_final()

    def prepare(self) -> None:
        """Compute the next proposal of the search in advance. Once the finals have begun, do nothing."""
        if self._next is None:
            self._engine.prepare()

    def on_report(self, number: int, epoch: int, loss: float) -> bool:
        """Record an epoch of a trial or of a final training. Returns False, since no training is stopped."""
        if number not in self._jobs:
            return self._engine.on_report(number, epoch, loss)
        self._jobs[number].epochs = epoch
        return False

    def on_result(self, number: int, result: Result) -> None:
        """Record the result of a trial or of a final training.

        A result with a measurement that is not finite, or with a negative time, counts as a failure (see
        `Result.check`). Raises `LedgerFailed` if the result cannot be stored.
        """
        if number not in self._jobs:
            self._engine.on_result(number, result)
            return self._tell_gate()
        try:
            result.check()
        except ValueError as error:
            return self.on_error(number, f"not a finite result: {error}", retry=False)
        job = self._jobs[number]
        self._keep(job.trial, replace(job.training, state="complete", result=result))
        # Removed only now: if the result cannot be stored, `release` requeues the training.
        del self._jobs[number]
        return self._tell(job, f"accuracy {result.accuracy:.4f} in {result.seconds:.0f} s")

    def on_error(self, number: int, reason: str, *, retry: bool) -> None:
        """Record the failure of a trial or of a final training.

        reason: the cause, in one line. retry: True if the machine is to blame, so that another attempt may succeed.
        """
        # The name of a file may contain bytes that are not text, which could not be stored or printed.
        reason = reason.encode("utf-8", "backslashreplace").decode()
        if number not in self._jobs:
            self._engine.on_error(number, reason, retry=retry)
            return self._tell_gate()
        job = self._jobs[number]
        if retry:
            self._retry(job.trial, job.training, reason)
            del self._jobs[number]
            return
        self._keep(job.trial, replace(job.training, state="failed", reason=reason))
        del self._jobs[number]
        self._tell(job, f"failed: {reason}")

    def release(self) -> None:
        """Requeue running trainings, without counting an attempt or an interruption, and store the time taken."""
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
        """The trials of the search, by number."""
        return self._engine.trials

    @property
    def status(self) -> Status:
        """The status that a display shows."""
        status = self._engine.status
        if self._next is None:
            return status
        trials = self._engine.trials
        running = tuple((trials[job.trial], job.epochs) for job in self._jobs.values())
        goals = {job.trial: self.config.proxy.epochs for job in self._jobs.values()}
        return replace(
            status, running_finals=running, finals=self._progress(), goals={**status.goals, **goals}
        )

    @property
    def _agenda(self) -> Agenda:
        config = self.config
        trials, seed = self._engine.trials, config.settings.seed
        return agenda(trials, config.finals, seed, config.base, config.limit)

    def _next_final(self) -> Request | None:
        """Return the next final training, marked as running in the ledger; None if there is none now."""
        running = {(job.trial, job.training.seed) for job in self._jobs.values()}
        for trial, seed in self._agenda.missing:
            if (trial.number, seed) not in running:
                return self._begin(trial, seed)
        return None

    def _begin(self, trial: Trial, seed: int) -> Request:
        known = next((training for training in trial.final_trainings if training.seed == seed), None)
        training = replace(known or FinalTraining(seed, 1, "running"), state="running")
        # The numbers after those of the trials are free, since no more trials are added.
        number = len(self._engine.trials) if self._next is None else self._next
        self._next = number + 1
        # In memory before the ledger: after a Ctrl-C at any line, `release` requeues the training.
        self._jobs[number] = _FinalJob(trial.number, training)
        self._keep(trial.number, training)
        return request(self.config, number, training.attempt, str(trial.architecture), seed, timed=False)

    def _retry(self, trial: int, training: FinalTraining, reason: str) -> None:
        """Requeue a training that failed because of the machine if it has attempts left, else record the failure."""
        if training.attempt < ATTEMPTS:
            return self._keep(trial, replace(training, attempt=training.attempt + 1, state="waiting"))
        return self._keep(trial, replace(training, state="failed", reason=reason))

    def _requeue_interrupted(self, trial: int, training: FinalTraining) -> None:
        """Requeue a training that was running when the last driver died.

        This does not count as an attempt, but the training fails when it is interrupted for the `INTERRUPTIONS`th
        time.
        """
        deaths = training.interruptions + 1
        if deaths < INTERRUPTIONS:
            return self._keep(trial, replace(training, interruptions=deaths, state="waiting"))
        reason = f"the driver died {INTERRUPTIONS} times during this training"
        return self._keep(trial, replace(training, interruptions=deaths, state="failed", reason=reason))

    def _keep(self, trial: int, training: FinalTraining) -> None:
        self._engine.on_final(trial, training)

    def _tell_gate(self) -> None:
        """Show the decision about low-fidelity trainings, once, as soon as the pilot trials are over."""
        if not self._decided and (gate := self._engine.gate) and gate.decided:
            self._decided = True
            self._note(str(gate))

    def _tell(self, job: _FinalJob, what: str) -> None:
        done, total = self._progress()
        self._note(f"trial {job.trial} again, seed {job.training.seed}: {what}; {done} of {total}")

    def _progress(self) -> tuple[int, int]:
        """Return the number of final trainings that are over, and the number of all final trainings."""
        wanted = self._agenda
        return len(wanted.trainings) - wanted.left, len(wanted.trainings)
