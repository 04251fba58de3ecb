"""What a comparison found: a row for each network, and sentences that say what is more than chance."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search.compare.plan import RANDOM
from search.reward import Reward
from search.stats.confidence import CONFIDENCE
from search.stats.paired import Estimate, Layout
from search.tables.table import Column, Row
from search.tables.writing import write as write_table
from space import Architecture, cost

if TYPE_CHECKING:
    from search.compare.comparison import Trained
    from search.compare.plan import Plan


COLUMNS = (
    Column("what", "Network", description="the search's winner, the best of a random search, published ones"),
    Column(
        "origin", "From", description="a trial; for published networks, what their widths were multiplied by"
    ),
    Column("n", "n", form="d", description="trainings, each with a seed that all networks share"),
    Column("accuracy", "Accuracy", form=".4f", description="mean on the test split, 0 to 1", better="high"),
    Column("accuracy_half", "+-", form=".4f", description="half its 95% interval over seeds"),
    Column(
        "validation",
        "Validation",
        form=".4f",
        description="mean on the split that the winner was selected by",
    ),
    Column("params", "Params", form="si", description="trainable parameters", better="low"),
    Column("macs", "MACs", form="si", description="multiply-adds for one image", better="low"),
    Column("step_ms", "Step", "ms", form=".1f", description="of training, on few images", better="low"),
    Column("step_ratio", "S/S0", form=".3f", description="relative to the reference network's", better="low"),
    Column(
        "reward",
        "Reward",
        form=".4f",
        description="of the run, with the accuracy on the test split",
        better="high",
    ),
    Column("behind", "Accuracy less winner's", form="+.4f", description="mean difference, seed by seed"),
    Column("behind_half", "+- ", form=".4f", description="half its interval, all rows at once"),
    Column("told_apart", "Told apart", description="whether that interval excludes 0"),
    Column("reward_behind", "Reward less winner's", form="+.4f", description="mean difference, seed by seed"),
    Column("reward_half", "+-  ", form=".4f", description="half its interval, all rows at once"),
    Column("reward_told_apart", "Rewards told apart", description="whether that interval excludes 0"),
    Column("seconds", "Time", "s", form=".0f", description="of its trainings together"),
)
EXACT = (
    Column("accuracies", "Accuracies", description="on the test split, seed by seed"),
    Column("architecture", "Architecture", description="canonical string"),
)
"""What data formats hold besides."""
NAME = "comparison"
"""Of the tables' files."""


def rows(every: Sequence[Trained], reward: Reward, reference: Architecture) -> list[Row]:
    """A row for each network, the winner first."""
    accuracies = Layout([one.accuracies for one in every])
    rewards = Layout([_rewards(one, reward, reference) for one in every])
    found: list[Row] = []
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
            row |= _less("behind", "behind_half", "told_apart", accuracies, place)
            row |= _less("reward_behind", "reward_half", "reward_told_apart", rewards, place)
        found.append(row)
    return found


def verdict(found: Sequence[Row]) -> list[str]:
    """What the rows say, in sentences: what the winner is better than, and whether the search paid."""
    n = found[0]["n"]
    if n == 1:
        return ["With one training of each network, chance may be all of every difference; seeds=3 tells."]
    lines = []
    for row in found[1:]:
        ahead = f"{row['what']}: the winner's accuracy is {_told(row['behind'], row['behind_half'])}"
        lines.append(f"{ahead}; its reward is {_told(row['reward_behind'], row['reward_half'])}.")
    drawn = [row for row in found[1:] if row["what"] == RANDOM]
    for row in drawn:
        lines.append(_paid(row))
    lines.append(
        f"Half-widths are {CONFIDENCE:.0%} intervals over {n} seeds, for all rows at once; they cover the chance of "
        "training, not that of the images."
    )
    return lines


def write(found: Sequence[Row], plan: Plan) -> list[Path]:
    """Write comparison.csv, .json and .md into the comparison's folder, and return their paths."""
    caption = f"The winner of {plan.run.name} beside others, {plan.recipe.epochs} epochs. {' '.join(verdict(found))}"
    written = []
    for form, columns in (("csv", (*COLUMNS, *EXACT)), ("json", (*COLUMNS, *EXACT)), ("md", COLUMNS)):
        written.append(plan.out / f"{NAME}.{form}")
        write_table(found, columns, form, written[-1], caption=caption)
    return written


def read(folder: Path) -> list[Row]:
    """The rows that `write` wrote into `folder`, none if it did not."""
    try:
        found: list[Row] = json.loads((folder / f"{NAME}.json").read_text("utf-8"))["rows"]
    except (OSError, ValueError, KeyError):
        return []
    return found


def _rewards(one: Trained, reward: Reward, reference: Architecture) -> list[float]:
    ratio = one.step.ratio if one.step else None
    network = one.contender.architecture
    return [reward.score(accuracy, ratio, network, reference).reward for accuracy in one.accuracies]


def _less(mean: str, half: str, apart: str, layout: Layout, place: int) -> Row:
    less = layout.difference(place, 0, max(1, len(layout.means) - 1))
    return {mean: less.mean, half: less.half, apart: None if less.half is None else less.beyond_chance}


def _told(behind: float, half: float | None) -> str:
    """Of a difference of another network to the winner, seen from the winner."""
    if not Estimate(behind, half).beyond_chance:
        return f"no different beyond chance ({-behind:+.4f} +- {half:.4f})"
    return f"{'higher' if behind < 0 else 'LOWER'} ({-behind:+.4f} +- {half:.4f})"


def _paid(row: Row) -> str:
    if not row["reward_told_apart"]:
        return "As far as this tells, the search did not pay: a random one of equal cost found as good a network."
    if row["reward_behind"] < 0:
        return "The search paid: its winner is better than what a random search of the same cost found."
    return "The search did NOT pay: a random search of the same cost found a better network."
