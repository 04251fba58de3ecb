"""The trials of a run in its driver, read from the ledger at the start. Every change is written to the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from search.config import Config
from search.proxy.evaluate import Result
from search.proxy.proxy import Proxy, shorter
from search.trials.ledger import Ledger
from search.trials.records import FinalTraining, Record
from search.trials.trial import RANKED, Trial, trial_from_record
from space import Architecture, Point


class History:
    """The trials of a running search. A change is on the disk when the method that makes it returns.

    All methods that change the trials raise `LedgerFailed` if the ledger cannot be written.
    """

    def __init__(self, config: Config, ledger: Ledger, fidelity: Callable[[Proxy], str]) -> None:
        """Read the trials from the ledger.

        fidelity: a function that returns the fidelity of a proxy, the digest under which its evaluations are stored.
        """
        self._config, self._ledger, self._ladder = config, ledger, config.ladder
        self._reference = config.reference
        self._fidelity = fidelity(config.proxy)
        self._fidelities = {each: fidelity(shorter(config.proxy, each)) for each in self._ladder.epochs}
        self._records = {record.number: record for record in ledger.records(self._fidelity)}
        self._trials = {number: self._trial_of(record) for number, record in self._records.items()}

    def __getitem__(self, number: int) -> Record:
        """Return the ledger's row of trial `number`."""
        return self._records[number]

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All trials by number."""
        return tuple(self._trials.values())

    def trial(self, number: int) -> Trial:
        """Return trial `number`. Raises KeyError if there is none."""
        return self._trials[number]

    @property
    def waiting(self) -> int | None:
        """The number of the waiting trial that is trained next, None if no trial waits.

        Trials that have begun their rungs come before all others.
        """
        waiting = [record for record in self._records.values() if record.state == "waiting"]
        return min(waiting, key=lambda record: (not record.rungs, record.number)).number if waiting else None

    @property
    def running(self) -> Iterator[Record]:
        """The ledger's rows of the running trials."""
        return (record for record in list(self._records.values()) if record.state == "running")

    def propose(
        self, point: Point, network: Architecture, seed: int, known: tuple[Point, Architecture] | None = None
    ) -> int | None:
        """Add a new trial, which waits for its training.

        known: an earlier proposal of the sampler for this trial, as (point, network), whose network another trial has
        already; None if there is none. If that trial has a result, a trial in the state "duplicate" is added too.
        Returns the number of the duplicate, None if no duplicate is added.
        """
        duplicate = self._duplicate(*known) if known else None
        new = self._new(len(self._records) + bool(duplicate), point, network, seed)
        self._ledger.add(*filter(None, (duplicate, new)))
        if duplicate:
            self._keep(replace(duplicate, finished_at=duplicate.proposed_at))
        self._keep(new)
        return duplicate.number if duplicate else None

    def begin(self, record: Record) -> None:
        """Record that the trial is running."""
        # In memory before the ledger: after a Ctrl-C at any line, `Engine.release` requeues the trial.
        self._keep(replace(record, state="running"))
        self._ledger.begin(record.number, record.attempt)

    def wait(self, record: Record) -> None:
        """Record that the trial waits for its attempt number `record.attempt`."""
        self._ledger.wait(record.number, record.attempt, record.interruptions)
        self._keep(replace(record, state="waiting"))

    def answer(self, number: int, epochs: int, result: Result) -> None:
        """Store the result of a training of `epochs` epochs: the trial is complete after the last rung, else pruned.

        Raises ValueError or ArithmeticError if `Result.check` refuses `result` or no finite reward follows from it.
        Nothing is stored then.
        """
        record, now = self._records[number], time.time()
        if record.rungs:
            result = result.timed_as(record.rungs[0])
        if is_last := epochs == self._ladder.last:
            new = replace(record, state="complete", result=result, finished_at=now)
        else:
            new = replace(record, state="pruned", rungs=(*record.rungs, result), finished_at=now)
        result.check()
        self._trial_of(new)
        if is_last:
            self._ledger.complete(record, self._fidelity, result, now)
        else:
            seed = self._ladder.seed(record.seed, epochs)
            self._ledger.rest(record, self._fidelities[epochs], seed, result, now)
        self._keep(new)

    def fail(self, number: int, epochs: int, reason: str) -> None:
        """Record that the trial has failed for good in a training of `epochs` epochs."""
        record, now = self._records[number], time.time()
        at = replace(record, seed=self._ladder.seed(record.seed, epochs))
        self._ledger.fail(at, self._fidelities[epochs], reason, now)
        self._keep(replace(record, state="failed", reason=reason, finished_at=now))

    def measure(self, number: int, result: Result) -> None:
        """Replace the result of a complete or imported trial by a result with more measurements."""
        record = self._records[number]
        self._ledger.measure(record, self._fidelity, result)
        self._keep(replace(record, result=result))

    def record_final(self, number: int, training: FinalTraining) -> None:
        """Store the state of a final training of the trial's network."""
        record = self._records[number]
        others = tuple(known for known in record.final_trainings if known.seed != training.seed)
        self._ledger.record_final(record.digest, self._fidelity, training)
        self._keep(replace(record, final_trainings=(*others, training)))

    def _duplicate(self, point: Point, network: Architecture) -> Record | None:
        """Return a new duplicate with the result of the first trial of its network; None if that trial has none."""
        earlier = next(record for record in self._records.values() if record.digest == network.digest)
        if earlier.state not in RANKED:
            return None
        new = self._new(len(self._records), point, network, earlier.seed)
        return replace(new, state="duplicate", result=earlier.result)

    def _new(self, number: int, point: Point, network: Architecture, seed: int) -> Record:
        now = time.time()
        return Record(number, network.digest, str(network), seed, point, "waiting", 1, "", now, None, None)

    def _keep(self, record: Record) -> None:
        self._records[record.number] = record
        self._trials[record.number] = self._trial_of(record)

    def _trial_of(self, record: Record) -> Trial:
        config = self._config
        return trial_from_record(record, config.reward, self._reference, config.forecast, config.latencies)
