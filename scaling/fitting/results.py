"""What a fit leaves in its run's folder: coefficients, tables and a figure.

coefficients.yaml       what `scale --coefficients` reads
candidates.csv, .md     every candidate with its accuracies
family.csv, .md         what the winner's triple and the rule's own make of the base, phi after phi
comparison.csv, .md     the winner beside the base and its rivals, where that was asked for
plane.png, .svg         accuracy over alpha and gamma
fit.html                all of it as one page
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from scaling.compound import SCHEMA, Coefficients
from scaling.families import family
from scaling.fitting.tables import CANDIDATES, COMPARISON, EXACT, candidate_rows, compared_rows
from scaling.rows import ALL_COLUMNS, COLUMNS, model_row
from search.files import write_file
from search.stats.paired import CONFIDENCE, Estimate
from search.tables.table import Column, Row
from search.tables.writing import write as write_table

if TYPE_CHECKING:
    from scaling.fitting.fit import Fitted

COEFFICIENTS, PAGE = "coefficients.yaml", "fit.html"
PHIS = (1, 2, 3, 4)
"""Of the two families that are set side by side."""
_COMPARED = "The winner beside the base scaled along one dimension alone, at equal real multiply-adds."
_FAMILY = "Two families of one base. All rows are a formula's results, none is a published network."
_WHOSE = Column("whose", "Coefficients", description="fitted here, or those the rule comes with")


def write(fitted: Fitted) -> tuple[Path, ...]:
    """Write all of it into the run's folder, replacing what is there. Raises `UserError` where it cannot."""
    from scaling.cli.pages import fit_page
    from scaling.fitting.plane import draw
    from search.report.render import html

    path, coefficients, rows = fitted.path, coefficients_text(fitted), family_rows(fitted)
    write_file(path / COEFFICIENTS, coefficients)
    write_file(path / PAGE, html(fit_page(fitted, rows, coefficients)))
    written = [path / COEFFICIENTS, path / PAGE]
    written += _table(path / "candidates", candidate_rows(fitted), CANDIDATES, EXACT, caption(fitted))
    if fitted.rivals:
        written += _table(path / "comparison", compared_rows(fitted), COMPARISON, EXACT, _COMPARED)
    exact = ALL_COLUMNS[len(COLUMNS) :]
    written += _table(path / "family", rows, (_WHOSE, *COLUMNS), exact, _FAMILY)
    return (*written, *draw(fitted, path / "plane"))


def coefficients_text(fitted: Fitted) -> str:
    """The coefficients file: the winner's triple, what it belongs to, and how it was found."""
    plan, design, winner = fitted.plan, fitted.plan.design, fitted.winner
    mean = winner_accuracy(fitted)
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "base": str(plan.base.architecture),
        "base_digest": plan.base.architecture.digest,
        "rule": design.rule,
        "rounding": asdict(design.policy),
        "phi": design.phi,
        **asdict(winner.coefficients),
        "accuracy": round(mean.mean, 6),
        "interval": None if mean.half is None else [round(mean.mean + s * mean.half, 6) for s in (-1, 1)],
        "confidence": CONFIDENCE,
        "seeds": fitted.verdict.layout.seeds,
        "chosen": " ".join(verdict(fitted)),
        "cannot_be_told_from": [_triple(plan.grid.candidates[n].coefficients) for n in fitted.verdict.tied],
        "same_network": [_triple(triple) for triple in winner.same],
        "candidates": plan.grid.counts,
        "run": fitted.path.name,
    }
    return yaml.safe_dump(document, sort_keys=False, width=110, default_flow_style=None)


def winner_accuracy(fitted: Fitted) -> Estimate:
    """Of the winner, over its seeds."""
    verdict = fitted.verdict
    return verdict.layout.mean(verdict.finalists.index(verdict.winner))


def verdict(fitted: Fitted) -> list[str]:
    """What the fit found, in sentences."""
    found, grid = fitted.verdict, fitted.plan.grid
    winner, best = fitted.winner, grid.candidates[found.best]
    n = found.layout.seeds
    told = f"{len(found.finalists)} of {len(grid.candidates)} candidates have all n = {n} seeds."
    if n == 1:
        return [told, f"The highest accuracy is that of {winner.coefficients}; with one seed, chance may be."]
    mean = winner_accuracy(fitted)
    others = len(found.tied) - 1
    tie = (
        f"The best mean, of {best.coefficients}, cannot be told from {others} other{'s' * (others > 1)}; "
        f"the cheapest of them is {winner.coefficients}."
        if others
        else f"The best is {winner.coefficients}, further ahead of every other finalist than chance explains."
    )
    return [told, tie, f"Its mean accuracy is {_shown(mean)} ({CONFIDENCE:.0%} interval over seeds)."]


def caption(fitted: Fitted) -> str:
    """Of the table of candidates."""
    return " ".join((f"Fit {fitted.path.name}: {counts(fitted.plan.grid.counts)}.", *verdict(fitted)))


def counts(found: dict[str, int]) -> str:
    """How many triples each filter left, in words."""
    return (
        f"{found['grid']} triples on the grid, {found['cost']} within the bound on real multiply-adds, "
        f"{found['distinct']} distinct networks"
    )


def family_rows(fitted: Fitted) -> list[Row]:
    """The winner's family beside that of the rule's own triple, from the base as it was given."""
    plan = fitted.plan
    design = plan.design
    return [
        {**model_row(model), "whose": whose}
        for whose, triple in (("fitted", fitted.coefficients), ("published", design.law.law))
        if isinstance(triple, Coefficients)
        for model in family(plan.base, PHIS, rule=design.law, coefficients=triple, rounding=design.policy)
    ]


def _table(
    stem: Path, rows: list[Row], columns: tuple[Column, ...], exact: tuple[Column, ...], caption: str
) -> list[Path]:
    """As Markdown with the `columns` that fit a page, and as CSV with the `exact` ones besides."""
    written = []
    for format_, chosen in (("csv", (*columns, *exact)), ("md", columns)):
        written.append(stem.with_suffix(f".{format_}"))
        write_table(rows, chosen, format_, written[-1], caption=caption)
    return written


def _triple(triple: Coefficients) -> list[float]:
    return [triple.alpha, triple.beta, triple.gamma]


def _shown(estimate: Estimate) -> str:
    half = "" if estimate.half is None else f" +- {estimate.half:.4f}"
    return f"{estimate.mean:.4f}{half}"
