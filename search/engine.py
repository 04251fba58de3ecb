"""The driver of a search: hands out what is proposed, and keeps what becomes of it.

Every executor makes the same few calls, from one thread; see `search.executors.Driven`. The engine holds no
history of its own: what it knows it reads from the ledger when it starts, and writes there before it acts on
it.
"""

from __future__ import annotations

import math
import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from search.data import Source
from search.evaluate import Request, Result
from search.executors import Executor
from search.ledger import Ledger, Record
from search.limits import Limits
from search.profiles.forecast import Forecast
from search.proposals import Exhausted, Proposal, Proposals
from search.proxy import Proxy
from search.reward import Reward
from search.trial import Trial, best, judge
from space import Architecture, Point

ATTEMPTS = 3
"""How often a trial is begun before it counts as failed, where the machine was to blame."""


class Setting(Protocol):
    """What all trials of a run have in common. `search.config.Config` is one."""

    @property
    def data(self) -> Source: ...
    @property
    def proxy(self) -> Proxy: ...
    @property
    def reward(self) -> Reward: ...
    @property
    def reference(self) -> Architecture: ...
    @property
    def forecast(self) -> Forecast | None: ...
    @property
    def executor(self) -> Executor: ...
    @property
    def limits(self) -> Limits: ...


@dataclass(frozen=True, slots=True)
class Status:
    """A run at one moment.

    running: the trials at work, each with the epochs behind it. seconds: worked so far; left: an estimate until
    the end, None if unknown. why_stopped: what ended the run before its time, "" if nothing did; exhausted: it was
    that nothing is left to train.
    """

    complete: int
    failed: int
    duplicate: int
    total: int | None
    running: tuple[tuple[Trial, int], ...]
    best: Trial | None
    seconds: float
    left: float | None
    why_stopped: str
    exhausted: bool


class Engine:
    """A run being driven."""

    def __init__(
        self,
        setting: Setting,
        proposals: Proposals,
        ledger: Ledger,
        fidelity: str,
        watch: Callable[[Trial], None] = lambda trial: None,
    ) -> None:
        """fidelity: what all its evaluations have in common. watch: is called with every trial that has finished.

        Raises `LedgerFailed` where the ledger cannot be written, as every call can.
        """
        self._setting, self._proposals = setting, proposals
        self._ledger, self._fidelity, self._watch = ledger, fidelity, watch
        self._reference = setting.reference
        self._records = {record.number: record for record in ledger.records(fidelity)}
        self._trials = {number: self._judged(record) for number, record in self._records.items()}
        self._epochs: dict[int, int] = {}
        self._failures: list[str] = []
        self._begun: dict[int, float] = {}
        self._failed = -math.inf  # when the latest failure that counts happened
        self._worked = float(ledger.noted("seconds") or 0)
        self._since = time.monotonic()
        self._why_stopped = ""
        self._exhausted = ""
        """Why nothing new is proposed; what is waiting is still to be tried."""
        self._take_up()

    def next_trial(self) -> Request | None:
        """What to train next, marked as running in the ledger; None: nothing now."""
        self.prepare()
        number = self._waiting()
        if number is None or self._ending() or self._all_begun():
            return None
        record = replace(self._records[number], state="running")
        # Known before it is written: a Ctrl-C between the two must not leave it running in the ledger.
        self._keep(record)
        self._ledger.begin(number, record.attempt)
        self._epochs[number] = 0
        self._begun[number] = time.monotonic()
        return self._request(record)

    def prepare(self) -> None:
        """Have the next proposal ready."""
        if self._exhausted or self._ending() or self._waiting() is not None:
            return
        try:
            proposal = self._proposals.next(self.trials)
        except Exhausted as why:
            self._exhausted = str(why)
        else:
            if proposal:
                self._add(proposal)

    def on_report(self, number: int, epoch: int, loss: float) -> bool:
        """An epoch of a trial is over. None is stopped: before a schedule has annealed, accuracies mislead."""
        self._epochs[number] = epoch
        return False

    def on_result(self, number: int, result: Result) -> None:
        """Keeps a result; one that isn't a finite number is a failure."""
        record = self._records[number]
        try:
            if not all(map(math.isfinite, (result.accuracy, result.loss, *result.curve))):
                raise ValueError(f"accuracy {result.accuracy}, loss {result.loss}")
            self._judged(replace(record, state="complete", result=result))
        except (ValueError, ArithmeticError) as error:
            return self.on_error(number, f"not a finite result: {error}", retry=False)
        told = time.time()
        self._ledger.complete(record, self._fidelity, result, told)
        self._failures.clear()
        return self._finish(replace(record, state="complete", result=result, told=told))

    def on_error(self, number: int, reason: str, *, retry: bool) -> None:
        """Keeps a failure, or where the machine was to blame hands the trial out again, `ATTEMPTS` times."""
        record = self._records[number]
        if retry and record.attempt < ATTEMPTS:
            self._wait(replace(record, attempt=record.attempt + 1))
        else:
            self._fail(record, reason)
        # A node that dies takes several trials along. Only one that began since then is a failure more.
        if not retry or self._begun[number] > self._failed:
            self._count(reason)

    def on_measured(self, number: int, result: Result) -> None:
        """Keeps the result of a complete trial of which more was measured after the search."""
        record = self._records[number]
        self._ledger.complete(record, self._fidelity, result, record.told or time.time())
        self._keep(replace(record, result=result))

    def release(self) -> None:
        """Gives running trials back, not counting the attempt, and notes the time worked."""
        for record in list(self._records.values()):
            if record.state == "running":
                self._wait(record)
        self._clock()

    @property
    def setting(self) -> Setting:
        """What all trials have in common."""
        return self._setting

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All trials by number."""
        return tuple(self._trials.values())

    @property
    def status(self) -> Status:
        """What a display shows."""
        trials = self.trials
        states = [trial.state for trial in trials]
        running = (trial for trial in trials if trial.state == "running")
        return Status(
            complete=states.count("complete"),
            failed=states.count("failed"),
            duplicate=states.count("duplicate"),
            total=self._proposals.total,
            running=tuple((trial, self._epochs.get(trial.number, 0)) for trial in running),
            best=best(trials),
            seconds=self._seconds(),
            left=self._left(),
            why_stopped=self._why_stopped or self._exhausted,
            exhausted=bool(self._exhausted and not self._why_stopped),
        )

    def _take_up(self) -> None:
        """What a driver that died left running is handed out again."""
        for record in list(self._records.values()):
            if record.state == "running" and record.attempt < ATTEMPTS:
                self._wait(replace(record, attempt=record.attempt + 1))
            elif record.state == "running":
                self._fail(record, f"interrupted {ATTEMPTS} times")

    def _add(self, proposal: Proposal) -> None:
        """Keeps a proposal, waiting; one of a network that has its result is answered by it."""
        if proposal.known:
            point, network = proposal.known
            answer = next(r for r in self._records.values() if r.digest == network.digest)
            if answer.state == "complete":
                new = replace(self._new(point, network, answer.seed), state="duplicate", result=answer.result)
                self._ledger.add(new)
                self._finish(replace(new, told=new.asked))
        record = self._new(proposal.point, proposal.architecture, proposal.seed)
        self._ledger.add(record)
        self._keep(record)

    def _new(self, point: Point, network: Architecture, seed: int) -> Record:
        number, now = len(self._records), time.time()
        return Record(number, network.digest, str(network), seed, point, "waiting", 1, "", now, None, None)

    def _request(self, record: Record) -> Request:
        setting = self._setting
        return Request(
            number=record.number,
            attempt=record.attempt,
            architecture=record.architecture,
            proxy=setting.proxy,
            source=setting.data,
            seed=record.seed,
            reference=str(self._reference) if "step" in setting.reward.costs and not setting.forecast else "",
            threads=setting.executor.threads,
        )

    def _waiting(self) -> int | None:
        return next((r.number for r in self._records.values() if r.state == "waiting"), None)

    def _wait(self, record: Record) -> None:
        self._ledger.wait(record.number, record.attempt)
        self._keep(replace(record, state="waiting"))

    def _fail(self, record: Record, reason: str) -> None:
        told = time.time()
        self._ledger.fail(record, self._fidelity, reason, told)
        self._finish(replace(record, state="failed", reason=reason, told=told))

    def _finish(self, record: Record) -> None:
        self._keep(record)
        self._clock()
        self._watch(self._trials[record.number])

    def _keep(self, record: Record) -> None:
        self._records[record.number] = record
        self._trials[record.number] = self._judged(record)

    def _judged(self, record: Record) -> Trial:
        return judge(record, self._setting.reward, self._reference, self._setting.forecast)

    def _count(self, reason: str) -> None:
        """Stops the run after too many failures in a row for one reason."""
        self._failed = time.monotonic()
        self._failures.append(reason)
        most = self._setting.limits.max_failures
        # "diverged at step 12" and "diverged at step 40" are one reason.
        kinds = {re.sub(r"\d+", "#", failure) for failure in self._failures[-most:]}
        if len(self._failures) >= most and len(kinds) == 1:
            self._why_stopped = f"{most} failures in a row: {reason}"

    def _seconds(self) -> float:
        return self._worked + time.monotonic() - self._since

    def _clock(self) -> None:
        self._ledger.replace("seconds", f"{self._seconds():.1f}")

    def _trial_seconds(self) -> float | None:
        spent = [trial.result.seconds for trial in self.trials if trial.result and trial.state == "complete"]
        return statistics.median(spent) if spent else None

    def _ending(self) -> bool:
        """Whether nothing more is begun: the run was stopped, or a trial would not end within the budget."""
        budget = self._setting.limits.budget
        late = budget is not None and self._seconds() + (self._trial_seconds() or 0) > budget
        return late or bool(self._why_stopped)

    def _all_begun(self) -> bool:
        """Whether as many were begun as there are to be. More may be waiting, where a resume asked for fewer."""
        total = self._proposals.total
        begun = sum(trial.state not in ("waiting", "duplicate") for trial in self.trials)
        return total is not None and begun >= total

    def _parallel(self) -> int:
        """How many trials run at a time: as many as do now, where the executor cannot tell."""
        running = sum(trial.state == "running" for trial in self.trials)
        return self._setting.executor.parallel or max(1, running)

    def _left(self) -> float | None:
        """Seconds to the end: by the trials that are missing or by the budget, whichever is reached first."""
        total, budget, each = self._proposals.total, self._setting.limits.budget, self._trial_seconds()
        ends = [] if budget is None else [max(0.0, budget - self._seconds())]
        if total is not None and each is not None:
            finished = sum(trial.state in ("complete", "failed") for trial in self.trials)
            ends.append(each * math.ceil(max(0, total - finished) / self._parallel()))
        return min(ends, default=None)
