"""The rows of a fit's tables: where each candidate ended, and what the winner is compared with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from scaling.fitting.grid import Candidate
from scaling.fitting.race import accuracy, known
from search.stats.paired import Estimate, Layout
from search.tables.table import Column, Row
from search.trials.trial import Trial
from space import Architecture, cost

if TYPE_CHECKING:
    from scaling.fitting.fit import Fitted

_ACCURACY = (
    Column("n", "n", description="trainings, each with a seed of its own", form="d"),
    Column("accuracy", "Accuracy", description="mean on the validation split, 0 to 1", form=".4f"),
    Column("accuracy_half", "+-", description="half its 95% interval over seeds", form=".4f"),
)
_COST = (
    Column("blocks", "Blocks", form="d"),
    Column("pixels", "Resolution", "px", "side of the images", form="d"),
    Column("params", "Params", description="trainable parameters", form="si"),
    Column("macs", "MACs", description="multiply-adds for one image", form="si"),
    Column("macs_growth", "MACs x", description="over the base's", form=".2f"),
)
PLANNED = (
    Column("number", "Candidate", form="d"),
    Column("alpha", "alpha", description="depth's coefficient"),
    Column("beta", "beta", description="width's coefficient"),
    Column("gamma", "gamma", description="resolution's coefficient"),
    Column("published", "Published", description="the triple that the rule comes with"),
    Column("same", "Same", description="other triples of the grid that round to this network", form="d"),
    *_COST,
)
CANDIDATES = (
    *PLANNED,
    *_ACCURACY,
    Column("behind", "Behind best", description="mean difference to the best finalist", form=".4f"),
    Column("behind_half", "+- ", description="half its interval, all finalists at once", form=".4f"),
    Column(
        "standing",
        "Standing",
        description="winner: the cheapest of those that cannot be told from the best; tied: another of them",
    ),
)
COMPARISON = (
    Column("what", "Network", description="the base, and what made the others of it"),
    Column("phi", "phi", description="chosen for real MACs nearest to the winner's", form=".4g"),
    *_COST,
    *_ACCURACY,
    Column("behind", "Less winner", description="mean difference to the winner, seed by seed", form=".4f"),
    Column("behind_half", "+- ", description="half its interval, all rows at once", form=".4f"),
    Column("told_apart", "Told apart", description="whether that interval excludes 0"),
)
EXACT = (
    Column("accuracies", "Accuracies", description="seed by seed"),
    Column("architecture", "Architecture", description="canonical string: `scale --base` reads it"),
)
"""What data formats hold besides, of both."""


def planned_rows(candidates: Sequence[Candidate]) -> list[Row]:
    """Every candidate before it is trained."""
    return [
        {
            "number": number,
            **asdict(candidate.coefficients),
            "published": candidate.published,
            "same": len(candidate.same),
            "macs_growth": candidate.model.macs_growth,
            **_network(candidate.model.architecture),
        }
        for number, candidate in enumerate(candidates)
    ]


def candidate_rows(fitted: Fitted) -> list[Row]:
    """Every candidate: the finalists by accuracy, then the others, those with more trainings first."""
    done, verdict = known(fitted.trials), fitted.verdict
    candidates = fitted.plan.grid.candidates
    rows: list[Row] = []
    for number, (candidate, planned) in enumerate(zip(candidates, planned_rows(candidates), strict=True)):
        network = candidate.model.architecture
        trained = _trained([done.get((network, seed)) for seed in fitted.plan.seeds])
        row: dict[str, Any] = {**planned, **trained, "standing": "dropped"}
        if number in verdict.finalists:
            place = verdict.finalists.index(number)
            row |= _estimates(verdict.layout.mean(place), verdict.layout.behind(place))
            row["standing"] = (
                "winner" if number == verdict.winner else "tied" if number in verdict.tied else "worse"
            )
        elif any(trial.state == "failed" for (made, _), trial in done.items() if made == network):
            row["standing"] = "failed"
        rows.append(row)
    return sorted(rows, key=lambda row: (-row["n"], -(row["accuracy"] or 0)))


def compared_rows(fitted: Fitted) -> list[Row]:
    """The winner, its rivals and the base, all with the same seeds; rivals that failed have no accuracy."""
    winner, base = fitted.winner.model, fitted.plan.fitted
    models = [(f"{winner.rule.name}, fitted", winner), *((m.rule.name, m) for m in fitted.rivals)]
    done = known(fitted.trials)
    rows: list[dict[str, Any]] = [
        {
            "what": base.name if model.phi == 0 else what,
            "phi": model.phi,
            "macs_growth": model.macs_growth,
            **_network(model.architecture),
            **_trained([done.get((model.architecture, seed)) for seed in fitted.plan.seeds]),
        }
        for what, model in models
    ]
    complete = [row for row in rows if row["n"] == len(fitted.plan.seeds)]
    layout = Layout([row["accuracies"] for row in complete])
    for place, row in enumerate(complete):
        # The winner is the first row; it is not compared with itself.
        less = layout.difference(place, 0, max(1, len(complete) - 1)) if place else Estimate(0.0, None)
        row |= _estimates(layout.mean(place), less)
        row["told_apart"] = less.beyond_chance if place and less.half is not None else None
    return [*rows]


def _network(network: Architecture) -> Row:
    spent = cost(network)
    return {
        "blocks": network.depth,
        "pixels": network.resolution,
        "params": spent.params,
        "macs": spent.macs,
        "architecture": str(network),
    }


def _trained(trials: list[Trial | None]) -> Row:
    found = [accuracy(trial) for trial in trials if trial and trial.result]
    mean = math.fsum(found) / len(found) if found else None
    return {"n": len(found), "accuracy": mean, "accuracies": found}


def _estimates(mean: Estimate, behind: Estimate) -> Row:
    return {
        "accuracy": mean.mean,
        "accuracy_half": mean.half,
        "behind": behind.mean,
        "behind_half": behind.half,
    }
