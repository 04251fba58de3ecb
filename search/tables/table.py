"""Tables: columns with titles, units and formats, and rows of exact values under the columns' keys."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.tables.units import si

Row = Mapping[str, Any]
"""Values by column key. What is missing, None or not a number is an empty cell, and null in JSON."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    key: what data forms call it and where rows hold it. Stable: programs read it.
    title, unit: the heading of print forms, e.g. "Step time" and "ms". description: its line of the legend.
    form: how print forms round numbers: a format specification such as ".2f", or "si" for 386M and 1.83G.
    type: "integer", "number", "string" or "boolean", as JSON Schema calls them. Where it is not given, it is
        what `form` is for ("d" and "si": integers); "" where nothing says it.
    better: "high" or "low" where more or less of it is better, which a choice between rows can go by.
    """

    key: str
    title: str
    unit: str = ""
    description: str = ""
    form: str = ""
    type: str = ""
    better: str = ""

    def __post_init__(self) -> None:
        if self.form and not self.type:
            whole = self.form == "si" or self.form.endswith("d")
            object.__setattr__(self, "type", "integer" if whole else "number")

    @property
    def heading(self) -> str:
        """The title with its unit, e.g. "Step time (ms)"."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    def shown(self, value: object) -> str:
        """`value` as print forms show it: rounded, "-" where there is none."""
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return "-"
        if isinstance(value, bool):
            return "yes" if value else "no"
        if not self.form or isinstance(value, str):
            return str(value)
        return si(value) if self.form == "si" else format(value, self.form)


@dataclass(frozen=True, slots=True)
class Table:
    """What a format renders. schema, version: what programs know the columns by; caption: for print."""

    rows: Sequence[Row]
    columns: Sequence[Column]
    schema: str = "compound-nas.table"
    version: int = 1
    caption: str = ""

    def about(self) -> dict[str, Any]:
        """The schema, and what each column is, as data forms say it."""
        keys = ("key", "title", "unit", "type", "description")
        columns = [{key: getattr(column, key) for key in keys} for column in self.columns]
        return {"schema": self.schema, "version": self.version, "columns": columns}

    def plain(self) -> list[list[Any]]:
        """The exact values of each row: what JSON can hold."""
        return [[plain(row.get(column.key)) for column in self.columns] for row in self.rows]

    def shown(self) -> list[list[str]]:
        """The rounded values of each row."""
        return [[column.shown(row.get(column.key)) for column in self.columns] for row in self.rows]

    def numeric(self) -> list[bool]:
        """Which columns hold numbers alone, and are aligned as such."""
        values: Iterable[Sequence[Any]] = (
            zip(*self.plain(), strict=True) if self.rows else [()] * len(self.columns)
        )
        return [all(value is None or type(value) in (int, float) for value in column) for column in values]

    def legend(self) -> list[tuple[str, str]]:
        """The heading and the description of each column that has one."""
        return [(column.heading, column.description) for column in self.columns if column.description]


def schema_rows(columns: Iterable[Column]) -> list[Row]:
    """What each column is, as a table of its own with the columns `ABOUT`."""
    return [
        {
            "key": column.key,
            "type": column.type or "string",
            "unit": column.unit or None,
            "meaning": column.description or column.title.lower(),
        }
        for column in columns
    ]


ABOUT = (Column("key", "Key"), Column("type", "Type"), Column("unit", "Unit"), Column("meaning", "Meaning"))
"""Of `schema_rows`."""


def plain(value: Any) -> Any:
    """`value` as JSON has it: numpy's numbers become Python's, what isn't finite becomes None."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
