"""Figures of what scaling costs. matplotlib is imported here, and this module where a figure is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scaling.base import Base
from scaling.curves import Curves, curves
from scaling.nearest import kin
from search.report.figures import written
from space import cost


def cost_curves(
    base: Base, phis: Sequence[float], ways: Sequence[Mapping[str, Any]], out: Path
) -> tuple[Path, Path]:
    """Draw params against MACs, and MACs against phi, over the range of `phis`: one line for each of `ways`.

    ways: keyword arguments of `scale`, a rule and maybe a rounding. Published networks of the base's kind
    are marked by name. Returns the two files that are written: `out` with the endings .png and .svg.
    Raises `UserError` if no rule has a phi in that range, or a file cannot be written.
    """
    drawn = curves(base, phis, ways)
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    _params_against_macs(left, base, drawn)
    _macs_against_phi(right, drawn)
    figure.suptitle(f"Scaling {base.name}: what it costs")
    return written(figure, out)


def _params_against_macs(axes: Axes, base: Base, drawn: Curves) -> None:
    for name, models in drawn.items():
        if models:
            axes.plot([m.cost.macs for m in models], [m.cost.params for m in models], label=name, lw=1.4)
    marked = sorted(kin(base.architecture), key=lambda row: cost(row.architecture).macs)
    for number, row in enumerate(marked):
        spent = cost(row.architecture)
        axes.plot(spent.macs, spent.params, "k*", ms=7)
        # Alternately above and below, since B3 as Google published it twice is two near points.
        place = (4, -9) if number % 2 else (-4, 7)
        axes.annotate(row.name, (spent.macs, spent.params), place, textcoords="offset points", fontsize=7)
    axes.plot([], [], "k*", label="published")
    axes.set(xscale="log", yscale="log", xlabel="multiply-adds for one image", ylabel="trainable parameters")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)


def _macs_against_phi(axes: Axes, drawn: Curves) -> None:
    for name, models in drawn.items():
        if models:
            axes.plot([m.phi for m in models], [m.macs_growth for m in models], label=name, lw=1.4)
    phis = sorted(model.phi for models in drawn.values() for model in models)
    axes.plot(phis, [2**phi for phi in phis], "k--", lw=1, label="2^phi")
    axes.set(yscale="log", xlabel="phi", ylabel="multiply-adds over the base's")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
