"""The ranking of finished trials under another objective. Nothing is trained: accuracies and measured step times are
in the ledger, and other costs follow from the networks or from a profile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from search.profiles.forecast import Forecast
from search.profiles.lookup import latency_profile
from search.reward import Reward
from search.runs.run import Run
from search.settings.limits import Limits
from search.tables.selection import filled
from search.tables.table import Column, Table
from search.trials.answers import Answers, answers, eligible
from search.trials.columns import TERMS, TRIALS, row
from search.trials.trial import Trial, ranked, with_reward
from space import Architecture, UserError, documents

if TYPE_CHECKING:
    import pandas as pd

SCHEMA, VERSION = "compound-nas.rescored", 3
"""The name and version of the schema. The version rises with every change of the keys, their types or their meanings,
including new keys."""

RESCORED = (
    Column("rank", "Rank", form="d", description="by the new objective, from 1"),
    Column("rank_before", "Before", form="d", description="by the run's own objective, from 1"),
    *TRIALS,
    Column(
        "reward_before", "Reward before", form=".4f", description="by the run's own objective", better="high"
    ),
    Column(
        "exceeds",
        "Exceeds",
        description="the limit of the new objective that keeps the trial from being ranked",
    ),
)
BRIEF = ("rank", "rank_before", "number", "reward", "reward_before", "accuracy", *TERMS, "params", "macs")
"""The columns that fit a line of a terminal."""


@dataclass(frozen=True, slots=True)
class Place:
    """A trial under the new and the old objective.

    trial: the trial with the reward of the new objective. before: the trial with the reward of the run's own
    objective. rank, rank_before: its ranks under the two objectives, from 1; `rank` is None if the trial exceeds a
    limit. exceeds: that limit in words, "" if the trial keeps all.
    """

    trial: Trial
    before: Trial
    rank: int | None
    rank_before: int
    exceeds: str

    def row(self) -> dict[str, Any]:
        """Return a table row: a mapping of the keys of the columns `RESCORED` to values."""
        terms = self.before.terms
        return {
            **row(self.trial),
            "rank": self.rank,
            "rank_before": self.rank_before,
            "reward_before": terms and terms.reward,
            "exceeds": self.exceeds or None,
        }


@dataclass(frozen=True, slots=True, repr=False)
class Rescored:
    """The trials of a run under another objective.

    reward: the objective. places: the best first; those that exceed a limit come last. answers: the best, the most
    accurate and the cheapest trial, None for a multi-objective reward or if all exceed a limit.
    """

    reward: Reward
    places: tuple[Place, ...]
    answers: Answers | None

    def __repr__(self) -> str:
        return f"<Rescored: {len(self.places)} trials under reward={self.reward.reward}>"

    @property
    def table(self) -> Table:
        """A table with the columns `RESCORED`."""
        rows = [place.row() for place in self.places]
        return Table(rows, RESCORED, SCHEMA, VERSION, "Trials under another objective")

    def to_dataframe(self) -> pd.DataFrame:
        """Return a pandas DataFrame with a row for each trial, in the order of `places`."""
        return self.table.to_dataframe()

    def _repr_html_(self) -> str:
        """Return the columns that fit a page as HTML, for notebooks."""
        table = self.table
        columns = filled(table.rows, [column for column in RESCORED if column.key in BRIEF])
        return replace(table, columns=columns)._repr_html_()


def rescored(run: Run, reward: Reward, limits: Limits) -> list[Place]:
    """Return the complete and imported trials of a run, the best under another objective first.

    Trials over a limit come last and have no rank. Raises `UserError` if no trial is complete, and if the run has
    neither measured nor predicted a cost that the objective counts or limits. It is also raised if step times count
    that the run measured relative to another reference network.
    """
    if not run.ranked:
        raise UserError(f"The run {run.name} has no complete trial yet.")
    before = {trial.number: rank for rank, trial in enumerate(run.ranked, start=1)}
    found = ranked(_scored(run, reward, limits))
    exceeding = {trial.number: _exceeded(trial, limits) for trial in found}
    kept = [trial for trial in found if not exceeding[trial.number]]
    ranks = {trial.number: rank for rank, trial in enumerate(kept, start=1)}
    places = (
        Place(t, run.trials[t.number], ranks.get(t.number), before[t.number], exceeding[t.number])
        for t in found
    )
    return sorted(places, key=lambda place: place.rank or len(found) + 1)


def rescored_answers(run: Run, places: Sequence[Place], reward: Reward, limits: Limits) -> Answers | None:
    """Return the answers of a run under another objective, given its trials in `places`; None if all exceed a limit.

    The answers are among the trials that were trained with fresh seeds, if the finals are over and the first trial
    under the new objective is one of them. Otherwise they are among all trials within the limits. Trials whose
    measured latency is too high are left out, as by `search.trials.answers.eligible`.
    """
    within = [place.trial for place in places if place.rank]
    if not within:
        return None
    within = eligible((), within, limits)
    finalists = [trial for trial in within if trial.final_terms]
    candidates = finalists if run.verdict and within[0].final_terms else within
    best = max(candidates, key=lambda trial: (trial.final_terms or trial.terms).reward)  # type: ignore[union-attr]
    return answers(candidates, best, reward, limits, run.effective_images)


def _scored(run: Run, reward: Reward, limits: Limits) -> Iterator[Trial]:
    reference, forecast = _reference(run, reward), run.config.forecast
    if forecast:
        forecast = replace(forecast, reference=reference)
    latencies = _latencies(run, reward, limits, reference)
    for trial in run.ranked:
        ratio = forecast.ratio(trial.architecture) if forecast else trial.step_ratio
        latency = latencies.latency(trial.architecture) if latencies else None
        try:
            yield with_reward(replace(trial, step_ratio=ratio, latency=latency), reward, reference)
        except ValueError as error:
            raise UserError(
                f"{run.name}:{trial.number}: {error}; the run did not measure it. reward.w=0 leaves it out, and "
                "reward.cost=macs counts another cost."
            ) from None


def _latencies(run: Run, reward: Reward, limits: Limits, reference: Architecture) -> Forecast | None:
    """Return the forecast of latencies: the run's, else one from a saved profile of this device.

    Returns None if the run has no forecast and latencies neither count nor are limited. Raises `UserError` if a
    forecast is needed and no profile is saved.
    """
    config = run.config
    if config.latencies:
        return replace(config.latencies, reference=reference)
    if "latency" not in reward.costs and limits.latency is None:
        return None
    profile = latency_profile(config.space)
    if profile is None:
        # Only a shipped space can be chosen by its name.
        shipped = config.space.name in documents.names("space")
        words = f"space={config.space.name} cost=latency" if shipped else "cost=latency SPACE"
        raise UserError(
            f"The run {run.name} has no latencies; a profile of this device predicts them: search profile {words}"
            + ", where SPACE are the words for the space that began the run." * (not shipped)
        )
    return Forecast(profile, reference, one_resolution=False)


def _reference(run: Run, reward: Reward) -> Architecture:
    """Return the reference network of the new objective, with the classes and channels of the run's data.

    Raises `UserError` if step times count and the run measured them relative to another network.
    """
    before, frame = run.config, run.config.space.frames[0]
    reference = replace(reward.network, classes=frame.classes, channels=frame.channels)
    if reference != before.reference and "step" in reward.costs and not before.forecast:
        raise UserError(
            f"reward.reference={reward.reference}: the run measured step times relative to {before.reward.reference} "
            "only."
        )
    return reference


def _exceeded(trial: Trial, limits: Limits) -> str:
    if limits.step is not None and not trial.predicted:
        raise UserError("limit.step needs predicted step times; the run was begun without a profile.")
    times = {"step": trial.predicted.ms} if trial.predicted else {}
    if trial.latency:
        times["latency"] = trial.latency.ms
    return limits.exceeded(trial.architecture, times)
