"""The page of a fit, and the chart of its candidates."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence

from scaling.fitting.plan import Fitted
from scaling.fitting.summary import counts_sentence, verdict_sentences
from scaling.fitting.tables import CANDIDATES, COMPARISON, EXACT, candidate_rows, compared_rows
from scaling.rows import COLUMNS
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

_STANDINGS = {"winner": 1, "tied": 4, "worse": 0, "dropped": 6, "failed": 3}
"""The values of the column "standing" in the order of the legend, each with its colour in the palette."""
_AXES = ("macs", "params", "accuracy", "alpha", "beta", "gamma", "blocks", "pixels", "n")
_SHIFT = 0.36
"""The distance between candidates that differ only in beta, as a share of the step of the grid."""


def fit_page(fitted: Fitted, family: Sequence[Row], coefficients: str) -> Page:
    """Return the page of a finished fit.

    family: the rows of `scaling.fitting.results.family_rows`. coefficients: the text of the coefficients file.
    """
    rows = candidate_rows(fitted)
    columns = filled(rows, (*CANDIDATES, EXACT[-1]))
    axes = tuple(key for key in _AXES if key in {column.key for column in columns})
    explorer = Explorer(
        columns, rows, axes, "macs", "accuracy", "-accuracy", name="candidate", group="standing", front=False
    )
    sections = [
        Section("plane", "Candidates over alpha and gamma", (plane(rows, fitted.plan.design.step),)),
        Section("candidates", "All candidates", (explorer,)),
        Section("family", "The two families", (Listing(_family_columns(family), family),)),
        _diagrams(fitted),
        Section("again", "Use the result", (Code(coefficients), Texts((_usage(fitted),)))),
    ]
    if fitted.baselines:
        sections.insert(1, _comparison(fitted))
    return Page(f"Fit {fitted.path.name}", _summary(fitted), tuple(sections), _origin(fitted))


def plane(rows: Sequence[Row], step: float) -> Chart:
    """Return the chart of all trained candidates over alpha and gamma. step: the step of the grid."""
    trained = [row for row in rows if row["accuracy"] is not None]
    positions = list(zip(trained, _positions(trained, step), strict=True))
    series = [
        Series(
            standing,
            "points",
            tuple(x for _, (x, _) in points),
            tuple(y for _, (_, y) in points),
            labels=tuple(_label(row) for row, _ in points),
            tags=tuple(f"{100 * row['accuracy']:.1f}{'*' * row['published']}" for row, _ in points),
            colour=colour,
        )
        for standing, colour in _STANDINGS.items()
        if (points := [(row, position) for row, position in positions if row["standing"] == standing])
    ]
    return Chart(
        "plane",
        "Candidates over alpha and gamma, with accuracy in %",
        Axis("alpha (depth)", form=".3g"),
        Axis("gamma (resolution)", form=".3g"),
        tuple(series),
        "Candidates that differ only in beta are drawn side by side, with beta rising to the right. tied: not "
        "significantly worse than the best. worse: significantly worse; with one seed, less accurate. dropped: "
        "trained with fewer seeds than the finalists. *: the rule's own triple.",
    )


def _positions(rows: Sequence[Row], step: float) -> list[tuple[float, float]]:
    """Return the (x, y) of each row: its alpha and gamma. Rows that share both are spread along x by their beta."""
    betas: dict[tuple[float, float], list[float]] = defaultdict(list)
    for row in rows:
        betas[row["alpha"], row["gamma"]].append(row["beta"])
    positions = []
    for row in rows:
        neighbours = sorted(betas[row["alpha"], row["gamma"]])
        shift = (neighbours.index(row["beta"]) - (len(neighbours) - 1) / 2) * _SHIFT * step
        positions.append((row["alpha"] + shift, row["gamma"]))
    return positions


def _label(row: Row) -> str:
    half = "" if row.get("accuracy_half") is None else f" +- {row['accuracy_half']:.4f}"
    published = ", the published triple" if row["published"] else ""
    return f"beta {row['beta']:g}: accuracy {row['accuracy']:.4f}{half}, n = {row['n']}{published}"


def _summary(fitted: Fitted) -> tuple[tuple[str, str], ...]:
    plan = fitted.plan
    verdict = f"{counts_sentence(plan.grid.counts)} {' '.join(verdict_sentences(fitted))}"
    method = (
        f"The rule {plan.design.rule} scaled the base {plan.base.name} to phi = {plan.design.phi:g}. The winner is "
        f"{fitted.winner.model.name} with {fitted.coefficients}. The data are {plan.config.data.source}: "
        f"{plan.images:,} training images and {plan.validation_images:,} validation images. There were "
        f"{len(fitted.trials)} trainings of {plan.config.proxy.epochs} epochs."
    )
    return ("Result", verdict), ("Method", method)


def _comparison(fitted: Fitted) -> Section:
    note = "The winner, the base, and the base scaled along one dimension only to about the winner's multiply-adds."
    table = Listing(COMPARISON, compared_rows(fitted), note)
    return Section("compared", "Compared with one dimension only", (table,))


def _diagrams(fitted: Fitted) -> Section:
    base, winner = fitted.plan.adapted_base, fitted.winner.model
    diagrams = (
        diagram(f"Base: {base.name}", base.architecture),
        diagram(f"Winner: {winner.name}", winner.architecture),
    )
    return Section("drawn", "The base and the winner", (Networks(diagrams),))


def _family_columns(family: Sequence[Row]) -> tuple[Column, ...]:
    whose = Column("whose", "Coefficients", description="fitted here, or the rule's own")
    return filled(family, (whose, *COLUMNS))


def _usage(fitted: Fitted) -> str:
    return (
        f"To scale with the coefficients: scale --base ... --coefficients {fitted.path / 'coefficients.yaml'} "
        "--family 1..4. They were fitted for this base and on these data."
    )


def _origin(fitted: Fitted) -> str:
    return f"made {time.strftime('%Y-%m-%d %H:%M:%S %z')}, {fitted.path}"
