"""The rows and columns of a table to show, and their order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from search.stats.pareto import front
from search.tables.table import Column, Row, plain
from space.refusal import UserError, unknown_name


def columns_of(columns: Sequence[Column], keys: str) -> tuple[Column, ...]:
    """Return the columns named in `keys`, such as "reward,accuracy", in that order.

    Raises `UserError` for an unknown name, with the nearest known one, and for a name that appears twice.
    """
    chosen = tuple(_column(columns, key) for key in _words(keys))
    for number, column in enumerate(chosen):
        if column in chosen[:number]:
            raise UserError(f"Column {column.key} is named twice.")
    return chosen


def filled(rows: Sequence[Row], columns: Sequence[Column]) -> tuple[Column, ...]:
    """Return the columns with a value in at least one row; all columns if there are no rows."""
    return tuple(
        column
        for column in columns
        if not rows or any(plain(row.get(column.key)) not in (None, "") for row in rows)
    )


def ordered(rows: Sequence[Row], columns: Sequence[Column], by: str) -> list[Row]:
    """Return the rows sorted by columns such as "-reward,number". A minus means descending order.

    Rows without a value come last in both directions. Raises `UserError` for an unknown column.
    """
    result = list(rows)
    keys = [(word.removeprefix("-"), word.startswith("-")) for word in _words(by)]
    for key, _ in keys:
        _column(columns, key)
    # Sorting is stable: the last key is applied first, so that the first key decides.
    for key, descending in reversed(keys):
        present = [row for row in result if plain(row.get(key)) is not None]
        missing = [row for row in result if plain(row.get(key)) is None]
        result = sorted(present, key=partial(_value, key), reverse=descending) + missing
    return result


def _value(key: str, row: Row) -> Any:
    return plain(row[key])


def best(rows: Sequence[Row], columns: Sequence[Column], key: str, count: int) -> list[Row]:
    """Return the `count` best rows by the column `key`, the best first, without rows that lack a value there.

    Raises `UserError` for an unknown column, and for one in which neither high nor low values are better.
    """
    sign = _sign(_column(columns, key))
    present = [row for row in rows if plain(row.get(key)) is not None]
    return sorted(present, key=lambda row: sign * plain(row[key]))[:count]


def pareto_front(rows: Sequence[Row], columns: Sequence[Column], keys: str) -> list[Row]:
    """Return the rows on the Pareto front of columns such as "accuracy,params", the best by the first column first.

    Equal rows are all in the front or all out. Rows without a value in one of the columns are left out. Raises
    `UserError` for an unknown column, and for a column in which neither high nor low values are better.
    """
    chosen = [_column(columns, key) for key in _words(keys)]
    signs = [(column.key, _sign(column)) for column in chosen]
    present = [row for row in rows if all(plain(row.get(key)) is not None for key, _ in signs)]
    points = [tuple(sign * float(plain(row[key])) for key, sign in signs) for row in present]
    return [present[index] for index in sorted(front(points), key=lambda index: points[index])]


def _words(text: str) -> list[str]:
    words = [word.strip() for word in text.split(",")]
    if not all(words):
        raise UserError(f"{text!r} lacks the name of a column; write names as in reward,accuracy.")
    return words


def _column(columns: Sequence[Column], key: str) -> Column:
    for column in columns:
        if column.key == key:
            return column
    raise unknown_name("column", key, [column.key for column in columns])


def _sign(column: Column) -> int:
    """Return 1 or -1, the factor that makes smaller values better.

    Raises `UserError` if neither high nor low values are better.
    """
    if not column.better:
        raise UserError(f"{column.key}: neither high nor low values are better, so it cannot rank rows.")
    return -1 if column.better == "high" else 1
