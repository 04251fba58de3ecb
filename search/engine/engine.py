"""The engine of a search, which hands proposals to workers and records the results.

Executors call the methods of `search.executors.Driven`, all from one thread. The engine gets the trials from its
`History`, which reads and writes the ledger. The engine itself holds only the running trainings and the clock, which
may be lost when the driver, the process that runs the search, dies.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from search.config import Config
from search.engine.failures import Failures
from search.engine.history import History
from search.engine.proposals import Proposal, Proposals
from search.engine.requests import request
from search.proxy.evaluate import Request, Result
from search.proxy.proxy import Proxy
from search.pruners.gate import RungGate
from search.pruners.rungs import NOT_TRAINED_HERE
from search.runs.status import Status, late, parallel_trials, seconds_left, typical
from search.samplers import Exhausted
from search.trials.ledger import ENDED, Ledger
from search.trials.records import FinalTraining, Record
from search.trials.trial import Trial

ATTEMPTS = 3
"""The largest number of attempts at a training that fails because of the machine, as when its worker dies. After the
last attempt, the training has failed for good."""
INTERRUPTIONS = 10
"""A training has failed when the driver, the main process of the search, has died this many times during it.

Most such deaths have other causes than the network, such as a machine that is taken away. The limit only stops a
network that takes the driver down each time.
"""
WAIT = 0.02
"""The largest share of their time that workers may spend waiting for proposals."""


class Engine:
    """A running search."""

    def __init__(
        self,
        config: Config,
        proposals: Proposals,
        ledger: Ledger,
        fidelity: Callable[[Proxy], str],
        watch: Callable[[Trial], None] = lambda trial: None,
    ) -> None:
        """Continue the search in `ledger`. The ledger of a new search holds only imported trials, if there are any.

        fidelity: a function that returns the fidelity of a proxy, the digest under which the ledger stores its
        evaluations. watch: a function that is called with every trial that is over or has finished a low-fidelity
        training. Raises `LedgerFailed` if the ledger cannot be written, as do all methods that change the ledger.
        """
        self._config, self._proposals, self._ledger, self._watch = config, proposals, ledger, watch
        self._ladder = config.ladder
        self._history = History(config, ledger, fidelity)
        self._epochs: dict[int, int] = {}
        self._goals: dict[int, int] = {}
        """The epochs of the current training of each running trial."""
        self._failures = Failures(config.settings.max_failures)
        self._begun: dict[int, float] = {}
        self._worked = float(ledger.noted("seconds") or 0)
        self._since = time.monotonic()
        self._proposing = 0.0
        """The seconds that the latest proposal took."""
        self._why_stopped = ""
        self._exhausted = ledger.noted(ENDED) or ""
        """The reason why nothing more is proposed, "" while there are proposals. Waiting trials are still trained."""
        self._requeue_interrupted()

    def next_trial(self) -> Request | None:
        """Return the next training, marked as running in the ledger; None if there is none now.

        Trials that are promoted to a longer training take precedence over new ones.
        """
        if (further := self._further()) and not self._ending():
            return self._begin(replace(self._history[further.number], attempt=1))
        self._propose()
        number = self._history.waiting
        if number is None or self._ending():
            return None
        record = self._history[number]
        # After the last trial has begun, only trials that have finished a rung are continued.
        return None if self._all_begun() and not record.rungs else self._begin(record)

    def prepare(self) -> None:
        """Make the next proposal in advance if workers would have to wait long for it.

        Otherwise the proposal is made when a worker is free, because it can then use the results of the trials that
        are running now.
        """
        each = typical(self.trials) if self._history.waiting is None else None
        if each is not None and self._proposing * parallel_trials(self._config, self.trials) > WAIT * each:
            self._propose()

    def _propose(self) -> None:
        if self._exhausted or self._ending() or self._history.waiting is not None or self._further():
            return
        began = time.monotonic()
        try:
            proposal = self._proposals.next(self.trials)
        except Exhausted as why:
            self._exhausted = str(why)
            self._ledger.note(ENDED, self._exhausted)
        else:
            if proposal:
                self._add(proposal)
        self._proposing = time.monotonic() - began

    def on_report(self, number: int, epoch: int, loss: float) -> bool:
        """Record an epoch of a trial. Return False, so that no trial is stopped.

        Accuracies in the middle of a schedule mislead. Weak networks get a shorter training with its own schedule.
        """
        self._epochs[number] = epoch
        return False

    def on_result(self, number: int, result: Result) -> None:
        """Record a result.

        A result that `Result.check` refuses, or from which no finite reward follows, counts as a failure. Raises
        `LedgerFailed` if the result cannot be stored.
        """
        try:
            self._history.answer(number, self._goals[number], result)
        except (ValueError, ArithmeticError) as error:
            return self.on_error(number, f"not a finite result: {error}", retry=False)
        self._failures.end()
        return self._tell(number)

    def on_error(self, number: int, reason: str, *, retry: bool) -> None:
        """Record a failure. Too many failures in a row for one reason stop the run.

        retry: True if the machine was to blame. The trial is then requeued if it has attempts left.
        """
        self._failed(number, reason, retry=retry)
        # A node that dies makes several trials fail at once. Only trials begun after the latest failure count again.
        if not retry or self._begun[number] > self._failures.latest:
            self._why_stopped = self._why_stopped or self._failures.add(reason)

    def on_measured(self, number: int, result: Result) -> None:
        """Record the result of a complete or imported trial with measurements that were made after the search."""
        self._history.measure(number, result)

    def on_final(self, number: int, training: FinalTraining) -> None:
        """Record the state of a final training."""
        self._history.record_final(number, training)
        self._clock()

    def release(self) -> None:
        """Requeue running trials, without counting an attempt or an interruption, and store the time taken so far."""
        for record in self._history.running:
            self._history.wait(record)
        self._clock()

    @property
    def config(self) -> Config:
        """The configuration of the search."""
        return self._config

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All trials by number."""
        return self._history.trials

    @property
    def over(self) -> bool:
        """True if the search has ended without being stopped by failures: no trial runs, and none will be begun."""
        idle = not any(self._history.running)
        spent = (self._all_begun() or self._exhausted) and not self._further()
        return idle and not self._why_stopped and bool(self._ending() or spent)

    @property
    def gate(self) -> RungGate | None:
        """The decision about low-fidelity trainings that follows from the pilot trials, None without pilot trials."""
        return self._ladder.gate(self.trials)

    @property
    def late(self) -> bool:
        """True if a training that begins now would not end within the budget."""
        return late(self.trials, self._config.settings.budget, self._seconds())

    @property
    def status(self) -> Status:
        """The status that a display shows."""
        return Status.of(
            self.trials,
            self._epochs,
            total=self._proposals.total,
            seconds=self._seconds(),
            left=seconds_left(
                self._config, self.trials, self._seconds(), self._proposals.total, bool(self._exhausted)
            ),
            rungs=self.gate,
            goals=dict(self._goals),
            why_stopped=self._why_stopped or self._exhausted,
            exhausted=bool(self._exhausted and not self._why_stopped),
        )

    def _further(self) -> Trial | None:
        """Return the trial that is promoted to its next, longer training; None if there is none."""
        return self._ladder.promoted(self.trials) if len(self._ladder.epochs) > 1 else None

    def _begin(self, record: Record) -> Request:
        number, config = record.number, self._config
        epochs = self._ladder.next_epochs(self._history.trial(number), self.trials)
        self._history.begin(record)
        self._epochs[number], self._goals[number] = 0, epochs
        self._begun[number] = time.monotonic()
        timed = "step" in config.reward.costs and not config.forecast and not record.rungs
        seed = self._ladder.seed(record.seed, epochs)
        return request(config, number, record.attempt, record.architecture, seed, timed, epochs)

    def _requeue_interrupted(self) -> None:
        """Requeue the trials that were running when the last driver died.

        The interrupted training does not count as an attempt, but a trial fails when it is interrupted for the
        `INTERRUPTIONS`th time.
        """
        for record in self._history.running:
            interrupted = replace(record, interruptions=record.interruptions + 1)
            if interrupted.interruptions < INTERRUPTIONS:
                self._history.wait(interrupted)
            else:
                self._fail(record.number, f"the driver died {INTERRUPTIONS} times during its training")

    def _failed(self, number: int, reason: str, *, retry: bool) -> None:
        """Requeue the trial if it has attempts left, else record the failure."""
        record = self._history[number]
        if retry and record.attempt < ATTEMPTS:
            return self._history.wait(replace(record, attempt=record.attempt + 1))
        return self._fail(number, reason)

    def _fail(self, number: int, reason: str) -> None:
        """Record that a trial has failed for good."""
        trial = self._history.trial(number)
        # `_goals` lacks a training that a dead driver began, which was the trial's next one.
        epochs = self._goals.get(number) or self._ladder.next_epochs(trial, self.trials)
        self._history.fail(number, epochs, reason)
        return self._tell(number)

    def _add(self, proposal: Proposal) -> None:
        """Add a proposal as a waiting trial. Tell the display about a duplicate, which has its result at once."""
        number = self._history.propose(proposal.point, proposal.architecture, proposal.seed, proposal.known)
        if number is not None:
            self._tell(number)

    def _tell(self, number: int) -> None:
        """Tell the display about a trial that is over or has finished a low-fidelity training."""
        self._clock()
        self._watch(self._history.trial(number))

    def _seconds(self) -> float:
        return self._worked + time.monotonic() - self._since

    def _clock(self) -> None:
        self._ledger.replace("seconds", f"{self._seconds():.1f}")

    def _ending(self) -> bool:
        """Return True if no more trials are begun: the run is stopped, or only the finals fit the budget."""
        budget, finals, base = self._config.settings.budget, self._config.finals, self._config.base
        if self._why_stopped:
            return True
        return late(
            self.trials, budget, self._seconds(), finals, parallel_trials(self._config, self.trials), base
        )

    def _all_begun(self) -> bool:
        """Return True if all trials of the search were begun. More may be waiting if a resume asked for fewer."""
        total = self._proposals.total
        own = [trial for trial in self.trials if trial.state not in NOT_TRAINED_HERE]
        begun = sum(trial.state != "waiting" or bool(trial.rungs) for trial in own)
        return total is not None and begun >= total
