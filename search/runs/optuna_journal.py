"""A run as an Optuna storage, for `optuna-dashboard FILE` or `optuna.load_study`.

It is an export of the ledger. Nothing reads it back.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search.runs.run import Run
from search.tables.table import plain
from search.trials.columns import SCHEMA, VERSION, row
from search.trials.trial import Trial

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

_STATES = {
    "complete": "COMPLETE",
    "duplicate": "COMPLETE",
    "imported": "COMPLETE",
    "failed": "FAIL",
    "pruned": "PRUNED",
    "running": "RUNNING",
    "waiting": "WAITING",
}


def journal(run: Run) -> bytes:
    """Return the content of a file for `optuna.storages.journal.JournalFileBackend`: one study named after the run.

    Trials keep their numbers. value: the reward. params: the chosen option of every choice of the space; none for a
    network outside the space, nor in `scale fit`, which chooses between networks. intermediate values: the training
    losses of the epochs, without those that are not finite. user attributes: the seed, and the other columns of
    `search export` that have a value.
    """
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # Optuna warns of its own experimental parts, which users cannot change.
        warnings.simplefilter("ignore")
        path = Path(folder) / "journal"
        study = optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(path))), study_name=run.name, direction="maximize"
        )
        study.set_metric_names(["reward"])
        for key, value in _about(run).items():
            study.set_user_attr(key, value)
        distributions = _distributions(run)
        study.add_trials([_frozen(trial, distributions) for trial in run.trials])
        return path.read_bytes()


def _about(run: Run) -> dict[str, Any]:
    config = run.config
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "space": config.space.name,
        "data": config.data.source,
        "sampler": config.sampler.sampler,
        "intermediate values": "training loss of each epoch",
    }


def _distributions(run: Run) -> dict[str, BaseDistribution]:
    """Return a categorical distribution for each choice. Options such as 1, 4 and 6 are not a range of integers."""
    from optuna.distributions import CategoricalDistribution

    return {choice.name: CategoricalDistribution(choice.options) for choice in run.config.space.choices}


def _frozen(trial: Trial, distributions: dict[str, BaseDistribution]) -> FrozenTrial:
    from optuna.trial import FrozenTrial, TrialState

    if len(trial.point) != len(distributions):
        distributions = {}
    begun = trial.state != "waiting"
    return FrozenTrial(
        number=trial.number,
        trial_id=-1,  # The storage assigns the number.
        state=TrialState[_STATES[trial.state]],
        value=trial.terms.reward if trial.terms else None,
        datetime_start=datetime.fromtimestamp(trial.proposed_at) if begun else None,
        datetime_complete=_ended(trial),
        params=_params(trial.point, distributions),
        distributions=distributions,
        user_attrs=_attributes(trial),
        system_attrs={},
        intermediate_values=_losses(trial),
    )


def _ended(trial: Trial) -> datetime | None:
    """Return the time at which a trial ended, which Optuna requires; None if the trial has not ended."""
    if trial.state in ("running", "waiting"):
        return None
    return datetime.fromtimestamp(trial.proposed_at if trial.finished_at is None else trial.finished_at)


def _params(point: Sequence[int], distributions: dict[str, BaseDistribution]) -> dict[str, Any]:
    return {
        name: distribution.to_external_repr(index)
        for index, (name, distribution) in zip(point, distributions.items(), strict=False)
    }


def _attributes(trial: Trial) -> dict[str, Any]:
    values = {**row(trial), "seed": trial.seed}
    return {
        key: plain(value)
        for key, value in values.items()
        if key not in ("number", "reward") and plain(value) not in (None, "")
    }


def _losses(trial: Trial) -> dict[int, float]:
    """Return the training loss of each epoch, counted from 1, without those that are not finite."""
    curve = trial.result.curve if trial.result else ()
    return {epoch: loss for epoch, loss in enumerate(curve, start=1) if plain(loss) is not None}
