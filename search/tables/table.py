"""Tables, written the same way by every command.

Data forms (csv, json, parquet) hold exact values under stable keys; print forms (md, latex, html) hold rounded
ones under titles with units, and a legend that says what each column means.

    >>> columns = [Column("macs", "MACs", description="multiply-adds for one image", form="si")]
    >>> print(render([{"macs": 385814752}], columns, "csv"), end="")
    macs
    385814752
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search.files import deliver
from search.tables import formats
from space.refusal import UserError, unknown_name
from space.registry import Registry

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


FORMATS: Registry[Callable[[Table], str | bytes]] = Registry(
    "compound_nas.formats",
    {
        "csv": formats.csv,
        "json": formats.json,
        "parquet": formats.parquet,
        "md": formats.markdown,
        "latex": formats.latex,
        "html": formats.html,
    },
)
"""Every output format by name: the extension point. A format that isn't text returns bytes."""

EXACT = ("csv", "json", "parquet")
"""The data forms."""

_ENDINGS = {"markdown": "md", "tex": "latex", "htm": "html"}
"""Of files, where they are not the format's name."""


def format_of(name: str | None, out: Path | None, permitted: Iterable[str] = FORMATS) -> str:
    """The format that was asked for: `name`, or where there is none, what the ending of the file `out` says.

    Raises `UserError` where neither is one of the `permitted` formats.
    """
    ending = out.suffix[1:].lower() if out else ""
    wanted = name or _ENDINGS.get(ending, ending)
    if wanted in permitted:
        return wanted
    if name or not out:
        raise unknown_name("format", name, permitted)
    raise UserError(f"{out} does not say its format; add --format {'|'.join(permitted)}.")


def write(
    rows: Sequence[Row], columns: Sequence[Column], format: str, out: Path | None = None, **about: Any
) -> None:
    """Write `rows` in `format`, a key of `FORMATS`, to the file `out`, or to standard output without one.

    about: the remaining fields of `Table` (schema, version, caption). The file is replaced in one step.
    Raises `UserError` for an unknown format, for a place that cannot be written to, and for bytes on a terminal.
    """
    deliver(render(rows, columns, format, **about), out)


def render(rows: Sequence[Row], columns: Sequence[Column], format: str, **about: Any) -> str | bytes:
    """What `write` writes. Raises `UserError` for an unknown format."""
    if format not in FORMATS:
        raise unknown_name("format", format, FORMATS)
    return FORMATS[format](Table(rows, columns, **about))


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


def si(value: Any) -> str:
    """`value` with three significant digits and a metric prefix: 385814752 -> "386M", 1.5e9 -> "1.5G"."""
    exponent = 0
    number = float(f"{float(value):.3g}")
    while abs(number) >= 1000 and exponent < len(_PREFIXES) - 1:
        number, exponent = number / 1000, exponent + 1
    return f"{number:.3g}{_PREFIXES[exponent]}"


_PREFIXES = ("", "k", "M", "G", "T")


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
