"""The driver of a search: hands out what is proposed, and keeps what becomes of it.

Every executor makes the same few calls, from one thread; see `search.executors.Driven`. What the engine knows of
trials is its `History`, which is the ledger's. Its own is what ends with the driver: who is at work, and the clock.
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
from search.trials.ledger import ENDED, FinalTraining, Ledger, Record
from search.trials.trial import Trial

ATTEMPTS = 3
"""How often a trial is begun before it counts as failed, where the machine was to blame."""
WAIT = 0.02
"""The part of their time that workers may wait for proposals."""


class Engine:
    """A run being driven."""

    def __init__(
        self,
        config: Config,
        proposals: Proposals,
        ledger: Ledger,
        fidelity: Callable[[Proxy], str],
        watch: Callable[[Trial], None] = lambda trial: None,
    ) -> None:
        """fidelity: what evaluations by a proxy have in common. watch: is called with every trial that has finished,
        and with every one that rests after a training shorter than the whole.

        Raises `LedgerFailed` where the ledger cannot be written, as every call can.
        """
        self._config, self._proposals, self._ledger, self._watch = config, proposals, ledger, watch
        self._ladder = config.ladder
        self._history = History(config, ledger, fidelity)
        self._epochs: dict[int, int] = {}
        self._goals: dict[int, int] = {}
        """Of trials that run, for how many epochs."""
        self._failures = Failures(config.settings.max_failures)
        self._begun: dict[int, float] = {}
        self._worked = float(ledger.noted("seconds") or 0)
        self._since = time.monotonic()
        self._proposing = 0.0
        """Seconds that the latest proposal took."""
        self._why_stopped = ""
        self._exhausted = ledger.noted(ENDED) or ""
        """Why nothing new is proposed; what is waiting is still to be tried."""
        self._take_up()

    def next_trial(self) -> Request | None:
        """What to train next, marked as running in the ledger; None: nothing now.

        Who has earned a longer training comes before who has had none.
        """
        if (further := self._further()) and not self._ending():
            return self._begin(replace(self._history[further.number], attempt=1))
        self._propose()
        number = self._history.waiting
        if number is None or self._ending():
            return None
        record = self._history[number]
        # One that is climbing was begun long ago, and is gone on with.
        return None if self._all_begun() and not record.rungs else self._begin(record)

    def prepare(self) -> None:
        """Have the next proposal ready, if workers would wait long for it.

        Else it is better made when one is free: then it knows what those at work now will have told.
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
        """An epoch of a trial is over. None is stopped: before a schedule has annealed, accuracies mislead.

        Who is not worth the whole training has a shorter one, which is complete too.
        """
        self._epochs[number] = epoch
        return False

    def on_result(self, number: int, result: Result) -> None:
        """Keeps a result; one that isn't a finite number is a failure."""
        try:
            self._history.answer(number, self._goals[number], result)
        except (ValueError, ArithmeticError) as error:
            return self.on_error(number, f"not a finite result: {error}", retry=False)
        self._failures.end()
        return self._tell(number)

    def on_error(self, number: int, reason: str, *, retry: bool) -> None:
        """Keeps a failure, or where the machine was to blame hands the trial out again, `ATTEMPTS` times."""
        self._failed(number, reason, retry=retry)
        # A node that dies takes several trials along. Only one that began since then is a failure more.
        if not retry or self._begun[number] > self._failures.latest:
            self._why_stopped = self._why_stopped or self._failures.add(reason)

    def on_measured(self, number: int, result: Result) -> None:
        """Keeps the result of a complete trial of which more was measured after the search."""
        self._history.measure(number, result)

    def on_final(self, number: int, training: FinalTraining) -> None:
        """Keeps what became of a training of a trial's network with another seed."""
        self._history.record_final(number, training)
        self._clock()

    def release(self) -> None:
        """Gives running trials back, not counting the attempt, and notes the time worked."""
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
        """Whether the search has come to its end, and not to a stop: nothing is at work, and no trial is to come."""
        idle = not any(self._history.running)
        spent = (self._all_begun() or self._exhausted) and not self._further()
        return idle and not self._why_stopped and bool(self._ending() or spent)

    @property
    def gate(self) -> RungGate | None:
        """What the first trials say of the rungs; None where none are asked."""
        return self._ladder.gate(self.trials)

    @property
    def late(self) -> bool:
        """Whether a training that begins now would not end within the budget."""
        return late(self.trials, self._config.settings.budget, self._seconds())

    @property
    def status(self) -> Status:
        """What a display shows."""
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
        """Which trial has earned a longer training than it had."""
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

    def _take_up(self) -> None:
        """What a driver that died left running is handed out again."""
        for record in self._history.running:
            self._failed(record.number, f"interrupted {ATTEMPTS} times", retry=True)

    def _failed(self, number: int, reason: str, *, retry: bool) -> None:
        """Has a trial wait for its next attempt, if there is to be one, else keeps its failure."""
        record = self._history[number]
        if retry and record.attempt < ATTEMPTS:
            return self._history.wait(replace(record, attempt=record.attempt + 1))
        trial = self._history.trial(number)
        # What a driver that died was training it for, is what it is to be trained for next.
        epochs = self._goals.get(number) or self._ladder.next_epochs(trial, self.trials)
        self._history.fail(number, epochs, reason)
        return self._tell(number)

    def _add(self, proposal: Proposal) -> None:
        """Keeps a proposal, waiting; one of a network that has its result is answered by it."""
        number = self._history.propose(proposal.point, proposal.architecture, proposal.seed, proposal.known)
        if number is not None:
            self._tell(number)

    def _tell(self, number: int) -> None:
        """A trial has finished, or rests."""
        self._clock()
        self._watch(self._history.trial(number))

    def _seconds(self) -> float:
        return self._worked + time.monotonic() - self._since

    def _clock(self) -> None:
        self._ledger.replace("seconds", f"{self._seconds():.1f}")

    def _ending(self) -> bool:
        """Whether no trial is begun any more: the run was stopped, or the budget is spent but for the finals."""
        budget, finals, base = self._config.settings.budget, self._config.finals, self._config.base
        if self._why_stopped:
            return True
        return late(
            self.trials, budget, self._seconds(), finals, parallel_trials(self._config, self.trials), base
        )

    def _all_begun(self) -> bool:
        """Whether as many were begun as there are to be. More may be waiting, where a resume asked for fewer."""
        total = self._proposals.total
        own = [trial for trial in self.trials if trial.state not in NOT_TRAINED_HERE]
        begun = sum(trial.state != "waiting" or bool(trial.rungs) for trial in own)
        return total is not None and begun >= total
