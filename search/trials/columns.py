"""The table of a search's trials: its columns, the same in every format and on the screen."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

from search.tables.table import Column

if TYPE_CHECKING:
    from search.trials.trial import Trial

SCHEMA, VERSION = "compound-nas.trials", 6
"""The version rises with every change of the keys, their types or their meanings, also when one is added."""

TRIALS = (
    Column("number", "Trial", form="d", description="counted from 0 as they were proposed"),
    Column(
        "state",
        "State",
        description="complete, failed, pruned (after a training shorter than the whole), duplicate (answered by "
        "a trial before it), running, waiting or imported (of another run, which this one started from)",
    ),
    Column("origin", "From", description="of an imported one: which trial of which run it was"),
    Column(
        "reward",
        "Reward",
        form=".4f",
        description="accuracy x all terms that there are; tunas: + all terms",
        better="high",
    ),
    Column("accuracy", "Accuracy", form=".4f", description="on the validation split, 0 to 1", better="high"),
    Column(
        "top5",
        "Top-5",
        form=".4f",
        description="like accuracy, the class among the five likeliest",
        better="high",
    ),
    Column(
        "step_term",
        "Step term",
        form=".4f",
        description="of the step time; for effv2 (S/S0)^w",
        better="high",
    ),
    Column(
        "params_term",
        "Params term",
        form=".4f",
        description="of the parameters; for effv2 (P/P0)^v",
        better="high",
    ),
    Column("macs_term", "MACs term", form=".4f", description="of the multiply-adds", better="high"),
    Column(
        "activations_term", "Activations term", form=".4f", description="of the activations", better="high"
    ),
    Column(
        "memory_term",
        "Memory term",
        form=".4f",
        description="of the memory that a training holds",
        better="high",
    ),
    Column(
        "params", "Params", form="si", description="trainable parameters of the full network", better="low"
    ),
    Column(
        "macs", "MACs", form="si", description="multiply-adds of the full network for one image", better="low"
    ),
    Column(
        "activations",
        "Activations",
        form="si",
        description="output elements of its convolutions",
        better="low",
    ),
    Column(
        "step_ms",
        "Step",
        "ms",
        form=".1f",
        description="one training step of the full network, on few images",
        better="low",
    ),
    Column(
        "predicted_ms",
        "Step predicted",
        "ms",
        form=".1f",
        description="the same from the device's profile, on its number of images",
        better="low",
    ),
    Column(
        "unmeasured",
        "Estimated",
        form=".0%",
        description="the part of the predicted step that is of blocks never measured",
        better="low",
    ),
    Column(
        "step_ratio",
        "S/S0",
        form=".3f",
        description="relative to the reference network's, as the reward has it: predicted where there is a profile",
        better="low",
    ),
    Column(
        "measured_ratio",
        "S/S0 measured",
        form=".3f",
        description="by the measurement of the step",
        better="low",
    ),
    Column(
        "final_seeds",
        "Again",
        form="d",
        description="trainings with fresh seeds after the search that gave a result",
    ),
    Column(
        "final_accuracy",
        "Mean accuracy",
        form=".4f",
        description="of these trainings, which had no part in choosing the network",
        better="high",
    ),
    Column(
        "final_sd",
        "Seed SD",
        form=".4f",
        description="standard deviation of their accuracies",
        better="low",
    ),
    Column(
        "final_reward",
        "Mean reward",
        form=".4f",
        description="the reward of their mean accuracy: the highest wins",
        better="high",
    ),
    Column("loss", "Loss", form=".4f", description="cross-entropy on the validation split", better="low"),
    Column("epochs", "Epochs", form="d", description="of its training"),
    Column("images", "Images", form="d", description="trained on, each epoch's counted"),
    Column("seconds", "Time", "s", form=".1f", description="of the evaluation, on the clock", better="low"),
    Column("attempt", "Attempt", form="d", description="the latest, counted from 1"),
    Column("reason", "Reason", description="why it failed"),
    Column("digest", "Digest", description="equal for equal networks"),
    Column("architecture", "Architecture", description="canonical string of the full network"),
)

TERMS = ("step_term", "params_term", "macs_term", "activations_term", "memory_term")
"""Of the costs; None where a cost does not count."""

BRIEF = (
    "number",
    "reward",
    "accuracy",
    *TERMS,
    "params",
    "macs",
    "predicted_ms",
    "step_ms",
)
"""What a line of a terminal has room for."""

FINALS = ("number", "final_reward", "final_accuracy", "final_sd", "final_seeds", "reward", "accuracy")
"""What a line about a network that was trained again has."""


def row(trial: Trial) -> dict[str, Any]:
    """The values of a trial by column; None where there is none."""
    result, terms = trial.result, trial.terms
    measured = ("accuracy", "top5", "loss", "step_ms", "epochs", "images", "seconds")
    return {
        "number": trial.number,
        "state": trial.state,
        "origin": trial.origin or None,
        "reward": terms and terms.reward,
        **dict.fromkeys(TERMS),
        **{f"{term.cost}_term": term.value for term in (terms.costs if terms else ())},
        "params": trial.cost.params,
        "macs": trial.cost.macs,
        "activations": trial.cost.activations,
        **{key: result and getattr(result, key) for key in measured},
        "predicted_ms": trial.predicted and trial.predicted.ms,
        "unmeasured": trial.predicted and trial.predicted.unmeasured,
        "step_ratio": trial.step_ratio,
        "measured_ratio": result and result.step_ratio,
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
