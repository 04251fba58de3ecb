"""The table of a search's trials: its columns, the same in every format and on the screen."""

from __future__ import annotations

from typing import Any

from search.tables import Column
from search.trial import Trial

SCHEMA, VERSION = "compound-nas.trials", 2

TRIALS = (
    Column("number", "Trial", form="d"),
    Column("state", "State"),
    Column("reward", "Reward", form=".4f", description="accuracy x step term x params term"),
    Column("accuracy", "Accuracy", form=".4f", description="on the validation split, 0 to 1"),
    Column("top5", "Top-5", form=".4f", description="like accuracy, the class among the five likeliest"),
    Column("step_term", "Step term", form=".4f", description="(S/S0)^w; 1 where step time does not count"),
    Column("params_term", "Params term", form=".4f", description="(P/P0)^v"),
    Column("params", "Params", form="si", description="trainable parameters of the full network"),
    Column("macs", "MACs", form="si", description="multiply-adds of the full network for one image"),
    Column("activations", "Activations", form="si", description="output elements of its convolutions"),
    Column(
        "step_ms",
        "Step",
        "ms",
        form=".1f",
        description="one training step of the full network, on few images",
    ),
    Column("step_ratio", "S/S0", form=".3f", description="that relative to the reference network's"),
    Column("loss", "Loss", form=".4f", description="cross-entropy on the validation split"),
    Column("epochs", "Epochs", form="d"),
    Column("images", "Images", form="d", description="trained on, each epoch's counted"),
    Column("seconds", "Time", "s", form=".1f", description="of the evaluation, on the clock"),
    Column("attempt", "Attempt", form="d"),
    Column("reason", "Reason", description="why it failed"),
    Column("digest", "Digest", description="equal for equal networks"),
    Column("architecture", "Architecture", description="canonical string of the full network"),
)

BRIEF = (
    "number",
    "reward",
    "accuracy",
    "step_term",
    "params_term",
    "params",
    "macs",
    "step_ms",
)
"""What a line of a terminal has room for."""


def row(trial: Trial) -> dict[str, Any]:
    """The values of a trial by column; None where there is none."""
    result, terms = trial.result, trial.terms
    measured = ("accuracy", "top5", "loss", "step_ms", "step_ratio", "epochs", "images", "seconds")
    return {
        "number": trial.number,
        "state": trial.state,
        "reward": terms and terms.reward,
        "step_term": terms and terms.step_term,
        "params_term": terms and terms.params_term,
        "params": trial.cost.params,
        "macs": trial.cost.macs,
        "activations": trial.cost.activations,
        **{key: result and getattr(result, key) for key in measured},
        "attempt": trial.attempt,
        "reason": trial.reason,
        "digest": trial.architecture.digest,
        "architecture": str(trial.architecture),
    }
