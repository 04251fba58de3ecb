"""Sentences on the outcome of a fit."""

from __future__ import annotations

from collections.abc import Mapping

from scaling.fitting.plan import Fitted
from search.stats.confidence import CONFIDENCE
from search.stats.differences import Estimate


def winner_accuracy(fitted: Fitted) -> Estimate:
    """Return the mean accuracy of the winner over its seeds, 0 to 1, with its 95 % interval."""
    verdict = fitted.verdict
    return verdict.layout.mean(verdict.finalists.index(verdict.winner))


def verdict_sentences(fitted: Fitted) -> list[str]:
    """Return the result of the fit as sentences."""
    verdict, candidates = fitted.verdict, fitted.plan.grid.candidates
    winner, best = fitted.winner, candidates[verdict.best]
    n = verdict.layout.seeds
    trained = f"{len(verdict.finalists)} of {len(candidates)} candidates were trained with all n = {n} seeds."
    if n == 1:
        return [
            trained,
            f"The highest accuracy is that of {winner.coefficients}. With one seed, this may be chance.",
        ]
    mean = winner_accuracy(fitted)
    others = len(verdict.tied) - 1
    rivals = "significantly above every other finalist" if len(verdict.finalists) > 1 else "the only finalist"
    choice = (
        f"The best mean, of {best.coefficients}, is not significantly above {others} other"
        f"{'s' * (others > 1)}; the cheapest of all these, the best included, is {winner.coefficients}."
        if others
        else f"The best is {winner.coefficients}, {rivals}."
    )
    over = "seeds and images" if verdict.layout.images else "seeds"
    return [
        trained,
        choice,
        f"The mean accuracy of {winner.coefficients} is {_rounded(mean)} ({CONFIDENCE:.0%} interval over {over}).",
    ]


def caption(fitted: Fitted) -> str:
    """Return the caption of the table of candidates."""
    counts = counts_sentence(fitted.plan.grid.counts)
    return " ".join((f"Fit {fitted.path.name}: {counts}", *verdict_sentences(fitted)))


def counts_sentence(counts: Mapping[str, int]) -> str:
    """Return the number of triples after each filter as a sentence."""
    return (
        f"{counts['grid']} triples on the grid, {counts['cost']} within the bound on real multiply-adds, "
        f"{counts['distinct']} distinct networks."
    )


def _rounded(estimate: Estimate) -> str:
    half = "" if estimate.half is None else f" +- {estimate.half:.4f}"
    return f"{estimate.mean:.4f}{half}"
