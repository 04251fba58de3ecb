"""The driver of a search: decides what to train next and keeps what became of it.

Every executor makes the same few calls, from one thread; see `search.executors.Driven`. The engine holds no
history of its own: what it knows it reads from the ledger when it starts, and writes there before it acts on it.
"""

from __future__ import annotations

import hashlib
import math
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from search.config import Config
from search.evaluate import Request, Result
from search.ledger import Ledger, Record
from search.novelty import nearest
from search.samplers import Observation
from search.trial import Trial, judge, score
from space import Architecture, Point, cost

ATTEMPTS = 3
"""How often a trial is begun before it counts as failed, where the machine was to blame."""


@dataclass(frozen=True, slots=True)
class Status:
    """A search at one moment. seconds: worked so far; left: estimate until the end, None if unknown."""

    complete: int
    failed: int
    duplicate: int
    rejected: int
    running: tuple[tuple[Trial, int], ...]
    best: Trial | None
    seconds: float
    left: float | None
    why_stopped: str


class Engine:
    """A run being driven. Made from its configuration, its ledger, and the fidelity that its trials have."""

    def __init__(
        self,
        config: Config,
        ledger: Ledger,
        fidelity: str,
        watch: Callable[[Trial], None] = lambda trial: None,
    ) -> None:
        """watch: called with every trial that has finished. Raises `LedgerFailed` for one it can't write."""
        self.config, self._ledger, self._fidelity, self._watch = config, ledger, fidelity, watch
        self._proposer = config.sampler.proposer(config.space.choices)
        self._reference = config.reference
        self._unit = cost(self._reference)
        self._records = {r.number: r for r in ledger.records(fidelity, config.limits.seed)}
        self._trials = {number: self._judged(record) for number, record in self._records.items()}
        self._numbers = {r.digest: r.number for r in self._records.values() if r.state != "duplicate"}
        self._epochs: dict[int, int] = {}
        self._failures: list[str] = []
        self._rejected = 0
        self._worked = float(ledger.noted("seconds") or 0)
        self._since = time.monotonic()
        self._why_stopped = ""
        self._take_up()

    def next_trial(self) -> Request | None:
        """What to train next, marked as running in the ledger; None: nothing now."""
        if self._why_stopped or self._late():
            return None
        number = self._waiting() if self._waiting() is not None else self._propose()
        if number is None:
            return None
        record = replace(self._records[number], state="running")
        self._ledger.begin(number, record.attempt)
        self._keep(record)
        self._epochs[number] = 0
        return self._request(record)

    def prepare(self) -> None:
        """Have the next proposal ready."""
        if not self._why_stopped and not self._late() and self._waiting() is None:
            self._propose()

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
            score(result, cost(self._trials[number].architecture), self.config.reward, self._unit)
        except (ValueError, ArithmeticError) as error:
            return self.on_error(number, f"not a finite result: {error}", retry=False)
        told = time.time()
        self._ledger.complete(record, self._fidelity, self.config.limits.seed, result, told)
        self._failures.clear()
        self._finish(replace(record, state="complete", result=result, told=told))
        return None

    def on_error(self, number: int, reason: str, *, retry: bool) -> None:
        """Keeps a failure, or where the machine was to blame hands the trial out again, `ATTEMPTS` times."""
        record = self._records[number]
        self._failures.append(reason)
        if retry and record.attempt < ATTEMPTS:
            self._wait(replace(record, attempt=record.attempt + 1))
        else:
            told = time.time()
            self._ledger.fail(record, self._fidelity, self.config.limits.seed, reason, told)
            self._finish(replace(record, state="failed", reason=reason, told=told))
        most = self.config.limits.max_failures
        if len(self._failures) >= most and len(set(self._failures[-most:])) == 1:
            self._why_stopped = f"{most} failures in a row: {reason}"

    def release(self) -> None:
        """Gives running trials back, not counting the attempt, and notes the time worked."""
        for record in list(self._records.values()):
            if record.state == "running":
                self._wait(record)
        self._clock()

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All trials by number."""
        return tuple(self._trials.values())

    @property
    def status(self) -> Status:
        """What a display shows."""
        states = [record.state for record in list(self._records.values())]
        scored = [trial for trial in self.trials if trial.state == "complete" and trial.terms]
        return Status(
            complete=states.count("complete"),
            failed=states.count("failed"),
            duplicate=states.count("duplicate"),
            rejected=self._rejected,
            running=tuple(
                (trial, self._epochs.get(trial.number, 0))
                for trial in self.trials
                if trial.state == "running"
            ),
            best=max(scored, key=lambda trial: trial.terms.reward if trial.terms else 0.0, default=None),
            seconds=self._seconds(),
            left=self._left(),
            why_stopped=self._why_stopped,
        )

    def _take_up(self) -> None:
        """What a driver that died left running is handed out again."""
        for record in list(self._records.values()):
            if record.state == "running" and record.attempt < ATTEMPTS:
                self._wait(replace(record, attempt=record.attempt + 1))
            elif record.state == "running":
                reason, told = f"interrupted {ATTEMPTS} times", time.time()
                self._ledger.fail(record, self._fidelity, self.config.limits.seed, reason, told)
                self._keep(replace(record, state="failed", reason=reason, told=told))

    def _propose(self) -> int | None:
        """Adds a new trial, waiting, and gives its number; None where the run has all its trials."""
        index = len(self._numbers)
        if self.config.limits.trials is not None and index >= self.config.limits.trials:
            return None
        history = [
            self._observation(record) for record in self._records.values() if record.state != "duplicate"
        ]
        point: Point = ()
        for again in range(self.config.sampler.patience):
            point = self._proposer.propose(history, _seed(self.config.limits.seed, index, again))
            architecture = self.config.space.at(point)
            if not self._permits(architecture):
                self._rejected += 1
            elif architecture.digest not in self._numbers:
                return self._add(point, architecture)
            elif again == 0:
                self._answer(point, architecture)
        rng = random.Random(_seed(self.config.limits.seed, index, -1))
        found = nearest(self.config.space, point, self._new, rng)
        if found is None:
            self._why_stopped = "every network of the space that keeps the limits has been tried"
            return None
        return self._add(found, self.config.space.at(found))

    def _new(self, architecture: Architecture) -> bool:
        return architecture.digest not in self._numbers and self._permits(architecture)

    def _permits(self, architecture: Architecture) -> bool:
        return not self.config.reward.exceeds(cost(architecture))

    def _add(self, point: Point, architecture: Architecture) -> int:
        number = len(self._records)
        record = Record(
            number, architecture.digest, str(architecture), point, "waiting", 1, "", time.time(), None, None
        )
        self._ledger.add(record)
        self._keep(record)
        self._numbers[record.digest] = number
        return number

    def _answer(self, point: Point, architecture: Architecture) -> None:
        """A proposal of a network that has its result is answered by it and not trained again."""
        known = self._records[self._numbers[architecture.digest]]
        if known.state == "complete":
            now = time.time()
            answered = replace(
                known, number=len(self._records), point=point, state="duplicate", asked=now, told=now
            )
            self._ledger.add(answered)
            self._finish(answered)

    def _request(self, record: Record) -> Request:
        config = self.config
        reference = str(self._reference) if config.reward.needs_step_time else ""
        return Request(
            record.number,
            record.attempt,
            record.architecture,
            config.proxy,
            config.data,
            config.limits.seed,
            reference,
            config.executor.threads,
        )

    def _observation(self, record: Record) -> Observation:
        terms = self._trials[record.number].terms
        finished = record.state in ("complete", "failed")
        return Observation(record.number, record.point, terms.reward if terms else None, finished)

    def _waiting(self) -> int | None:
        return next((r.number for r in self._records.values() if r.state == "waiting"), None)

    def _wait(self, record: Record) -> None:
        self._ledger.wait(record.number, record.attempt)
        self._keep(replace(record, state="waiting"))

    def _keep(self, record: Record) -> None:
        self._records[record.number] = record
        self._trials[record.number] = self._judged(record)

    def _finish(self, record: Record) -> None:
        self._keep(record)
        self._clock()
        self._watch(self._trials[record.number])

    def _judged(self, record: Record) -> Trial:
        return judge(record, self.config.reward, self._unit)

    def _seconds(self) -> float:
        return self._worked + time.monotonic() - self._since

    def _clock(self) -> None:
        self._ledger.replace("seconds", f"{self._seconds():.1f}")

    def _trial_seconds(self) -> float | None:
        spent = [trial.result.seconds for trial in self.trials if trial.result and trial.state == "complete"]
        return statistics.median(spent) if spent else None

    def _late(self) -> bool:
        """Whether a trial begun now would not end within the budget."""
        budget = self.config.limits.budget
        return budget is not None and self._seconds() + (self._trial_seconds() or 0) > budget

    def _left(self) -> float | None:
        """Seconds to the end: by the trials that are missing, by the budget, whichever is reached first."""
        trials, budget = self.config.limits.trials, self.config.limits.budget
        each = self._trial_seconds()
        ends = [] if budget is None else [max(0.0, budget - self._seconds())]
        if trials is not None and each is not None:
            finished = sum(trial.state in ("complete", "failed") for trial in self.trials)
            ends.append(each * math.ceil(max(0, trials - finished) / self.config.executor.parallel))
        return min(ends, default=None)


def _seed(*parts: int) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4])
