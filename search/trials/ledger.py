"""The ledger: one SQLite file that is the only history of a run. Written by the driver alone.

`trial` says what was proposed, `evaluation` what was measured: one network can be evaluated at several
fidelities and seeds, and a proposal can be answered by an evaluation that was made before. Rewards aren't
kept: they follow from these.
"""

from __future__ import annotations

import json
import socket
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from search.proxy.evaluate import Result
from space import UserError
from space.choices.points import Point

State = Literal["waiting", "running", "complete", "failed", "pruned", "duplicate", "imported"]

SCHEMA = 2
ENDED = "ended"
"""Under it is noted why a search had no more to propose."""
OVER = "over"
"""Under it is noted whether the latest driver came to the end of what it was asked: "yes", or "" while it has not."""
_TABLES = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS trial (
    number INTEGER PRIMARY KEY, digest TEXT NOT NULL, architecture TEXT NOT NULL, seed INTEGER NOT NULL,
    point TEXT NOT NULL, state TEXT NOT NULL, attempt INTEGER NOT NULL, reason TEXT NOT NULL DEFAULT '',
    proposed_at REAL NOT NULL, finished_at REAL
) STRICT;
CREATE TABLE IF NOT EXISTS evaluation (
    digest TEXT NOT NULL, fidelity TEXT NOT NULL, seed INTEGER NOT NULL, attempt INTEGER NOT NULL,
    state TEXT NOT NULL, metrics TEXT, curve TEXT, reason TEXT NOT NULL DEFAULT '', host TEXT NOT NULL,
    PRIMARY KEY (digest, fidelity, seed, attempt)
) STRICT;
CREATE INDEX IF NOT EXISTS trial_digest ON trial (digest);
"""


class LedgerFailed(Exception):
    """The ledger could not be written (a full disk, say). What it said before still holds."""


_ADD = "INSERT INTO trial VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_ANSWER = "INSERT OR REPLACE INTO evaluation VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_RECORD_FINAL = """
INSERT INTO evaluation VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state,
metrics = excluded.metrics, curve = excluded.curve, reason = excluded.reason, host = excluded.host
WHERE evaluation.state IN ('waiting', 'running')
"""
"""What is over stays so."""


@dataclass(frozen=True, slots=True)
class FinalTraining:
    """A training of a trial's network with another seed than the trial's. attempt: the latest, counted from 1."""

    seed: int
    attempt: int
    state: Literal["waiting", "running", "complete", "failed"]
    reason: str = ""
    result: Result | None = None

    @property
    def over(self) -> bool:
        """Whether it will not be tried again."""
        return self.state in ("complete", "failed")


@dataclass(frozen=True, slots=True)
class Record:
    """A row of the ledger: a proposal, and the evaluation that answers it if there is one.

    seed: of the training. point: where the proposal stands among those that could have been made. reason: why it
    failed; of one that is `imported`, which trial of which run it was. proposed_at, finished_at: seconds since 1970. attempt:
    the latest, counted from 1, of the training that it is at. final_trainings: of its network, by seed. rungs: results of
    its shorter trainings, the shortest first.
    """

    number: int
    digest: str
    architecture: str
    seed: int
    point: Point
    state: State
    attempt: int
    reason: str
    proposed_at: float
    finished_at: float | None
    result: Result | None
    final_trainings: tuple[FinalTraining, ...] = ()
    rungs: tuple[Result, ...] = ()


class Ledger:
    """A run's history, open. Every change is on the disk when the method that makes it returns."""

    def __init__(self, path: Path, *, write: bool = True) -> None:
        """Opens the ledger at `path`; `write` makes it where there is none. Raises `UserError` if it is none."""
        if not write and not path.exists():
            raise UserError(f"{path} does not exist.")
        uri = f"{path.absolute().as_uri()}?mode={'rwc' if write else 'ro'}"
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
        found = self.noted("schema")
        if found != str(SCHEMA):
            raise UserError(f"{path} has schema {found}; this version reads schema {SCHEMA}.")

    def close(self) -> None:
        """Nothing is pending: closing only frees the file."""
        self._database.close()

    def note(self, key: str, value: str) -> None:
        """Keep `value` under `key` unless there is one."""
        self._change("INSERT INTO meta VALUES (?, ?) ON CONFLICT DO NOTHING", key, value)

    def replace(self, key: str, value: str) -> None:
        """Keep `value` under `key`, whatever was there."""
        self._change(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            key,
            value,
        )

    def noted(self, key: str) -> str | None:
        """What is kept under `key`."""
        rows = self._rows("SELECT value FROM meta WHERE key = ?", key)
        return str(rows[0][0]) if rows else None

    def add(self, *records: Record) -> None:
        """New proposals, in one step."""
        with self._transaction():
            self._database.executemany(_ADD, map(_row, records))

    def adopt(self, records: Iterable[Record], fidelity: str) -> None:
        """Proposals that were answered elsewhere, with their results and those of their final_trainings, all in one step."""
        with self._transaction():
            for record in records:
                own = FinalTraining(record.seed, record.attempt, "complete", "", record.result)
                self._database.execute(_ADD, _row(record))
                for training in (own, *record.final_trainings):
                    self._database.execute(_ANSWER, _answer(record.digest, fidelity, training, self._host))

    def begin(self, number: int, attempt: int) -> None:
        """The trial is handed to a worker."""
        self._change("UPDATE trial SET state = 'running', attempt = ? WHERE number = ?", attempt, number)

    def wait(self, number: int, attempt: int) -> None:
        """The trial is taken back, to be handed out again as `attempt`; one that has finished stays so."""
        self._change(
            "UPDATE trial SET state = 'waiting', attempt = ? WHERE number = ? AND state = 'running'",
            attempt,
            number,
        )

    def complete(self, record: Record, fidelity: str, result: Result, finished_at: float) -> None:
        """The trial and the evaluation that answers it, in one step."""
        answer = FinalTraining(record.seed, record.attempt, "complete", "", result)
        self._finish(record, fidelity, answer, "complete", finished_at)

    def fail(self, record: Record, fidelity: str, reason: str, finished_at: float) -> None:
        """The trial will not be tried again."""
        answer = FinalTraining(record.seed, record.attempt, "failed", reason)
        self._finish(record, fidelity, answer, "failed", finished_at)

    def rest(self, record: Record, fidelity: str, seed: int, result: Result, finished_at: float) -> None:
        """A training of the trial that was shorter than the whole, and that it rests after it, in one step."""
        answer = FinalTraining(seed, record.attempt, "complete", "", result)
        self._finish(record, fidelity, answer, "pruned", finished_at)

    def records(self, fidelity: str) -> tuple[Record, ...]:
        """All trials by number, each with the result for its network and seed at this fidelity.

        What its network was trained for at other fidelities are its rungs.
        """
        rows = self._rows(
            "SELECT number, t.digest, architecture, t.seed, point, t.state, t.attempt, t.reason, proposed_at, finished_at,"
            " metrics, curve FROM trial t LEFT JOIN evaluation e ON e.digest = t.digest AND e.seed = t.seed"
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
        """What became of a training of the network `digest` with a seed that no proposal of it has.

        One that is over stays so.
        """
        self._change(_RECORD_FINAL, *_answer(digest, fidelity, training, self._host))

    def _final_trainings(self, fidelity: str) -> dict[str, dict[int, FinalTraining]]:
        """By network and seed, the latest attempt of each."""
        rows = self._rows(
            "SELECT digest, seed, attempt, state, reason, metrics, curve FROM evaluation e WHERE fidelity = ?"
            " AND NOT EXISTS (SELECT 1 FROM trial t WHERE t.digest = e.digest AND t.seed = e.seed)"
            " ORDER BY digest, seed, attempt",
            fidelity,
        )
        found: dict[str, dict[int, FinalTraining]] = {}
        for digest, seed, attempt, state, reason, metrics, curve in rows:
            result = _result(metrics, curve)
            found.setdefault(digest, {})[seed] = FinalTraining(seed, attempt, state, reason, result)
        return found

    def _rungs(self, fidelity: str) -> dict[str, tuple[Result, ...]]:
        """By network, its results at other fidelities, the fewest epochs first."""
        rows = self._rows(
            "SELECT digest, metrics, curve FROM evaluation WHERE fidelity != ? AND state = 'complete'",
            fidelity,
        )
        found: dict[str, dict[int, Result]] = {}
        for digest, metrics, curve in rows:
            if result := _result(metrics, curve):
                found.setdefault(digest, {})[result.epochs] = result
        return {digest: tuple(own[epochs] for epochs in sorted(own)) for digest, own in found.items()}

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
            # Also after Ctrl-C, which can strike between any two lines.
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")


def _row(record: Record) -> tuple[object, ...]:
    rest = (record.state, record.attempt, record.reason, record.proposed_at, record.finished_at)
    return (record.number, record.digest, record.architecture, record.seed, json.dumps(record.point), *rest)


def _answer(digest: str, fidelity: str, training: FinalTraining, host: str) -> tuple[object, ...]:
    metrics = curve = None
    if training.result:
        values = training.result.to_dict()
        curve = json.dumps(values.pop("curve"))
        metrics = json.dumps(values)
    key = (digest, fidelity, training.seed, training.attempt)
    return (*key, training.state, metrics, curve, training.reason, host)


def _record(*row: Any) -> Record:
    (
        number,
        digest,
        architecture,
        seed,
        point,
        state,
        attempt,
        reason,
        proposed_at,
        finished_at,
        metrics,
        curve,
    ) = row
    place, result = tuple(json.loads(point)), _result(metrics, curve)
    return Record(
        number, digest, architecture, seed, place, state, attempt, reason, proposed_at, finished_at, result
    )


def _result(metrics: str | None, curve: str | None) -> Result | None:
    if metrics is None or curve is None:
        return None
    return Result.from_dict({**json.loads(metrics), "curve": json.loads(curve)})
