"""Tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from search.tables.table import Column, Row
from search.tables.units import one_line


def table(rows: Iterable[Row], columns: Sequence[Column]) -> Table:
    """Return a table for the terminal, with values rounded as `Column.form` says."""
    rows = list(rows)
    result = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        text = any(isinstance(values.get(column.key), str) for values in rows)
        result.add_column(column.heading, justify="left" if text else "right", overflow="fold")
    for values in rows:
        result.add_row(*(Text(one_line(column.shown(values.get(column.key)))) for column in columns))
    return result
