"""The files that a fit writes into the folder of its run.

coefficients.yaml       the fitted triple, for `scale --coefficients`
candidates.csv, .md     all candidates with their accuracies
family.csv, .md         the base scaled by the fitted triple and by the rule's own, for several phi
comparison.csv, .md     the winner, the base and the baselines, with --compare
plane.png, .svg         accuracy over alpha and gamma
fit.html                all of it on one page
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from scaling.compound import SCHEMA, Coefficients
from scaling.families import family
from scaling.fitting.page import fit_page, plane
from scaling.fitting.plan import Fitted
from scaling.fitting.summary import caption, verdict_sentences, winner_accuracy
from scaling.fitting.tables import CANDIDATES, COMPARISON, EXACT, candidate_rows, compared_rows
from scaling.rows import ALL_COLUMNS, COLUMNS, model_row
from search.files import write_file
from search.stats.confidence import CONFIDENCE
from search.tables.table import Column, Row
from search.tables.writing import write as write_table

COEFFICIENTS, PAGE = "coefficients.yaml", "fit.html"
PHIS = (1, 2, 3, 4)
"""The values of phi in the two families."""
_COMPARED = (
    "The winner, the base, and the base scaled along one dimension only to about the winner's multiply-adds."
)
_FAMILY = "Two families of one base. All rows are results of a formula; none is a published network."
_WHOSE = Column("whose", "Coefficients", description="fitted here, or the rule's own")


def write(fitted: Fitted) -> tuple[Path, ...]:
    """Write all files into the folder of the run, replacing old ones, and return their paths.

    Raises `UserError` if that fails.
    """
    from search.report.figures import draw
    from search.report.render import html

    path, coefficients, rows = fitted.path, coefficients_text(fitted), family_rows(fitted)
    candidates = candidate_rows(fitted)
    write_file(path / COEFFICIENTS, coefficients)
    write_file(path / PAGE, html(fit_page(fitted, rows, coefficients)))
    written = [path / COEFFICIENTS, path / PAGE]
    written += _table(path / "candidates", candidates, CANDIDATES, EXACT, caption(fitted))
    if fitted.baselines:
        written += _table(path / "comparison", compared_rows(fitted), COMPARISON, EXACT, _COMPARED)
    exact = ALL_COLUMNS[len(COLUMNS) :]
    written += _table(path / "family", rows, (_WHOSE, *COLUMNS), exact, _FAMILY)
    return (*written, *draw(plane(candidates, fitted.plan.design.step), path / "plane"))


def coefficients_text(fitted: Fitted) -> str:
    """Return the coefficients file: the winner's triple, its base and rule, and the result of the fit."""
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
        "chosen": " ".join(verdict_sentences(fitted)),
        "tied": [_triple(plan.grid.candidates[n].coefficients) for n in fitted.verdict.tied],
        "same_network": [_triple(triple) for triple in winner.same],
        "candidates": plan.grid.counts,
        "run": fitted.path.name,
    }
    return yaml.safe_dump(document, sort_keys=False, width=110, default_flow_style=None)


def family_rows(fitted: Fitted) -> list[Row]:
    """Return the rows of two families of the base: by the fitted triple, and by the rule's own."""
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
    """Write a Markdown table of `columns`, which fit a page, and a CSV table that also has `exact`.

    Returns the paths of both files.
    """
    written = []
    for format_, chosen in (("csv", (*columns, *exact)), ("md", columns)):
        written.append(stem.with_suffix(f".{format_}"))
        write_table(rows, chosen, format_, written[-1], caption=caption)
    return written


def _triple(triple: Coefficients) -> list[float]:
    return [triple.alpha, triple.beta, triple.gamma]
