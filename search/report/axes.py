"""The columns of the table of trials, and the costs of networks, as axes of charts."""

from __future__ import annotations

from search.report.document import Axis
from search.tables.table import Column
from search.trials.columns import TRIALS
from space.cost.table import COSTS


def column(key: str) -> Column:
    """Return the column with this key of the table of trials."""
    return next(column for column in TRIALS if column.key == key)


def axis(column: Column) -> Axis:
    """Return the axis of a column. It is logarithmic for counts that span orders of magnitude (form "si")."""
    return Axis(column.title, column.unit, column.form, log=column.form == "si")


def cost_axis(name: str) -> Axis:
    """Return the logarithmic axis of a cost. name: its name in `space.cost.table`."""
    cost = COSTS[name]
    return Axis(cost.title, cost.unit, form="si" if cost.form == "si" else ".3g", log=True)


def name_in_a_sentence(name: str) -> str:
    """Return the title of a cost as it is written inside a sentence: "latency" in lower case, but "MACs"."""
    title = COSTS[name].title
    return title.lower() if title[1:].islower() else title
