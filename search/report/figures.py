"""Charts for print, as PNG and SVG, by matplotlib. Import this module only to draw."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from search.files import write_file
from search.report.document import Axis, Bars, Chart, Series
from search.report.palette import PALETTE
from search.tables.units import si

_WIDTH, _HEIGHT = 6.4, 4.0
"""The size of a figure in inches."""


def draw(chart: Chart | Bars, out: Path) -> tuple[Path, Path]:
    """Draw a chart into `out` with the endings .png and .svg, and return both paths.

    Raises `UserError` if that fails.
    """
    return written(figure(chart), out)


class ChartFigure(Figure):
    """A matplotlib figure that notebooks show without `%matplotlib inline`."""

    def _repr_png_(self) -> bytes:
        content = io.BytesIO()
        self.savefig(content, format="png", dpi=100, metadata={"Software": None})
        return content.getvalue()


def figure(chart: Chart | Bars) -> Figure:
    """Return a chart as a matplotlib figure, which notebooks show and `savefig` writes."""
    return _bars(chart) if isinstance(chart, Bars) else _chart(chart)


def draw_panels(charts: Sequence[Chart], out: Path) -> tuple[Path, Path]:
    """Draw charts of the same series side by side into `out` with the endings .png and .svg, and return both paths.

    Raises `UserError` if that fails.
    """
    figure = Figure(figsize=(_WIDTH * 0.72 * len(charts), _HEIGHT), layout="constrained")
    panels = figure.subplots(1, len(charts), sharey=True, squeeze=False)[0]
    for number, (chart, axes) in enumerate(zip(charts, panels, strict=True)):
        _fill(axes, chart, labelled=number == 0)
        if number:
            axes.set_ylabel("")
    figure.legend(fontsize=8, loc="outside lower center", ncols=5, frameon=False)
    return written(figure, out)


def written(figure: Figure, out: Path) -> tuple[Path, Path]:
    """Write `figure` to `out` with the endings .png and .svg, and return both paths.

    Raises `UserError` if that fails.
    """
    stem = out.with_suffix("") if out.suffix in (".png", ".svg") else out
    paths = []
    # With a fixed salt and no date, equal figures are equal files.
    with rc_context({"svg.hashsalt": "compound-nas"}):
        for ending, metadata in ((".png", {}), (".svg", {"Date": None})):
            content = io.BytesIO()
            figure.savefig(content, format=ending[1:], dpi=160, metadata=metadata)
            paths.append(stem.with_name(stem.name + ending))
            write_file(paths[-1], content.getvalue())
    return paths[0], paths[1]


def _chart(chart: Chart) -> Figure:
    figure = ChartFigure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
    if _fill(figure.subplots(), chart) > 1:
        figure.legend(fontsize=8, loc="outside lower center", ncols=3, frameon=False)
    return figure


def _fill(axes: Axes, chart: Chart, labelled: bool = True) -> int:
    """Draw a chart into `axes`, and return the number of its named series. labelled: False for no legend."""
    named: set[str] = set()
    for series in chart.series:
        _draw(axes, series, series.name if labelled and series.name not in named else "_")
        named.add(series.name)
    _axis(axes, "x", chart.x)
    _axis(axes, "y", chart.y)
    axes.set_title(chart.title, fontsize=11)
    axes.grid(alpha=0.3)
    return len(named)


def _draw(axes: Axes, series: Series, label: str) -> None:
    """Draw a series. label: "_" leaves it out of the legend."""
    colour, alpha = PALETTE[series.colour], 0.45 if series.faint else 1.0
    look: dict[str, Any] = {
        "color": colour,
        "alpha": alpha,
        "label": label,
        "rasterized": len(series.xs) > 2000,
    }
    if series.kind in ("points", "marks"):
        axes.plot(series.xs, series.ys, "o", ms=4 if series.kind == "points" else 8, mew=0, **look)
        halves = [half or 0.0 for half in series.errors]
        if any(halves):
            axes.errorbar(series.xs, series.ys, halves, fmt="none", color=colour, lw=1)
        for x, y, tag in zip(series.xs, series.ys, series.tags, strict=False):
            axes.annotate(tag, (x, y), (3, 3), textcoords="offset points", fontsize=6.5, color=colour)
    elif series.kind == "band":
        axes.fill_between(series.xs, series.ys, series.highs, color=colour, alpha=0.2, lw=0, label=label)
    else:
        style = "steps-post" if series.kind == "step" else "default"
        width = 0.8 if series.faint else 1.6
        axes.plot(series.xs, series.ys, ls="--" if series.dashed else "-", lw=width, drawstyle=style, **look)


def _axis(axes: Axes, which: str, axis: Axis) -> None:
    place = axes.xaxis if which == "x" else axes.yaxis
    axes.set(**{f"{which}label": axis.heading, **({f"{which}scale": "log"} if axis.log else {})})
    if axis.log:
        low, high = place.get_view_interval()
        # An axis shorter than a decade can lack most or all ticks of 1, 2 and 5.
        place.set_major_locator(LogLocator(subs=(1, 2, 5)) if high > 10 * low else MaxNLocator(5))
        place.set_minor_formatter(NullFormatter())
        place.set_major_formatter(FuncFormatter(lambda value, position: f"{value:g}"))
    if axis.form == "si":
        place.set_major_formatter(FuncFormatter(lambda value, position: si(value)))
    elif axis.form.endswith("d") and not axis.log:
        place.set_major_locator(MaxNLocator(integer=True))


def _bars(chart: Bars) -> Figure:
    figure = ChartFigure(figsize=(_WIDTH, 1.0 + 0.24 * len(chart.bars)), layout="constrained")
    axes = figure.subplots()
    names, shares = zip(*reversed(chart.bars), strict=True)
    axes.barh(names, [100 * share for share in shares], color=PALETTE[0])
    axes.set_xlabel(f"{chart.unit} (%)")
    axes.set_title(chart.title, fontsize=11)
    axes.grid(axis="x", alpha=0.3)
    axes.tick_params(axis="y", labelsize=8)
    return figure
