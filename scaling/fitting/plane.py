"""The figure of a fit: accuracy over the plane of alpha and gamma. matplotlib is imported here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scaling.fitting.layout import places as placed
from scaling.fitting.tables import candidate_rows
from search.report.figures import written
from search.tables.table import Row

if TYPE_CHECKING:
    from scaling.fitting.fit import Fitted


def draw(fitted: Fitted, out: Path) -> tuple[Path, Path]:
    """Draw every candidate at its alpha and gamma, coloured by mean accuracy. Returns the PNG and the SVG."""
    rows = [row for row in candidate_rows(fitted) if row["accuracy"] is not None]
    figure = Figure(figsize=(9, 6.2), layout="constrained")
    axes = figure.subplots()
    places = placed(rows, fitted.plan.design.step)
    alphas, gammas = zip(*places, strict=True)
    percent = [100 * row["accuracy"] for row in rows]
    points = axes.scatter(alphas, gammas, c=percent, s=420, cmap="viridis")
    figure.colorbar(points, label="mean validation accuracy, %")
    low, span = min(percent), (max(percent) - min(percent)) or 1
    for row, place, value in zip(rows, places, percent, strict=True):
        _mark(axes, row, place, (value - low) / span)
    _legend(axes)
    base, design = fitted.plan.base.name, fitted.plan.design
    axes.set(
        xlabel=r"$\alpha$, of depth",
        ylabel=r"$\gamma$, of resolution",
        title=f"{base} at phi = {design.phi:g}: {len(rows)} candidates, each with its mean of n trainings",
    )
    axes.margins(0.09)
    axes.grid(alpha=0.3)
    return written(figure, out)


def _mark(axes: Axes, row: Row, place: tuple[float, float], shade: float) -> None:
    """What stands on and beside a point; shade: of its colour, from 0, dark, to 1."""
    ring = {"winner": ("tab:red", 2.6), "tied": ("tab:red", 1.0)}.get(row["standing"])
    if ring:
        axes.scatter(*place, s=560, facecolors="none", edgecolors=ring[0], linewidths=ring[1])
    if row["published"]:
        axes.annotate("\N{BLACK STAR}", place, (0, 14), textcoords="offset points", ha="center", fontsize=12)
    ink = "black" if shade > 0.6 else "white"
    text = f"{100 * row['accuracy']:.1f}"
    axes.annotate(text, place, ha="center", va="center", fontsize=7, color=ink)
    beside = f"$\\beta$ {row['beta']:g}\nn {row['n']}"
    axes.annotate(beside, place, (13, -5), textcoords="offset points", fontsize=6.5)


def _legend(axes: Axes) -> None:
    axes.scatter([], [], s=120, facecolors="none", edgecolors="tab:red", linewidths=2.6, label="winner")
    axes.scatter([], [], s=120, facecolors="none", edgecolors="tab:red", label="cannot be told from the best")
    axes.plot([], [], "k*", ms=9, ls="", label="published triple")
    axes.legend(fontsize=8, loc="upper right")
