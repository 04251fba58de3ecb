"""The table of a comparison: a row for each network, with its differences to the lead of its level.

A lead is a network to whose costs others are matched. A level is a lead together with these others.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search.files import write_file
from search.stats.differences import Differences
from search.stats.hits import networks_hits
from search.tables.table import Column, Row
from search.tables.writing import write as write_table
from space import cost

if TYPE_CHECKING:
    from search.compare.comparison import Compared, Trained
    from search.compare.plan import Plan


COLUMNS = (
    Column("what", "Network", description="the network to compare (the lead), then the others at its cost"),
    Column("origin", "From", description="the trial, or the factors of a published network"),
    Column(
        "share", "Cost", form=".2f", description="cost relative to the lead's; the largest, if several match"
    ),
    Column("n", "n", form="d", description="number of trainings, with seeds that all networks share"),
    Column("accuracy", "Accuracy", form=".4f", description="mean on the split, 0 to 1", better="high"),
    Column("accuracy_half", "+-", form=".4f", description="half-width of its 95% interval, seeds and images"),
    Column("params", "Params", form="si", description="trainable parameters", better="low"),
    Column("macs", "MACs", form="si", description="multiply-adds for one image", better="low"),
    Column("latency_ms", "Latency", "ms", form=".2f", description="time of an inference", better="low"),
    Column("step_ms", "Step", "ms", form=".1f", description="time of a training step", better="low"),
    Column("step_ratio", "S/S0", form=".3f", description="step over the reference network's", better="low"),
    Column("reward", "Reward", form=".4f", description="the run's reward at this accuracy", better="high"),
    Column("difference", "Accuracy - lead's", form="+.4f", description="mean difference, seed by seed"),
    Column("seeds_half", "+- seeds", form=".4f", description="half-width of its interval over seeds alone"),
    Column(
        "difference_half",
        "+- seeds and images",
        form=".4f",
        description="half-width of its interval over seeds and images, which are paired where they can be",
    ),
    Column("significant", "Significant", description="whether that interval excludes 0"),
    Column("reward_difference", "Reward - lead's", form="+.4f", description="mean difference, seed by seed"),
    Column("reward_half", "+-  ", form=".4f", description="half-width of its interval over seeds"),
    Column("reward_significant", "Reward significant", description="whether that interval excludes 0"),
    Column("rate", "Rate", form="g", description="factor of the recipe's learning rate, best on validation"),
    Column("seconds", "Time", "s", form=".0f", description="duration of all trainings of the network"),
)
EXACT = (
    Column("family", "Family", description="the family that the network belongs to"),
    Column("level", "Level", form="d", description="the lead whose cost bounds the network, from 0"),
    Column("bound", "Bound", description="the cost of the lead"),
    Column("split", "Split", description="the images that accuracies are measured on"),
    Column("images", "Images", form="d", description="number of these images"),
    Column("paired", "Paired", description="whether networks are compared image by image"),
    Column("accuracies", "Accuracies", description="seed by seed"),
    Column("architecture", "Architecture", description="canonical string"),
)
"""The columns that csv and json files have in addition."""
NAME = "comparison"
"""The name of the files of the table."""
SENTENCES = "conclusions.txt"
"""The file of the conclusions, one sentence a line."""


def rows(compared: Compared) -> list[Row]:
    """Return a row for each network, level by level. The lead comes first in each level."""
    table: list[Row] = []
    for level in range(len(compared.plan.leads)):
        table += _level(compared, [one for one in compared.every if one.contender.level == level])
    return table


def _level(compared: Compared, every: Sequence[Trained]) -> list[Row]:
    plan, split = compared.plan, compared.plan.settings.split
    images = every[0].evaluations[0].images
    accuracies = [one.accuracies for one in every]
    by_seed = Differences(accuracies, common_seeds=True)
    hits = networks_hits([[evaluation.hits for evaluation in one.evaluations] for one in every], images)
    effective = every[0].evaluations[0].effective or images
    by_both = Differences(accuracies, common_seeds=True, images=effective, hits=hits)
    rewards = [_rewards(one, plan) for one in every] if plan.reward else None
    by_reward = Differences(rewards, common_seeds=True) if rewards else None
    table: list[Row] = []
    for place, one in enumerate(every):
        contender, spent = one.contender, cost(one.contender.architecture)
        row: dict[str, Any] = {
            "what": contender.name,
            "origin": contender.origin,
            "share": contender.share,
            "n": len(one.accuracies),
            "accuracy": by_both.means[place],
            "accuracy_half": by_both.mean(place).half,
            "params": spent.params,
            "macs": spent.macs,
            "latency_ms": one.latency,
            "step_ms": one.step and one.step.ms,
            "step_ratio": one.step and one.step.ratio,
            "reward": by_reward.means[place] if by_reward else None,
            "rate": one.rate,
            "seconds": one.seconds,
            "family": contender.family,
            "level": contender.level,
            "bound": compared.lineup.bounds[contender.level],
            "split": split,
            "images": images,
            "paired": hits is not None,
            "accuracies": list(one.accuracies),
            "architecture": str(contender.architecture),
        }
        if place:
            row |= {"seeds_half": by_seed.difference(place, 0).half}
            row |= _difference("difference", "difference_half", "significant", by_both, place)
            if by_reward:
                keys = ("reward_difference", "reward_half", "reward_significant")
                row |= _difference(*keys, by_reward, place)
        table.append(row)
    return table


def write(table: Sequence[Row], sentences: Sequence[str], plan: Plan) -> list[Path]:
    """Write comparison.csv, .json, .md and the conclusions into the comparison's folder, and return their paths."""
    caption = (
        f"All trainings have the same recipe, of {plan.recipe.epochs} epochs, except for the factor of the learning "
        f"rate (Rate). {' '.join(sentences)}"
    )
    written = []
    for form, columns in (("csv", (*COLUMNS, *EXACT)), ("json", (*COLUMNS, *EXACT)), ("md", COLUMNS)):
        written.append(plan.out / f"{NAME}.{form}")
        write_table(table, columns, form, written[-1], caption=caption)
    write_file(plan.out / SENTENCES, "\n".join(sentences) + "\n")
    return [*written, plan.out / SENTENCES]


def read(folder: Path) -> list[Row]:
    """Return the rows that `write` wrote into `folder`; [] if there are none, or an earlier version wrote them."""
    try:
        table: list[Row] = json.loads((folder / f"{NAME}.json").read_text("utf-8"))["rows"]
    except (OSError, ValueError, KeyError):
        return []
    return table if all("split" in row for row in table) else []


def read_sentences(folder: Path) -> list[str]:
    """Return the conclusions that `write` wrote into `folder`; [] if there are none."""
    path = folder / SENTENCES
    return path.read_text("utf-8").splitlines() if path.exists() else []


def _rewards(one: Trained, plan: Plan) -> list[float]:
    assert plan.reward
    ratio, network = one.step.ratio if one.step else None, one.contender.architecture
    forecast = plan.config.latencies if plan.config and "latency" in plan.reward.costs else None
    latency = forecast.latency(network) if forecast else None
    scores = (plan.reward.score(value, ratio, network, plan.reference, latency) for value in one.accuracies)
    return [score.reward for score in scores]


def _difference(mean: str, half: str, significant: str, layout: Differences, place: int) -> Row:
    estimate = layout.difference(place, 0)
    is_significant = None if estimate.half is None else estimate.significant
    return {mean: estimate.mean, half: estimate.half, significant: is_significant}
