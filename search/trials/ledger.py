"""The ledger: one SQLite file, which is the only history of a run. Only the driver writes it.

The table `trial` holds the proposals, `evaluation` the measurements, and `meta` notes: texts by key. A network can be
evaluated with several seeds and fidelities (digests of the settings of a training). An earlier evaluation can be the
result of a new proposal. Rewards are not stored, since they follow from the measurements.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from search.proxy.evaluate import Result
from search.trials.records import FinalTraining, Record, State
from space import UserError

SCHEMA = 3
ENDED = "ended"
"""The key of the note with the reason why a search has nothing more to propose."""
OVER = "over"
"""The key of the note that is "yes" if the latest driver reached the end of the run, and "" before that."""
_TABLES = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS trial (
    number INTEGER PRIMARY KEY, digest TEXT NOT NULL, architecture TEXT NOT NULL, seed INTEGER NOT NULL,
    point TEXT NOT NULL, state TEXT NOT NULL, attempt INTEGER NOT NULL, reason TEXT NOT NULL DEFAULT '',
    proposed_at REAL NOT NULL, finished_at REAL, interruptions INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS evaluation (
    digest TEXT NOT NULL, fidelity TEXT NOT NULL, seed INTEGER NOT NULL, attempt INTEGER NOT NULL,
    state TEXT NOT NULL, metrics TEXT, curve TEXT, reason TEXT NOT NULL DEFAULT '', host TEXT NOT NULL,
    interruptions INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (digest, fidelity, seed, attempt)
) STRICT;
CREATE INDEX IF NOT EXISTS trial_digest ON trial (digest);
"""


class LedgerFailed(Exception):
    """The error of a ledger that could not be written, for instance because the disk is full.

    Earlier changes are safe.
    """


_ADD = "INSERT INTO trial VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_ANSWER = "INSERT OR REPLACE INTO evaluation VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_RECORD_FINAL = """
INSERT INTO evaluation VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state,
metrics = excluded.metrics, curve = excluded.curve, reason = excluded.reason, host = excluded.host,
interruptions = excluded.interruptions
WHERE evaluation.state IN ('waiting', 'running')
"""
"""The statement that stores a final training. A final training that is over keeps its state."""


class Ledger:
    """The open ledger of a run. A change is on the disk when the method that makes it returns.

    Methods that change the ledger raise `LedgerFailed` if the file cannot be written.
    """

    def __init__(self, path: Path, *, write: bool = True) -> None:
        """Open the ledger at `path`.

        write: True to create the file if it is missing, and to change it. Raises `UserError` for a file that is not a
        ledger of this schema, and without `write` for a missing file.
        """
        if not write and not path.exists():
            raise UserError(f"{path} does not exist.")
        mode = "mode=rwc" if write else "mode=ro&immutable=1" if _immutable(path) else "mode=ro"
        uri = f"{path.absolute().as_uri()}?{mode}"
        self._path, self._host = path, socket.gethostname()
        try:
            self._database = sqlite3.connect(uri, uri=True, timeout=30, isolation_level=None)
            if write:
                # FULL: a commit outlives a power cut, for 0.7 ms a trial.
                self._database.executescript(
                    f"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; {_TABLES}"
                )
        except sqlite3.DatabaseError as error:
            raise self._unusable(error) from None
        if write:
            self.note("schema", str(SCHEMA))
        schema = self.noted("schema")
        if schema != str(SCHEMA):
            raise UserError(f"{path} has schema {schema}; this version reads schema {SCHEMA}.")

    def close(self) -> None:
        """Close the file. Every change is on the disk already."""
        self._database.close()

    def note(self, key: str, value: str) -> None:
        """Store `value` under `key` unless a value is stored there already."""
        self._change("INSERT INTO meta VALUES (?, ?) ON CONFLICT DO NOTHING", key, value)

    def replace(self, key: str, value: str) -> None:
        """Store `value` under `key`, replacing an earlier value."""
        self._change(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            key,
            value,
        )

    def noted(self, key: str) -> str | None:
        """Return the value that is stored under `key`, None if there is none."""
        rows = self._rows("SELECT value FROM meta WHERE key = ?", key)
        return str(rows[0][0]) if rows else None

    def add(self, *records: Record) -> None:
        """Store new proposals in one transaction."""
        with self._transaction():
            self._database.executemany(_ADD, map(_row, records))

    def adopt(self, records: Iterable[Record], fidelity: str) -> None:
        """Store trials of another run with their results and final trainings, but without `rungs`, in one step.

        fidelity: the digest of the settings of these trainings.
        """
        with self._transaction():
            for record in records:
                own = FinalTraining(record.seed, record.attempt, "complete", "", record.result)
                self._database.execute(_ADD, _row(record))
                for training in (own, *record.final_trainings):
                    self._database.execute(_ANSWER, _answer(record.digest, fidelity, training, self._host))

    def begin(self, number: int, attempt: int) -> None:
        """Mark the trial as running."""
        self._change("UPDATE trial SET state = 'running', attempt = ? WHERE number = ?", attempt, number)

    def wait(self, number: int, attempt: int, interruptions: int) -> None:
        """Mark the trial as waiting for its next attempt. A trial that has finished keeps its state."""
        self._change(
            "UPDATE trial SET state = 'waiting', attempt = ?, interruptions = ?"
            " WHERE number = ? AND state = 'running'",
            attempt,
            interruptions,
            number,
        )

    def complete(self, record: Record, fidelity: str, result: Result, finished_at: float) -> None:
        """Store the result of the trial and mark the trial as complete, in one transaction."""
        answer = FinalTraining(record.seed, record.attempt, "complete", "", result)
        self._finish(record, fidelity, answer, "complete", finished_at)

    def measure(self, record: Record, fidelity: str, result: Result) -> None:
        """Replace the result of the trial. The trial keeps its state."""
        answer = FinalTraining(record.seed, record.attempt, "complete", "", result)
        self._change(_ANSWER, *_answer(record.digest, fidelity, answer, self._host))

    def fail(self, record: Record, fidelity: str, reason: str, finished_at: float) -> None:
        """Mark the trial as failed for good, and store the reason."""
        answer = FinalTraining(record.seed, record.attempt, "failed", reason)
        self._finish(record, fidelity, answer, "failed", finished_at)

    def rest(self, record: Record, fidelity: str, seed: int, result: Result, finished_at: float) -> None:
        """Store the result of a training at a rung below the last and mark the trial as pruned, in one step.

        seed: the seed of that training.
        """
        answer = FinalTraining(seed, record.attempt, "complete", "", result)
        self._finish(record, fidelity, answer, "pruned", finished_at)

    def records(self, fidelity: str) -> tuple[Record, ...]:
        """Return all trials by number, each with the result of its network and seed at this fidelity.

        The results of the network at other fidelities become the rungs of the trial.
        """
        rows = self._rows(
            "SELECT number, t.digest, architecture, t.seed, point, t.state, t.attempt, t.reason, proposed_at,"
            " finished_at, metrics, curve, t.interruptions FROM trial t LEFT JOIN evaluation e ON e.digest = t.digest"
            " AND e.seed = t.seed"
            " AND fidelity = ? AND e.state = 'complete' ORDER BY number",
            fidelity,
        )
        final_trainings, rungs = self._final_trainings(fidelity), self._rungs(fidelity)
        return tuple(
            replace(
                _record(*row),
                final_trainings=tuple(final_trainings.get(row[1], {}).values()),
                rungs=rungs.get(row[1], ()),
            )
            for row in rows
        )

    def record_final(self, digest: str, fidelity: str, training: FinalTraining) -> None:
        """Store a final training of the network `digest`. A training in the ledger that is over is not replaced."""
        self._change(_RECORD_FINAL, *_answer(digest, fidelity, training, self._host))

    def _final_trainings(self, fidelity: str) -> dict[str, dict[int, FinalTraining]]:
        """Return the latest attempt of each final training, by network and seed."""
        rows = self._rows(
            "SELECT digest, seed, attempt, state, reason, metrics, curve, interruptions FROM evaluation e"
            " WHERE fidelity = ?"
            " AND NOT EXISTS (SELECT 1 FROM trial t WHERE t.digest = e.digest AND t.seed = e.seed)"
            " ORDER BY digest, seed, attempt",
            fidelity,
        )
        latest: dict[str, dict[int, FinalTraining]] = {}
        for digest, seed, attempt, state, reason, metrics, curve, interruptions in rows:
            result = _result(metrics, curve)
            latest.setdefault(digest, {})[seed] = FinalTraining(
                seed, attempt, state, reason, result, interruptions
            )
        return latest

    def _rungs(self, fidelity: str) -> dict[str, tuple[Result, ...]]:
        """Return the results of every network at other fidelities, one for each number of epochs, fewest first."""
        rows = self._rows(
            "SELECT digest, metrics, curve FROM evaluation WHERE fidelity != ? AND state = 'complete'",
            fidelity,
        )
        results: dict[str, dict[int, Result]] = {}
        for digest, metrics, curve in rows:
            if result := _result(metrics, curve):
                results.setdefault(digest, {})[result.epochs] = result
        return {digest: tuple(own[epochs] for epochs in sorted(own)) for digest, own in results.items()}

    def _finish(
        self, record: Record, fidelity: str, answer: FinalTraining, state: State, finished_at: float
    ) -> None:
        with self._transaction():
            self._database.execute(_ANSWER, _answer(record.digest, fidelity, answer, self._host))
            self._database.execute(
                "UPDATE trial SET state = ?, reason = ?, finished_at = ?, attempt = ? WHERE number = ?",
                (state, answer.reason, finished_at, record.attempt, record.number),
            )

    def _rows(self, query: str, *values: object) -> list[Any]:
        try:
            return self._database.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise self._unusable(error) from None

    def _unusable(self, error: sqlite3.DatabaseError) -> UserError:
        return UserError(f"{self._path} cannot be used as a ledger: {error}.")

    def _change(self, statement: str, *values: object) -> None:
        with self._transaction():
            self._database.execute(statement, values)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._database.execute("BEGIN IMMEDIATE")
            yield
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            raise LedgerFailed(f"The ledger could not be written: {error}.") from error
        finally:
            # Ctrl-C, which can come between any two lines, leaves the transaction open too.
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")


def _immutable(path: Path) -> bool:
    """Return True if a ledger has no write-ahead log and SQLite cannot create one, since the folder is read-only."""
    return not path.with_name(f"{path.name}-wal").exists() and not os.access(path.absolute().parent, os.W_OK)


def _row(record: Record) -> tuple[object, ...]:
    rest = (record.state, record.attempt, record.reason, record.proposed_at, record.finished_at)
    return (
        record.number,
        record.digest,
        record.architecture,
        record.seed,
        json.dumps(record.point),
        *rest,
        record.interruptions,
    )


def _answer(digest: str, fidelity: str, training: FinalTraining, host: str) -> tuple[object, ...]:
    metrics = curve = None
    if training.result:
        values = training.result.to_dict()
        curve = json.dumps(values.pop("curve"))
        metrics = json.dumps(values)
    key = (digest, fidelity, training.seed, training.attempt)
    return (*key, training.state, metrics, curve, training.reason, host, training.interruptions)


def _record(*row: Any) -> Record:
    number, digest, architecture, seed, point, state, attempt, reason, proposed_at, finished_at, *rest = row
    metrics, curve, interruptions = rest
    return Record(
        number=number,
        digest=digest,
        architecture=architecture,
        seed=seed,
        point=tuple(json.loads(point)),
        state=state,
        attempt=attempt,
        reason=reason,
        proposed_at=proposed_at,
        finished_at=finished_at,
        result=_result(metrics, curve),
        interruptions=interruptions,
    )


def _result(metrics: str | None, curve: str | None) -> Result | None:
    if metrics is None or curve is None:
        return None
    return Result.from_dict({**json.loads(metrics), "curve": json.loads(curve)})
