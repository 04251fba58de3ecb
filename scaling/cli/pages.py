"""The page and the charts of a family of scaled networks."""

from __future__ import annotations

import time
from collections.abc import Sequence

from scaling.base import Base
from scaling.cli.curves import Curves
from scaling.model import ScaledModel
from scaling.nearest import same_kind
from scaling.rows import ALL_COLUMNS
from search.report.diagram import diagram
from search.report.document import Axis, Chart, Code, Explorer, Networks, Page, Section, Series
from search.report.palette import GREY, colour
from search.tables.selection import filled
from search.tables.table import Column, Row
from space import cost

_KIND = Column("kind", "Kind", description='the scaling rule, or "published"')
_AXES = ("params", "macs", "activations", "predicted_ms", "phi", "resolution", "blocks", "macs_growth")
_PARAMS = Axis("Trainable parameters", form="si", log=True)
_MACS = Axis("Multiply-adds for one image", form="si", log=True)
_NEAR = 4
"""Published networks are drawn if their MACs are within this factor of the range of the curves."""
_DRAWN = 4
"""The largest number of scaled networks with a diagram. Diagrams of more networks look alike."""


def family_page(
    base: Base, rows: Sequence[Row], models: Sequence[ScaledModel], curves: Curves, command: str
) -> Page:
    """Return the page of `models`, which were scaled from `base`.

    rows: the rows of the table, which may have published networks too. curves: the curves of the rules.
    command: the command line that made the page.
    """
    rows = [{**row, "kind": row.get("rule") or "published"} for row in rows]
    columns = filled(rows, (_KIND, *ALL_COLUMNS))
    # The first column gives a row its name.
    columns = tuple(sorted(columns, key=lambda column: column.key != "name"))
    axes = tuple(key for key in _AXES if key in {column.key for column in columns})
    explorer = Explorer(
        columns, rows, axes, "macs", "params", "macs", name="network", group="kind", front=False
    )
    drawn = ((base.name, base.architecture), *((model.name, model.architecture) for model in models[:_DRAWN]))
    sections = (
        Section("family", "Networks", (explorer,)),
        Section("curves", "Costs of the rules", cost_charts(base, curves)),
        Section("drawn", "Diagrams", (Networks(tuple(diagram(*network) for network in drawn)),)),
        Section("again", "Command", (Code(command),)),
    )
    made = f"made {time.strftime('%Y-%m-%d %H:%M:%S %z')}, exact costs"
    return Page(f"Scaling {base.name}", (("Networks", _summary(base, models)),), sections, made)


def cost_charts(base: Base, curves: Curves) -> tuple[Chart, Chart]:
    """Return the charts of params against MACs, and of MACs against phi, with one line for each rule."""
    return _params_against_macs(base, curves), _macs_against_phi(curves)


def _params_against_macs(base: Base, curves: Curves) -> Chart:
    lines = [
        Series(
            name,
            "line",
            tuple(float(model.cost.macs) for model in models),
            tuple(float(model.cost.params) for model in models),
            labels=tuple(f"{name}, phi = {model.phi:.2f}" for model in models),
            colour=colour(number),
            dashed=number > 5,
        )
        for number, (name, models) in enumerate(curves.items())
        if models
    ]
    macs = [model.cost.macs for models in curves.values() for model in models]
    near = range(min(macs) // _NEAR, max(macs) * _NEAR)
    published = [row for row in same_kind(base.architecture) if cost(row.architecture).macs in near]
    costs = [cost(row.architecture) for row in published]
    names = tuple(row.name for row in published)
    points = Series(
        "published",
        "points",
        tuple(float(each.macs) for each in costs),
        tuple(float(each.params) for each in costs),
        labels=names,
        tags=names,
        colour=GREY,
    )
    series = (*lines, points) if published else tuple(lines)
    return Chart("params-macs", f"Parameters against multiply-adds, from {base.name}", _MACS, _PARAMS, series)


def _macs_against_phi(curves: Curves) -> Chart:
    lines = [
        Series(
            name,
            "line",
            tuple(model.phi for model in models),
            tuple(model.macs_growth for model in models),
            colour=colour(number),
            dashed=number > 5,
        )
        for number, (name, models) in enumerate(curves.items())
        if models
    ]
    phis = tuple(sorted(model.phi for models in curves.values() for model in models))
    target = Series("2^phi", "line", phis, tuple(2**phi for phi in phis), colour=GREY, dashed=True)
    growth = Axis("Multiply-adds divided by the base's", form=".3g", log=True)
    return Chart("macs-phi", "Growth of multiply-adds", Axis("phi", form=".3g"), growth, (*lines, target))


def _summary(base: Base, models: Sequence[ScaledModel]) -> str:
    text = (
        f"This page shows {len(models)} network{'s' * (len(models) != 1)} that a formula scaled from {base.name}. "
        "Each is the result of the formula, even where it equals a published network. Nothing was trained for this "
        "page. Costs are exact."
    )
    if models:
        small, large = (pick(models, key=lambda model: model.cost.macs) for pick in (min, max))
        text += (
            f" The networks range from {small.cost.params:,} parameters and {small.cost.macs:,} multiply-adds "
            f"({small.name}) to {large.cost.params:,} and {large.cost.macs:,} ({large.name})."
        )
    return text
