"""The pages of `scale`: of a family, and of a fit. Made of the same parts as those of searches."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from scaling.curves import Curves
from scaling.families import ScaledModel
from scaling.fitting.layout import places
from scaling.fitting.tables import CANDIDATES, COMPARISON, EXACT, candidate_rows, compared_rows
from scaling.nearest import kin
from scaling.rows import ALL_COLUMNS, COLUMNS
from search.report.diagram import diagram
from search.report.document import (
    Axis,
    Chart,
    Code,
    Explorer,
    Listing,
    Networks,
    Page,
    Section,
    Series,
    Texts,
)
from search.tables.selection import filled
from search.tables.table import Column, Row
from space import Architecture, cost

if TYPE_CHECKING:
    from scaling.base import Base
    from scaling.fitting.fit import Fitted

_KIND = Column("kind", "Kind", description="the rule that a network follows from, or that it is published")
_AXES = ("params", "macs", "activations", "predicted_ms", "phi", "resolution", "blocks", "macs_growth")
_PARAMS = Axis("Trainable parameters", form="si", log=True)
_MACS = Axis("Multiply-adds for one image", form="si", log=True)
_NEAR = 4
"""How many times less or more than the curves a published network may cost to be marked beside them."""
_DRAWN = 4
"""Networks of a family that are drawn: more say nothing new."""
_STANDINGS = ("winner", "tied", "worse", "dropped", "failed")
_TRADES = ("macs", "params", "accuracy", "alpha", "beta", "gamma", "blocks", "pixels", "n")


def family_page(
    base: Base, rows: Sequence[Row], models: Sequence[ScaledModel], drawn: Curves, command: str
) -> Page:
    """Networks that were scaled from `base`, and published ones among them: the `rows` of `scale`'s table.

    drawn: curves of the rules. command: what made the page.
    """
    known = [{**row, "kind": row.get("rule") or "published"} for row in rows]
    columns = filled(known, (_KIND, *ALL_COLUMNS))
    # The table is named by its first column.
    columns = tuple(sorted(columns, key=lambda column: column.key != "name"))
    axes = tuple(key for key in _AXES if key in {column.key for column in columns})
    explorer = Explorer(
        columns, known, axes, "macs", "params", "macs", name="network", group="kind", front=False
    )
    shown = [(model.name, model.architecture) for model in models[:_DRAWN]]
    sections = (
        Section("family", "The networks", (explorer,)),
        Section("curves", "What the rules cost", (params_against_macs(base, drawn), macs_against_phi(drawn))),
        Section("drawn", "Beside the base", (_networks((base.name, base.architecture), *shown),)),
        Section("again", "How to repeat it", (Code(command),)),
    )
    return Page(
        f"Scaling {base.name}",
        (("The networks", _family_told(base, models)),),
        sections,
        _made("exact costs"),
    )


def params_against_macs(base: Base, drawn: Curves) -> Chart:
    """The curves of the rules, and the published networks of the base's kind."""
    lines = [
        Series(
            name,
            "line",
            tuple(float(model.cost.macs) for model in models),
            tuple(float(model.cost.params) for model in models),
            labels=tuple(f"{name}, phi = {model.phi:.2f}" for model in models),
            colour=number % 6,
            dashed=number > 5,
        )
        for number, (name, models) in enumerate(drawn.items())
        if models
    ]
    macs = [model.cost.macs for models in drawn.values() for model in models]
    near = range(min(macs) // _NEAR, max(macs) * _NEAR)
    marked = [row for row in kin(base.architecture) if cost(row.architecture).macs in near]
    spent = [cost(row.architecture) for row in marked]
    points = Series(
        "published",
        "points",
        tuple(float(found.macs) for found in spent),
        tuple(float(found.params) for found in spent),
        labels=tuple(row.name for row in marked),
        colour=6,
    )
    series = (*lines, points) if marked else tuple(lines)
    return Chart("params-macs", f"Parameters against multiply-adds, from {base.name}", _MACS, _PARAMS, series)


def macs_against_phi(drawn: Curves) -> Chart:
    """How much multiply-adds really grow, beside the 2^phi that they are meant to."""
    lines = [
        Series(
            name,
            "line",
            tuple(model.phi for model in models),
            tuple(model.macs_growth for model in models),
            colour=number % 6,
            dashed=number > 5,
        )
        for number, (name, models) in enumerate(drawn.items())
        if models
    ]
    phis = tuple(sorted(model.phi for models in drawn.values() for model in models))
    meant = Series("2^phi", "line", phis, tuple(2**phi for phi in phis), colour=6, dashed=True)
    growth = Axis("Multiply-adds over the base's", form=".3g", log=True)
    return Chart("macs-phi", "Growth of multiply-adds", Axis("phi", form=".3g"), growth, (*lines, meant))


def fit_page(fitted: Fitted, family: Sequence[Row], coefficients: str) -> Page:
    """A finished fit. family: the rows of the two families; coefficients: the file that `scale` reads."""
    from scaling.fitting.results import counts, verdict

    plan, winner = fitted.plan, fitted.winner.model
    rows = candidate_rows(fitted)
    columns = filled(rows, (*CANDIDATES, EXACT[-1]))
    axes = tuple(key for key in _TRADES if key in {column.key for column in columns})
    explorer = Explorer(
        columns, rows, axes, "macs", "accuracy", "-accuracy", name="candidate", group="standing", front=False
    )
    sections = [
        Section("plane", "The plane of coefficients", (plane(rows, plan.design.step),)),
        Section("candidates", "All candidates", (explorer,)),
        Section("family", "The families that they make", (Listing(_family_columns(family), family),)),
        _drawn(fitted),
        Section("again", "What to use", (Code(coefficients), Texts((_use(fitted),)))),
    ]
    if fitted.rivals:
        sections.insert(1, _compared(fitted))
    data = plan.config.data.source
    found = f"{counts(plan.grid.counts)}. {' '.join(verdict(fitted))}"
    how = (
        f"Base {plan.base.name} at phi = {plan.design.phi:g}, rule {plan.design.rule}; the winner is {winner.name} "
        f"with {fitted.coefficients}. Data: {data}, about {plan.images:,} images to train on and "
        f"{plan.validated:,} to select by; {plan.config.proxy.epochs} epochs. {len(fitted.trials)} trainings."
    )
    told = (("Verdict", found), ("How", how))
    return Page(f"Fit {fitted.path.name}", told, tuple(sections), _made(str(fitted.path)))


def plane(rows: Sequence[Row], step: float) -> Chart:
    """Every trained candidate at its alpha and gamma, side by side where they differ in beta alone."""
    there = [row for row in rows if row["accuracy"] is not None]
    stands = list(zip(there, places(there, step), strict=True))
    series = []
    for colour, standing in enumerate(_STANDINGS):
        found = [(row, place) for row, place in stands if row["standing"] == standing]
        if found:
            series.append(
                Series(
                    standing,
                    "points",
                    tuple(place[0] for _, place in found),
                    tuple(place[1] for _, place in found),
                    labels=tuple(_candidate(row) for row, _ in found),
                    colour=(1, 4, 0, 6, 3)[colour],
                )
            )
    return Chart(
        "plane",
        "Candidates over alpha and gamma",
        Axis("alpha, of depth", form=".3g"),
        Axis("gamma, of resolution", form=".3g"),
        tuple(series),
        "Candidates that differ in beta alone stand side by side. tied: cannot be told from the best; dropped: "
        "trained with fewer seeds, being behind.",
    )


def _candidate(row: Row) -> str:
    half = "" if row.get("accuracy_half") is None else f" +- {row['accuracy_half']:.4f}"
    published = ", the published triple" if row["published"] else ""
    return f"beta {row['beta']:g}: accuracy {row['accuracy']:.4f}{half}, n = {row['n']}{published}"


def _compared(fitted: Fitted) -> Section:
    note = "The winner beside the base scaled along one dimension alone, at equal real multiply-adds."
    return Section(
        "compared", "Against one dimension alone", (Listing(COMPARISON, compared_rows(fitted), note),)
    )


def _drawn(fitted: Fitted) -> Section:
    base, winner = fitted.plan.fitted, fitted.winner.model
    networks = _networks(
        (f"Base: {base.name}", base.architecture), (f"Winner: {winner.name}", winner.architecture)
    )
    return Section("drawn", "The winner beside the base", (networks,))


def _family_columns(family: Sequence[Row]) -> tuple[Column, ...]:
    whose = Column("whose", "Coefficients", description="fitted here, or those the rule comes with")
    return filled(family, (whose, *COLUMNS))


def _use(fitted: Fitted) -> str:
    return (
        f"scale --base ... --coefficients {fitted.path / 'coefficients.yaml'} --family 1..4 uses them; they hold for "
        "this base and were found on these data."
    )


def _networks(*named: tuple[str, Architecture]) -> Networks:
    return Networks(tuple(diagram(name, architecture) for name, architecture in named))


def _family_told(base: Base, models: Sequence[ScaledModel]) -> str:
    told = (
        f"{len(models)} network{'s' * (len(models) != 1)} that formulas make of {base.name}; none of them is a "
        "published one, and none is trained here. Costs are exact."
    )
    if models:
        small, large = (fit(models, key=lambda model: model.cost.macs) for fit in (min, max))
        told += (
            f" From {small.cost.params:,} parameters and {small.cost.macs:,} multiply-adds ({small.name}) to "
            f"{large.cost.params:,} and {large.cost.macs:,} ({large.name})."
        )
    return told


def _made(of: str) -> str:
    return f"made {time.strftime('%Y-%m-%d %H:%M:%S %z')}, {of}"
