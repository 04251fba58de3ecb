"""The columns of the table of trials, and the costs of networks, as axes of charts."""

from __future__ import annotations

from search.report.document import Axis
from search.tables.table import Column
from search.trials.columns import TRIALS
from space.cost.table import COSTS


def column(key: str) -> Column:
    """Return the column of trials with this key."""
    return next(column for column in TRIALS if column.key == key)


def axis(column: Column) -> Axis:
    """Return a column as an axis, logarithmic for counts that span orders of magnitude (form "si")."""
    return Axis(column.title, column.unit, column.form, log=column.form == "si")


def cost_axis(name: str) -> Axis:
    """Return a cost, by its name in the table of costs, as a logarithmic axis."""
    cost = COSTS[name]
    return Axis(cost.title, cost.unit, form="si" if cost.form == "si" else ".3g", log=True)


def name_in_a_sentence(name: str) -> str:
    """Return the title of a cost as it is written inside a sentence: "latency" in lower case, but "MACs"."""
    title = COSTS[name].title
    return title.lower() if title[1:].islower() else title
