"""The table of a comparison: a row for each network, and sentences on the significant differences."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search.compare.plan import RANDOM
from search.reward import Reward
from search.stats.confidence import CONFIDENCE
from search.stats.differences import Differences, Estimate
from search.tables.table import Column, Row
from search.tables.writing import write as write_table
from space import Architecture, cost

if TYPE_CHECKING:
    from search.compare.comparison import Trained
    from search.compare.plan import Plan


COLUMNS = (
    Column("what", "Network", description="the winner, the best of a random search, or a published network"),
    Column("origin", "From", description="trial, or for published networks the width multiplier"),
    Column("n", "n", form="d", description="number of trainings, with seeds that all networks share"),
    Column("accuracy", "Accuracy", form=".4f", description="mean on the test split, 0 to 1", better="high"),
    Column("accuracy_half", "+-", form=".4f", description="half-width of its 95% interval over seeds"),
    Column(
        "validation",
        "Validation",
        form=".4f",
        description="mean on the split that selected the winner",
    ),
    Column("params", "Params", form="si", description="trainable parameters", better="low"),
    Column("macs", "MACs", form="si", description="multiply-adds for one image", better="low"),
    Column("step_ms", "Step", "ms", form=".1f", description="of training, on a few images", better="low"),
    Column("step_ratio", "S/S0", form=".3f", description="relative to the reference network's", better="low"),
    Column(
        "reward",
        "Reward",
        form=".4f",
        description="the reward of the run, with the accuracy on the test split",
        better="high",
    ),
    Column("difference", "Accuracy - winner's", form="+.4f", description="mean difference, seed by seed"),
    Column("difference_half", "+- ", form=".4f", description="half-width of its simultaneous interval"),
    Column("significant", "Significant", description="whether that interval excludes 0"),
    Column(
        "reward_difference", "Reward - winner's", form="+.4f", description="mean difference, seed by seed"
    ),
    Column("reward_half", "+-  ", form=".4f", description="half-width of its simultaneous interval"),
    Column("reward_significant", "Reward significant", description="whether that interval excludes 0"),
    Column("seconds", "Time", "s", form=".0f", description="of all its trainings"),
)
EXACT = (
    Column("accuracies", "Accuracies", description="on the test split, seed by seed"),
    Column("architecture", "Architecture", description="canonical string"),
)
"""The additional columns of data formats."""
NAME = "comparison"
"""The name of the files of the table."""


def rows(every: Sequence[Trained], reward: Reward, reference: Architecture) -> list[Row]:
    """Return a row for each network, the winner first."""
    accuracies = Differences([one.accuracies for one in every], common_seeds=True)
    rewards = Differences([_rewards(one, reward, reference) for one in every], common_seeds=True)
    table: list[Row] = []
    for place, one in enumerate(every):
        spent = cost(one.contender.architecture)
        mean = accuracies.mean(place)
        row: dict[str, Any] = {
            "what": one.contender.name,
            "origin": one.contender.origin,
            "n": len(one.accuracies),
            "accuracy": mean.mean,
            "accuracy_half": mean.half,
            "validation": sum(one.validated) / len(one.validated),
            "params": spent.params,
            "macs": spent.macs,
            "step_ms": one.step and one.step.ms,
            "step_ratio": one.step and one.step.ratio,
            "reward": rewards.means[place],
            "seconds": one.seconds,
            "accuracies": list(one.accuracies),
            "architecture": str(one.contender.architecture),
        }
        if place:
            row |= _difference("difference", "difference_half", "significant", accuracies, place)
            row |= _difference("reward_difference", "reward_half", "reward_significant", rewards, place)
        table.append(row)
    return table


def verdict(table: Sequence[Row]) -> list[str]:
    """Return sentences: where the winner is better, and whether the search paid."""
    n = table[0]["n"]
    if n == 1:
        return ["With one training of each network, every difference may be chance. Use seeds=3 or more."]
    lines = []
    for row in table[1:]:
        accuracy = _compared(row["difference"], row["difference_half"])
        reward = _compared(row["reward_difference"], row["reward_half"])
        lines.append(f"{row['what']}: the winner's accuracy is {accuracy}; its reward is {reward}.")
    lines += [_paid(row) for row in table[1:] if row["what"] == RANDOM]
    lines.append(
        f"Half-widths are {CONFIDENCE:.0%} intervals over {n} seeds for all pairs at once (Tukey's test). They cover "
        "the chance of training, "
        "not the choice of test images."
    )
    return lines


def write(table: Sequence[Row], plan: Plan) -> list[Path]:
    """Write comparison.csv, .json and .md into the comparison's folder, and return their paths."""
    caption = (
        f"The winner of {plan.run.name} and others, {plan.recipe.epochs} epochs. {' '.join(verdict(table))}"
    )
    written = []
    for form, columns in (("csv", (*COLUMNS, *EXACT)), ("json", (*COLUMNS, *EXACT)), ("md", COLUMNS)):
        written.append(plan.out / f"{NAME}.{form}")
        write_table(table, columns, form, written[-1], caption=caption)
    return written


def read(folder: Path) -> list[Row]:
    """Return the rows that `write` wrote into `folder`, none if there are none."""
    try:
        table: list[Row] = json.loads((folder / f"{NAME}.json").read_text("utf-8"))["rows"]
    except (OSError, ValueError, KeyError):
        return []
    return table


def _rewards(one: Trained, reward: Reward, reference: Architecture) -> list[float]:
    ratio = one.step.ratio if one.step else None
    network = one.contender.architecture
    return [reward.score(accuracy, ratio, network, reference).reward for accuracy in one.accuracies]


def _difference(mean: str, half: str, significant: str, layout: Differences, place: int) -> Row:
    estimate = layout.difference(place, 0)
    is_significant = None if estimate.half is None else estimate.significant
    return {mean: estimate.mean, half: estimate.half, significant: is_significant}


def _compared(difference: float, half: float | None) -> str:
    """Return the words for the winner's side of the `difference` of another network to it."""
    if half is None:
        return f"of unknown significance, since every seed gave the same difference ({-difference:+.4f})"
    if not Estimate(difference, half).significant:
        return f"not significantly different ({-difference:+.4f} +- {half:.4f})"
    return f"{'higher' if difference < 0 else 'LOWER'} ({-difference:+.4f} +- {half:.4f})"


def _paid(row: Row) -> str:
    if not row["reward_significant"]:
        return "The search did not pay significantly: a random search of equal cost found as good a network."
    if row["reward_difference"] < 0:
        return "The search paid: its winner is better than the best of a random search of the same cost."
    return "The search did NOT pay: a random search of the same cost found a better network."
