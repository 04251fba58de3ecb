"""The columns of the tables of trials, which are the same in every file format and on the screen."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from search.tables.table import Column, Table
from space.cost.table import COSTS

if TYPE_CHECKING:
    from search.trials.trial import Trial
    from space import Choice, Space

SCHEMA, VERSION = "compound-nas.trials", 8
"""The name and version of the schema. The version rises with every change of the keys, their types or their meanings,
including new keys. Each choice of the run's space adds a column of its name, such as `stages.0.op`."""

_TERM_ORDER = ("step", "latency", "params", "macs", "activations", "memory", "size")
"""The costs in the order of their columns: first the costs of the default reward."""


def _term(name: str) -> Column:
    """Return the column of a cost's term of the reward, such as effv2's (S/S0)^w for the step time."""
    row = COSTS[name]
    return Column(
        f"{name}_term", f"{row.title} term", form=".4f", description=f"of the {row.meaning}", better="high"
    )


def _cost(name: str) -> Column:
    """Return the column of a cost."""
    row = COSTS[name]
    return Column(row.column, row.title, row.unit, form=row.form, description=row.meaning, better="low")


TRIALS = (
    Column("number", "Trial", form="d", description="in the order of proposal, from 0"),
    Column(
        "state",
        "State",
        description="complete, failed, pruned (after a shorter training), duplicate (answered by an earlier trial), "
        "running, waiting or imported (from another run)",
    ),
    Column("origin", "From", description="the run and number of an imported trial"),
    Column(
        "reward",
        "Reward",
        form=".4f",
        description="accuracy x all terms; tunas: accuracy + all terms",
        better="high",
    ),
    Column("accuracy", "Accuracy", form=".4f", description="on the validation split, 0 to 1", better="high"),
    Column(
        "top5",
        "Top-5",
        form=".4f",
        description="the share of images whose class is among the five likeliest",
        better="high",
    ),
    *(_term(name) for name in _TERM_ORDER),
    *(_cost(name) for name in ("params", "size", "macs", "activations")),
    Column(
        "step_ms",
        "Step",
        "ms",
        form=".1f",
        description="one training step of the full network, measured on a small batch",
        better="low",
    ),
    Column(
        "predicted_ms",
        "Step predicted",
        "ms",
        form=".1f",
        description="one training step, predicted by the device's profile for the batch that the profile is made for",
        better="low",
    ),
    Column(
        "unmeasured",
        "Estimated",
        form=".0%",
        description="the share of the predicted step in blocks that were never measured",
        better="low",
    ),
    Column(
        "step_ratio",
        "S/S0",
        form=".3f",
        description="the step time relative to the reference network's, predicted where there is a profile",
        better="low",
    ),
    Column(
        "measured_ratio",
        "S/S0 measured",
        form=".3f",
        description="the measured step time relative to the reference network's",
        better="low",
    ),
    _cost("latency"),
    Column(
        "measured_latency_ms",
        "Latency measured",
        "ms",
        form=".2f",
        description="time of one inference, measured for the finalists and answers of the search",
        better="low",
    ),
    Column(
        "final_seeds",
        "Again",
        form="d",
        description="trainings with fresh seeds after the search",
    ),
    Column(
        "final_accuracy",
        "Mean accuracy",
        form=".4f",
        description="of the trainings with fresh seeds, which had no part in the selection",
        better="high",
    ),
    Column(
        "final_sd",
        "Seed SD",
        form=".4f",
        description="standard deviation of the accuracies with fresh seeds",
        better="low",
    ),
    Column(
        "final_reward",
        "Mean reward",
        form=".4f",
        description="the reward of the mean accuracy with fresh seeds, by which finalists are ranked",
        better="high",
    ),
    Column("loss", "Loss", form=".4f", description="cross-entropy on the validation split", better="low"),
    Column("epochs", "Epochs", form="d", description="of its training"),
    Column("images", "Images", form="d", description="trained on in all epochs"),
    Column("seconds", "Time", "s", form=".1f", description="of the evaluation, wall time", better="low"),
    Column("attempt", "Attempt", form="d", description="the latest, counted from 1"),
    Column("reason", "Reason", description="why it failed"),
    Column("digest", "Digest", description="the same for equal networks"),
    Column("architecture", "Architecture", description="canonical string of the full network"),
)

TERMS = tuple(f"{name}_term" for name in _TERM_ORDER)
"""The columns of the reward's terms. A term is None where its cost does not count."""

BRIEF = (
    "number",
    "reward",
    "accuracy",
    *TERMS,
    "params",
    "macs",
    "predicted_ms",
    "step_ms",
    "latency_ms",
)
"""The columns that fit a line of a terminal."""

FINALS = ("number", "final_reward", "final_accuracy", "final_sd", "final_seeds", "reward", "accuracy")
"""The columns of a network that was trained again."""


def trials_table(trials: Iterable[Trial], space: Space, caption: str = "") -> Table:
    """Return a table with a row for each trial: the columns `TRIALS`, and one for each choice of `space`."""
    rows = [{**row(trial), **options(trial, space)} for trial in trials]
    return Table(rows, (*TRIALS, *map(_choice, space.choices)), SCHEMA, VERSION, caption)


def _choice(choice: Choice) -> Column:
    """Return the column of a choice of a space. Numbers stay numbers unless some options are words."""
    kinds = {type(option) for option in choice.options}
    kind = "integer" if kinds == {int} else "number" if kinds <= {int, float} else "string"
    return Column(choice.name, choice.name, description="the option of this choice of the space", type=kind)


def options(trial: Trial, space: Space) -> dict[str, int | float | str]:
    """Return the option of each choice of the space; {} for a network outside the space."""
    if len(trial.point) != len(space.choices):
        return {}
    return {c.name: c.options[index] for c, index in zip(space.choices, trial.point, strict=True)}


def row(trial: Trial) -> dict[str, Any]:
    """Return the values of a trial by column.

    A value that the trial lacks is None, except that the column "reason" is "" for a trial without a reason.
    """
    result, terms = trial.result, trial.terms
    measured = ("accuracy", "top5", "loss", "step_ms", "epochs", "images", "seconds")
    return {
        "number": trial.number,
        "state": trial.state,
        "origin": trial.origin or None,
        "reward": terms and terms.reward,
        **dict.fromkeys(TERMS),
        **{f"{term.cost}_term": term.value for term in (terms.costs if terms else ())},
        **{name: getattr(trial.cost, name) for name in ("params", "size", "macs", "activations")},
        **{key: result and getattr(result, key) for key in measured},
        "predicted_ms": trial.predicted and trial.predicted.ms,
        "unmeasured": trial.predicted and trial.predicted.unmeasured,
        "step_ratio": trial.step_ratio,
        "measured_ratio": result and result.step_ratio,
        "latency_ms": trial.latency and trial.latency.ms,
        "measured_latency_ms": result and result.latency_ms,
        **_final(trial),
        "attempt": trial.attempt,
        "reason": trial.reason,
        "digest": trial.architecture.digest,
        "architecture": str(trial.architecture),
    }


def _final(trial: Trial) -> dict[str, Any]:
    again = trial.final_accuracies
    return {
        "final_seeds": len(again) or None,
        "final_accuracy": statistics.fmean(again) if again else None,
        "final_sd": statistics.stdev(again) if len(again) > 1 else None,
        "final_reward": trial.final_terms and trial.final_terms.reward,
    }
