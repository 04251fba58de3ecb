"""Tables, written the same way by every command.

Data forms (csv, json) hold exact values under stable keys; print forms (md, latex) hold rounded ones under
titles with units, and a legend that says what each column means.

    >>> columns = [Column("macs", "MACs", description="multiply-adds for one image", form="si")]
    >>> print(render([{"macs": 385814752}], columns, "csv"), end="")
    macs
    385814752
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search.files import write_file
from space.refusal import Refused, unknown
from space.registry import Registry

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, Any]
"""Values by column key. What is missing, None or not a number is an empty cell, and null in JSON."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    key: what data forms call it and where rows hold it. Stable: programs read it.
    title, unit: the heading of print forms, e.g. "Step time" and "ms". description: its line of the legend.
    form: how print forms round numbers: a format specification such as ".2f", or "si" for 386M and 1.83G.
    """

    key: str
    title: str
    unit: str = ""
    description: str = ""
    form: str = ""

    @property
    def heading(self) -> str:
        """The title with its unit, e.g. "Step time (ms)"."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    def shown(self, value: object) -> str:
        """`value` as print forms show it: rounded, "-" where there is none."""
        if _absent(value):
            return "-"
        if isinstance(value, bool):
            return "yes" if value else "no"
        if not self.form or isinstance(value, str):
            return str(value)
        return si(value) if self.form == "si" else format(value, self.form)


@dataclass(frozen=True, slots=True)
class Table:
    """What a format renders. schema, version: what JSON readers know the columns by; caption: for print."""

    rows: Sequence[Row]
    columns: Sequence[Column]
    schema: str = "compound-nas.table"
    version: int = 1
    caption: str = ""


def write(
    rows: Sequence[Row], columns: Sequence[Column], format: str, out: Path | None = None, **about: Any
) -> None:
    """Write `rows` in `format`, a key of `FORMATS`, to the file `out`, or to standard output without one.

    about: the remaining fields of `Table` (schema, version, caption). The file is replaced in one step.
    Raises `Refused` for an unknown format and for a place that cannot be written to.
    """
    content = render(rows, columns, format, **about)
    if out is not None:
        return write_file(out, content)
    try:
        if isinstance(content, str):
            sys.stdout.write(content)
        else:
            sys.stdout.buffer.write(content)
        sys.stdout.flush()
    except BrokenPipeError:
        raise  # The reader (`| head`) has seen enough; that is no refusal.
    except OSError as error:
        raise Refused(f"Cannot write to standard output: {error.strerror}.") from None


def render(rows: Sequence[Row], columns: Sequence[Column], format: str, **about: Any) -> str | bytes:
    """What `write` writes. Raises `Refused` for an unknown format."""
    if format not in FORMATS:
        raise unknown("format", format, FORMATS)
    return FORMATS[format](Table(rows, columns, **about))


def si(value: Any) -> str:
    """`value` with three significant digits and a metric prefix: 385814752 -> "386M", 1.5e9 -> "1.5G"."""
    exponent = 0
    number = float(f"{float(value):.3g}")
    while abs(number) >= 1000 and exponent < len(_PREFIXES) - 1:
        number, exponent = number / 1000, exponent + 1
    return f"{number:.3g}{_PREFIXES[exponent]}"


_PREFIXES = ("", "k", "M", "G", "T")


def _csv(table: Table) -> str:
    cells = [[_cell(row.get(column.key)) for column in table.columns] for row in table.rows]
    return str(_frame(cells, [column.key for column in table.columns]).to_csv(index=False))


def _json(table: Table) -> str:
    columns = [
        {"key": c.key, "title": c.title, "unit": c.unit, "description": c.description} for c in table.columns
    ]
    rows = [{c.key: _plain(row.get(c.key)) for c in table.columns} for row in table.rows]
    document = {"schema": table.schema, "version": table.version, "columns": columns, "rows": rows}
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def _markdown(table: Table) -> str:
    cells = [[text.replace("|", "\\|") for text in row] for row in _shown(table)]
    frame = _frame(cells, [column.heading for column in table.columns])
    align = ["right" if numeric else "left" for numeric in _numeric(table)]
    # disable_numparse: the cells are rounded already.
    text = frame.to_markdown(index=False, disable_numparse=True, colalign=align if cells else None)
    legend = "\n".join(f"- {line}" for line in _legend(table))
    return "\n\n".join(filter(None, (table.caption, str(text), legend))) + "\n"


def _latex(table: Table) -> str:
    frame = _frame(_shown(table), [column.heading for column in table.columns])
    align = "".join("r" if numeric else "l" for numeric in _numeric(table))
    parts = ["% needs \\usepackage{booktabs}"]
    parts += [_escaped(table.caption) + "\\par"] if table.caption else []
    parts += [str(frame.to_latex(index=False, escape=True, column_format=align)).rstrip()]
    legend = "\\\\\n".join(map(_escaped, _legend(table)))
    parts += [f"\\par\\smallskip{{\\footnotesize\n{legend}\\par}}"] if legend else []
    return "\n".join(parts) + "\n"


FORMATS: Registry[Callable[[Table], str | bytes]] = Registry(
    "compound_nas.formats", {"csv": _csv, "json": _json, "md": _markdown, "latex": _latex}
)
"""Every output format by name: the extension point. A format that isn't text returns bytes."""


def _frame(cells: list[list[Any]], header: list[str]) -> pd.DataFrame:
    import pandas as pd

    # dtype object: a gap must not turn a column of exact integers into floats.
    return pd.DataFrame(cells, columns=pd.Index(header, dtype=object), dtype=object)


def _shown(table: Table) -> list[list[str]]:
    return [[column.shown(row.get(column.key)) for column in table.columns] for row in table.rows]


def _numeric(table: Table) -> list[bool]:
    def numeric(column: Column) -> bool:
        values = [_plain(row.get(column.key)) for row in table.rows]
        return all(value is None or type(value) in (int, float) for value in values)

    return list(map(numeric, table.columns))


def _legend(table: Table) -> list[str]:
    return [f"{column.heading}: {column.description}" for column in table.columns if column.description]


def _absent(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _plain(value: Any) -> Any:
    """`value` as JSON has it: numpy's numbers become Python's, what isn't finite becomes None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def _cell(value: Any) -> Any:
    plain = _plain(value)
    return json.dumps(plain) if isinstance(plain, (dict, list)) else plain


_LATEX = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
}


def _escaped(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)
