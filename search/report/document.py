"""The content of a report before it is rendered: cards, texts, tables, charts and networks in sections.

A `Chart` is drawn by the script of the page and by matplotlib (`search.report.figures`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from search.report.diagram import Diagram
from search.tables.table import Column, Row

Numbers = tuple[float, ...]
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis of a chart. form: the format of its numbers, as in `Column`. log: True for a logarithmic axis."""

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
    """A series of a chart. colour: the index of its colour in the palette.

    kind: a "step" is a line that keeps its value until the next point; a "band" reaches from `ys` to `highs`; "marks"
    are large points. labels: a description of each point, () for none. errors: half the length of each point's error
    bar, None for a point without an error bar. tags: short texts next to the points. faint: True to draw the series
    pale.
    """

    name: str
    kind: Literal["points", "line", "step", "band", "marks"]
    xs: Numbers
    ys: Numbers
    highs: Numbers = ()
    labels: tuple[str, ...] = ()
    errors: tuple[float | None, ...] = ()
    tags: tuple[str, ...] = ()
    colour: int = 0
    dashed: bool = False
    faint: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart. key: its name in files and in the page. note: one or two sentences that explain how to read it."""

    key: str
    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Bars:
    """A bar chart of shares. bars: the pairs (name, value). unit: the unit of the values."""

    key: str
    title: str
    bars: tuple[tuple[str, float], ...]
    unit: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """A table. note: a paragraph before it."""

    columns: Sequence[Column]
    rows: Sequence[Row]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Explorer:
    """An interactive view of rows: a scatter plot of any two columns, and a table to sort, filter and save as CSV.

    axes: keys of the columns that can be an axis. x, y: the initial axes. sort: the key of the initial order; "-"
    before it sorts from high to low. name: the noun for a row. group: the key of the column that colours points, ""
    for none. front: True to draw the Pareto front. aside: the value of the column `group` whose rows are left out of
    the front, "" for none.
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
    """A list of terms with their descriptions."""

    pairs: Pairs


@dataclass(frozen=True, slots=True)
class Code:
    """A text to copy. summary: the line that unfolds it; "" to show the text at once."""

    text: str
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Networks:
    """Diagrams of networks side by side."""

    diagrams: tuple[Diagram, ...]


Block = Texts | Terms | Code | Listing | Chart | Bars | Explorer | Networks


@dataclass(frozen=True, slots=True)
class Card:
    """A card for one of the networks that a search recommends.

    pairs: the figures of the network. note: one sentence that compares it with others.
    """

    title: str
    subtitle: str
    pairs: Pairs
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a page. key: its anchor."""

    key: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A page. made: the time and the source.

    cards, overview, advice: the first screen. summary: the paragraphs below the first screen, with their titles.
    values: the numbers behind the sentences, as `--json` prints them. refresh: the seconds after which the page
    reloads itself, None for never.
    """

    title: str
    summary: Pairs
    sections: tuple[Section, ...]
    made: str
    refresh: int | None = None
    cards: tuple[Card, ...] = ()
    overview: Chart | None = None
    advice: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def charts(self) -> tuple[Chart | Bars, ...]:
        """The charts of the page that can be drawn for print."""
        blocks = (block for section in self.sections for block in section.blocks)
        charts = (block for block in blocks if isinstance(block, Chart | Bars))
        return (*((self.overview,) if self.overview else ()), *charts)
