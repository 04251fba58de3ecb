"""Tables: columns with titles, units and formats, and rows of exact values under the columns' keys."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from json import dumps
from typing import TYPE_CHECKING, Any

from search.tables.units import si
from space.refusal import UserError

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, Any]
"""Values by column key. A value that is missing, None or nan is null in JSON, "-" in print formats, and an empty cell
in CSV."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    key: its name in data formats and in rows. It must not change, since programs read it.
    title, unit: its heading in print formats, e.g. "Step time" and "ms". description: its line of the legend.
    form: how print formats round numbers: a format specification such as ".2f", or "si" for 386M and 1.83G.
    type: "integer", "number", "string" or "boolean", as in JSON Schema. By default "integer" for the forms "d"
        and "si", "number" for others, and "" without a form.
    better: "high" if higher values are better, "low" if lower values are, else "".
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
        """Return `value` as print formats show it: rounded, "yes" or "no" for a bool, "-" for None and nan."""
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return "-"
        if isinstance(value, bool):
            return "yes" if value else "no"
        if not self.form or isinstance(value, str):
            return str(value)
        return si(value) if self.form == "si" else format(value, self.form)


@dataclass(frozen=True, slots=True, repr=False)
class Table:
    """A table, which notebooks show with rounded values.

    schema, version: the name and the version of the columns, for programs. caption: the title in print formats.

    >>> table = Table([{"macs": 385814752}], [Column("macs", "MACs", form="si")])
    >>> table.to_dataframe()["macs"].tolist()
    [385814752]
    """

    rows: Sequence[Row]
    columns: Sequence[Column]
    schema: str = "compound-nas.table"
    version: int = 1
    caption: str = ""

    def to_dataframe(self) -> pd.DataFrame:
        """Return a pandas DataFrame of exact values, with a column for each key.

        The types are the nullable Int64, float64, boolean and string. Missing values are NA, and NaN in float64.
        Raises `UserError` for an integer of more than 64 bits.
        """
        import pandas as pd

        values = list(zip(*self.plain(), strict=True)) or [()] * len(self.columns)
        return pd.DataFrame(
            {c.key: _series(c, list(cells)) for c, cells in zip(self.columns, values, strict=True)}
        )

    def __repr__(self) -> str:
        return (
            f"<Table of {len(self.rows)} rows and {len(self.columns)} columns: {self.caption or self.schema}>"
        )

    def _repr_html_(self) -> str:
        """Return the `<table>` element with rounded values, for notebooks."""
        from search.tables.html import element

        return element(self.columns, self.shown(), self.numeric(), self.caption or self.schema)

    def about(self) -> dict[str, Any]:
        """Return the name and version of the schema, and its columns with descriptions, for JSON and the like."""
        keys = ("key", "title", "unit", "type", "description")
        columns = [{key: getattr(column, key) for key in keys} for column in self.columns]
        return {"schema": self.schema, "version": self.version, "columns": columns}

    def plain(self) -> list[list[Any]]:
        """Return the exact values of each row, as JSON can hold them."""
        return [[plain(row.get(column.key)) for column in self.columns] for row in self.rows]

    def shown(self) -> list[list[str]]:
        """Return the rounded values of each row, as print formats show them."""
        return [[column.shown(row.get(column.key)) for column in self.columns] for row in self.rows]

    def numeric(self) -> list[bool]:
        """Return a flag for each column: True, to align it right, if it has only numbers and missing values."""
        values: Iterable[Sequence[Any]] = (
            zip(*self.plain(), strict=True) if self.rows else [()] * len(self.columns)
        )
        return [all(value is None or type(value) in (int, float) for value in column) for column in values]

    def legend(self) -> list[tuple[str, str]]:
        """Return the heading and the description of each column that has a description."""
        return [(column.heading, column.description) for column in self.columns if column.description]


def schema_rows(columns: Iterable[Column]) -> list[Row]:
    """Return the descriptions of `columns` as rows of a table with the columns `ABOUT`."""
    return [
        {
            "key": column.key,
            "type": column.type or "string",
            "unit": column.unit or None,
            "meaning": column.description or column.title.lower(),
        }
        for column in columns
    ]


def _series(column: Column, values: list[Any]) -> pd.Series[Any]:
    """Return the values of a column as a pandas series of a nullable type."""
    import pandas as pd

    kind = column.type or _type(values)
    if kind == "string":
        values = [value if value is None or isinstance(value, str) else dumps(value) for value in values]
    try:
        return pd.Series(values, dtype=_DTYPES[kind])
    except OverflowError:
        raise UserError(
            f"{column.key} has an integer of more than 64 bits, which parquet cannot hold; csv and json can."
        ) from None


_DTYPES = {"integer": "Int64", "number": "float64", "boolean": "boolean", "string": "string"}


def _type(values: list[Any]) -> str:
    """Return the type of a column whose `Column` has none, by its values."""
    present = {type(value) for value in values if value is not None}
    for name, types in (("boolean", {bool}), ("integer", {int}), ("number", {int, float})):
        if present and present <= types:
            return name
    return "string"


ABOUT = (Column("key", "Key"), Column("type", "Type"), Column("unit", "Unit"), Column("meaning", "Meaning"))
"""The columns of `schema_rows`."""


def plain(value: Any) -> Any:
    """Return `value` as JSON can hold it, also inside mappings and lists.

    numpy's numbers become Python's, nan and infinity become None, and values of other types become text.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
