"""The tables of a fit: the candidates, and the comparison of the winner with its baselines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from scaling.fitting.grid import Candidate
from scaling.fitting.plan import Fitted
from scaling.fitting.race import accuracy, differences, known
from search.stats.differences import Estimate
from search.tables.table import Column, Row
from search.trials.trial import Trial
from space import Architecture, cost

_ACCURACY = (
    Column("n", "n", description="number of trainings, each with its own seed", form="d"),
    Column("accuracy", "Accuracy", description="mean on the validation split, 0 to 1", form=".4f"),
    Column("accuracy_half", "+-", description="half of its 95% interval over seeds and images", form=".4f"),
)
_COST = (
    Column("blocks", "Blocks", form="d"),
    Column("pixels", "Resolution", "px", "side of the images", form="d"),
    Column("params", "Params", description="trainable parameters", form="si"),
    Column("macs", "MACs", description="multiply-adds for one image", form="si"),
    Column("macs_growth", "MACs x", description="MACs divided by the base's", form=".2f"),
)
PLANNED = (
    Column("number", "Candidate", form="d"),
    Column("alpha", "alpha", description="coefficient of depth"),
    Column("beta", "beta", description="coefficient of width"),
    Column("gamma", "gamma", description="coefficient of resolution"),
    Column("published", "Published", description="the rule's own triple"),
    Column("same", "Same", description="number of other triples that round to this network", form="d"),
    *_COST,
)
CANDIDATES = (
    *PLANNED,
    *_ACCURACY,
    Column("behind", "Behind best", description="mean difference to the best finalist", form=".4f"),
    Column("behind_half", "+- ", description="half of its interval, adjusted for all finalists", form=".4f"),
    Column(
        "standing",
        "Standing",
        description="winner: the cheapest candidate that is not significantly worse than the best; tied: the other "
        "such candidates; worse: significantly worse; dropped: trained with fewer seeds; failed: a training failed. "
        "With one seed, the winner is the most accurate candidate, and the others are worse",
    ),
)
COMPARISON = (
    Column("what", "Network", description="the base, and the rules that scaled it"),
    Column("phi", "phi", description="chosen so that MACs are nearest to the winner's", form=".4g"),
    *_COST,
    *_ACCURACY,
    Column(
        "behind",
        "Less winner",
        description="mean difference to the winner, paired by seed and image",
        form=".4f",
    ),
    Column("behind_half", "+- ", description="half of its interval, adjusted for all rows", form=".4f"),
    Column("significant", "Significant", description="yes if that interval excludes 0"),
)
EXACT = (
    Column("accuracies", "Accuracies", description="one for each seed"),
    Column("architecture", "Architecture", description="canonical string, which `scale --base` accepts"),
)
"""The additional columns of both tables in data formats such as CSV."""


def planned_rows(candidates: Sequence[Candidate]) -> list[Row]:
    """Return the rows of all candidates before training, in the order of `candidates`."""
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
    """Return the rows of all candidates: those with the most trainings first, and among these the most accurate."""
    done, verdict = known(fitted.trials), fitted.verdict
    candidates = fitted.plan.grid.candidates
    rows: list[Row] = []
    for number, (candidate, planned) in enumerate(zip(candidates, planned_rows(candidates), strict=True)):
        trials = [done.get((candidate.model.architecture, seed)) for seed in fitted.plan.seeds]
        # A baseline can be the same network. Its trainings, which came after the race, do not count.
        own = [trial for trial in trials if trial and trial.point == (number,)]
        row: dict[str, Any] = {**planned, **_trained(own), "standing": "dropped"}
        if number in verdict.finalists:
            place = verdict.finalists.index(number)
            row |= _estimates(verdict.layout.mean(place), verdict.layout.behind(place))
            row["standing"] = (
                "winner" if number == verdict.winner else "tied" if number in verdict.tied else "worse"
            )
        elif any(trial.state == "failed" for trial in own):
            row["standing"] = "failed"
        rows.append(row)
    return sorted(rows, key=lambda row: (-row["n"], -(row["accuracy"] or 0)))


def compared_rows(fitted: Fitted) -> list[Row]:
    """Return the rows of the winner, its baselines and the base, all with the same seeds.

    A network with a failed training has the mean accuracy of its other trainings, without an interval or a
    difference.
    """
    winner, base = fitted.winner.model, fitted.plan.adapted_base
    models = [(f"{winner.rule.name}, fitted", winner), *((m.rule.name, m) for m in fitted.baselines)]
    done, seeds = known(fitted.trials), fitted.plan.seeds
    trials = [[done.get((model.architecture, seed)) for seed in seeds] for _, model in models]
    rows: list[dict[str, Any]] = [
        {
            "what": base.name if model.phi == 0 else what,
            "phi": model.phi,
            "macs_growth": model.macs_growth,
            **_network(model.architecture),
            **_trained(own),
        }
        for (what, model), own in zip(models, trials, strict=True)
    ]
    complete = [row for row in rows if row["n"] == len(seeds)]
    trained = [[trial for trial in own if trial and trial.result] for own in trials]
    finished = [own for own in trained if len(own) == len(seeds)]
    layout = differences(finished, fitted.plan.validated, fitted.plan.effective_images)
    for place, row in enumerate(complete):
        # The winner is the first row and is not compared with itself.
        less = layout.difference(place, 0) if place else Estimate(0.0, None)
        row |= _estimates(layout.mean(place), less)
        row["significant"] = less.significant if place and less.half is not None else None
    return [*rows]


def _network(network: Architecture) -> Row:
    costs = cost(network)
    return {
        "blocks": network.depth,
        "pixels": network.resolution,
        "params": costs.params,
        "macs": costs.macs,
        "architecture": str(network),
    }


def _trained(trials: Sequence[Trial | None]) -> Row:
    accuracies = [accuracy(trial) for trial in trials if trial and trial.result]
    mean = math.fsum(accuracies) / len(accuracies) if accuracies else None
    return {"n": len(accuracies), "accuracy": mean, "accuracies": accuracies}


def _estimates(mean: Estimate, behind: Estimate) -> Row:
    return {
        "accuracy": mean.mean,
        "accuracy_half": mean.half,
        "behind": behind.mean,
        "behind_half": behind.half,
    }
