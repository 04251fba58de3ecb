"""Tables as files: the same formats for every command.

Data formats (csv, json, parquet) hold exact values under stable keys. Print formats (md, latex, html) hold rounded
values under titles with units, and a legend that explains each column.

    >>> columns = [Column("macs", "MACs", description="multiply-adds for one image", form="si")]
    >>> print(render([{"macs": 385814752}], columns, "csv"), end="")
    macs
    385814752
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from search.files import deliver
from search.tables import formats
from search.tables.table import Column, Row, Table
from space.extension_points import Registry
from space.refusal import UserError, unknown_name

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
"""The output formats by name: an extension point. A binary format returns bytes."""

EXACT = ("csv", "json", "parquet")
"""The data formats, which hold exact values."""

_ENDINGS = {"markdown": "md", "tex": "latex", "htm": "html"}
"""The formats of file endings that differ from the name of their format."""


def format_of(name: str | None, out: Path | None, permitted: Iterable[str] = FORMATS) -> str:
    """Return the name of the format: `name`, or if it is None, the format for the ending of the file `out`.

    Raises `UserError` if it is not one of the `permitted` formats.
    """
    ending = out.suffix[1:].lower() if out else ""
    wanted = name or _ENDINGS.get(ending, ending)
    if wanted in permitted:
        return wanted
    if name or not out:
        raise unknown_name("format", name, permitted)
    raise UserError(f"{out}: unknown ending; add --format {'|'.join(permitted)}.")


def write(
    rows: Sequence[Row], columns: Sequence[Column], format: str, out: Path | None = None, **about: Any
) -> None:
    """Write `rows` in `format`, a key of `FORMATS`, to the file `out`, or to standard output without one.

    about: the remaining fields of `Table` (schema, version, caption). An existing file is replaced in one step.
    Raises `UserError` for an unknown format, a file that cannot be written, and a binary format on a terminal.
    """
    deliver(render(rows, columns, format, **about), out)


def render(rows: Sequence[Row], columns: Sequence[Column], format: str, **about: Any) -> str | bytes:
    """Return the content of a table in `format`: bytes for a binary format such as Parquet, else text.

    Raises `UserError` for an unknown format.
    """
    if format not in FORMATS:
        raise unknown_name("format", format, FORMATS)
    return FORMATS[format](Table(rows, columns, **about))
