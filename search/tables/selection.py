"""Which rows and columns of a table are kept, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from search.stats.pareto import front
from search.tables.table import Column, Row, plain
from space.refusal import UserError, unknown_name


def columns_of(columns: Sequence[Column], keys: str) -> tuple[Column, ...]:
    """The columns that "reward,accuracy" names, in this order.

    Raises `UserError` for an unknown one, naming the nearest, and for one that is named twice.
    """
    found = tuple(_column(columns, key) for key in _words(keys))
    for number, column in enumerate(found):
        if column in found[:number]:
            raise UserError(f"Column {column.key} is named twice.")
    return found


def filled(rows: Sequence[Row], columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns that say something in one of the rows at least; all, where there are no rows."""
    return tuple(
        column
        for column in columns
        if not rows or any(plain(row.get(column.key)) not in (None, "") for row in rows)
    )


def ordered(rows: Sequence[Row], columns: Sequence[Column], by: str) -> list[Row]:
    """The rows by the columns that "-reward,number" names: ascending, or descending after a minus.

    Rows without a value come last in either direction. Raises `UserError` for an unknown column.
    """
    found = list(rows)
    keys = [(word.removeprefix("-"), word.startswith("-")) for word in _words(by)]
    for key, _ in keys:
        _column(columns, key)
    # The last key first: sorting keeps what an earlier one has left in order.
    for key, descending in reversed(keys):
        there = [row for row in found if plain(row.get(key)) is not None]
        gone = [row for row in found if plain(row.get(key)) is None]
        found = sorted(there, key=partial(_value, key), reverse=descending) + gone
    return found


def _value(key: str, row: Row) -> Any:
    return plain(row[key])


def best(rows: Sequence[Row], columns: Sequence[Column], key: str, count: int) -> list[Row]:
    """The `count` best rows by the column `key`, the best first; those without a value are none of them."""
    sign = _sign(_column(columns, key))
    there = [row for row in rows if plain(row.get(key)) is not None]
    return sorted(there, key=lambda row: sign * plain(row[key]))[:count]


def compromises(rows: Sequence[Row], columns: Sequence[Column], keys: str) -> list[Row]:
    """The rows that no other beats in all the columns that "accuracy,params" names, the best by the first first.

    A row that is equal in all is not beaten; one that lacks a value is left out. Raises `UserError` for an unknown
    column, and for one of which neither more nor less is better.
    """
    found = [_column(columns, key) for key in _words(keys)]
    signs = [(column.key, _sign(column)) for column in found]
    there = [row for row in rows if all(plain(row.get(key)) is not None for key, _ in signs)]
    points = [tuple(sign * float(plain(row[key])) for key, sign in signs) for row in there]
    return [there[index] for index in sorted(front(points), key=lambda index: points[index])]


def _words(text: str) -> list[str]:
    words = [word.strip() for word in text.split(",")]
    if not all(words):
        raise UserError(f"{text!r} lacks the name of a column; write them like reward,accuracy.")
    return words


def _column(columns: Sequence[Column], key: str) -> Column:
    for column in columns:
        if column.key == key:
            return column
    raise unknown_name("column", key, [column.key for column in columns])


def _sign(column: Column) -> int:
    """What makes the better values the smaller ones."""
    if not column.better:
        raise UserError(f"Of {column.key} neither more nor less is better; it cannot be compared by.")
    return -1 if column.better == "high" else 1
