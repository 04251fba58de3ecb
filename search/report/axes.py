"""The columns of the table of trials as axes of charts."""

from __future__ import annotations

from search.report.document import Axis
from search.tables.table import Column
from search.trials.columns import TRIALS


def column(key: str) -> Column:
    """Return the column of trials with this key."""
    return next(column for column in TRIALS if column.key == key)


def axis(column: Column) -> Axis:
    """Return a column as an axis, logarithmic for costs, which span orders of magnitude (form "si")."""
    return Axis(column.title, column.unit, column.form, log=column.form == "si")
