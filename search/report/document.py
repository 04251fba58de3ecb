"""What a report consists of, before anything is drawn: sections of texts, tables, charts and networks.

A `Chart` is drawn twice: by the page's own script, and by matplotlib (`search.report.figures`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from search.report.diagram import Diagram
from search.tables.table import Column, Row

Numbers = tuple[float, ...]
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Axis:
    """form: how numbers along it are written, as of a `search.tables.table.Column`; log: a factor is a distance."""

    title: str
    unit: str = ""
    form: str = ""
    log: bool = False

    @property
    def heading(self) -> str:
        """The title with its unit, e.g. "Time (min)"."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


@dataclass(frozen=True, slots=True)
class Series:
    """Numbers that belong together in a chart. colour: its place in the palette.

    kind: a "step" is a line that holds its value until the next; a "band" reaches from `ys` to `highs`.
    labels: what is told about each point, () for nothing. faint: part of a crowd rather than a curve of its own.
    tags: short texts that figures print beside the points.
    """

    name: str
    kind: Literal["points", "line", "step", "band"]
    xs: Numbers
    ys: Numbers
    highs: Numbers = ()
    labels: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    colour: int = 0
    dashed: bool = False
    faint: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """key: names its files and its place in the page. note: how to read it, in a sentence or two."""

    key: str
    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Bars:
    """Shares, each with a name: the longest is the most. unit: of the values."""

    key: str
    title: str
    bars: tuple[tuple[str, float], ...]
    unit: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """A table that is read from top to bottom."""

    columns: Sequence[Column]
    rows: Sequence[Row]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Explorer:
    """Rows as points, on any two of their columns, and as a table to sort, filter and take along as CSV.

    axes: keys of the columns that can be an axis; x, y: of those that are to begin with. sort: the key that the
    table is sorted by, "-" before it from high to low. name: of a row, for the file and the reader. group: the key
    of the column that colours points, "" for none. front: whether what no other row beats is marked; aside: a
    group that has no part in it.
    """

    columns: Sequence[Column]
    rows: Sequence[Row]
    axes: tuple[str, ...]
    x: str
    y: str
    sort: str
    name: str = "trial"
    group: str = ""
    front: bool = True
    aside: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Texts:
    """Paragraphs."""

    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """Names and what they stand for."""

    pairs: Pairs


@dataclass(frozen=True, slots=True)
class Code:
    """Something to copy. summary: "" where it is shown at once, else the line that unfolds it."""

    text: str
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Networks:
    """Networks drawn side by side."""

    diagrams: tuple[Diagram, ...]


Block = Texts | Terms | Code | Listing | Chart | Bars | Explorer | Networks


@dataclass(frozen=True, slots=True)
class Section:
    """key: its anchor in the page."""

    key: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """summary: what a reader with no time reads, each part with what it is about.

    made: when, and of what. refresh: seconds, None for never.
    """

    title: str
    summary: Pairs
    sections: tuple[Section, ...]
    made: str
    refresh: int | None = None

    @property
    def charts(self) -> tuple[Chart | Bars, ...]:
        """All charts in it that can be drawn for print."""
        blocks = (block for section in self.sections for block in section.blocks)
        return tuple(block for block in blocks if isinstance(block, Chart | Bars))
