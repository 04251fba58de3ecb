"""A trial as users see it: the proposed network, its costs, its measurements and its reward."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, replace
from html import escape

from search.profiles import Prediction
from search.profiles.forecast import Forecast
from search.proxy.evaluate import Result
from search.reward import Latency, Reward, Terms
from search.tables.units import si
from search.trials.records import FinalTraining, Record, State
from space import Architecture, Cost, Point, cost, decode

RANKED: tuple[State, ...] = ("complete", "imported")
"""The states of trials with a result of their own, from this search or an earlier one."""


@dataclass(frozen=True, slots=True)
class Rung:
    """The result of a low-fidelity training (at a rung below the last, see `search.pruners`), with its reward."""

    result: Result
    terms: Terms


@dataclass(frozen=True, slots=True, repr=False)
class Trial:
    """One network of a search.

    >>> from search import open_run
    >>> trial = open_run("photos").trial(2)
    >>> trial.state, trial.params, trial.accuracy > 0.8
    ('complete', 6508, True)

    seed: the seed of its training. point: the index of an option for each choice of the space, () for a network
    outside the space; in `scale fit`, the number of the network. cost: the cost of the full network. result, terms:
    the result of the full training and the terms of the reward. Complete and imported trials and duplicates have
    both. A pruned trial has the result of its longest training, but no terms; others have neither. attempt: the
    number of the latest attempt of the current training, counted from 1. reason: the reason of a failure, else "".
    origin: the run and number of an imported trial, as "RUN:12", else "". proposed_at, finished_at: the times in
    seconds since 1970. predicted: the step time that the run's profile predicts. step_ratio: the step time over the
    reference's (S/S0), predicted if the run has a profile of step times, else measured. Both are None if unknown.
    final_trainings: the trainings with fresh seeds, after the search. final_terms: the terms of the reward of their
    mean accuracy, None before the first result. rungs: the results of the trainings at rungs below the last, the
    shortest first. latency: the latency that the run's profile of latencies predicts, None without such a profile.
    """

    number: int
    state: State
    architecture: Architecture
    seed: int
    point: Point
    cost: Cost
    result: Result | None
    terms: Terms | None
    attempt: int
    reason: str
    proposed_at: float
    finished_at: float | None
    predicted: Prediction | None = None
    step_ratio: float | None = None
    origin: str = ""
    final_trainings: tuple[FinalTraining, ...] = ()
    final_terms: Terms | None = None
    rungs: tuple[Rung, ...] = ()
    latency: Latency | None = None

    @property
    def accuracy(self) -> float | None:
        """The accuracy of its longest training on the validation split, 0 to 1; None without a result."""
        return self.result.accuracy if self.result else None

    @property
    def reward(self) -> float | None:
        """The reward under the objective of the search; None without a full training. `terms` has its parts."""
        return self.terms.reward if self.terms else None

    @property
    def params(self) -> int:
        """The number of parameters of the full network."""
        return self.cost.params

    def __repr__(self) -> str:
        measured = [(name, getattr(self, name)) for name in ("reward", "accuracy")]
        figures = [f"{name} {value:.4f}" for name, value in measured if value is not None]
        return f"<Trial {self.number}: {', '.join([self.state, *figures, f'{si(self.params)} params'])}>"

    def _repr_html_(self) -> str:
        """Return the trial and the stages of its network as HTML, for notebooks."""
        return f"<p>{escape(repr(self))}</p>{self.architecture._repr_html_()}"

    def rung(self, epochs: int) -> Rung | None:
        """Return the result at the rung of `epochs` epochs, None if the trial has none."""
        return next((rung for rung in self.rungs if rung.result.epochs == epochs), None)

    @property
    def final_accuracies(self) -> tuple[float, ...]:
        """The accuracies of its trainings with fresh seeds that have a result, 0 to 1; () if there are none."""
        return tuple(training.result.accuracy for training in self.final_trainings if training.result)


def trial_from_record(
    record: Record,
    reward: Reward,
    reference: Architecture,
    forecast: Forecast | None = None,
    latencies: Forecast | None = None,
) -> Trial:
    """Return the trial in a row of the ledger, with its reward. reference: the reference network of the reward.

    forecast, latencies: the predictions of step times and of latencies, None without a profile. Raises ValueError
    if a cost that counts is missing or the reward would not be a finite number.
    """
    architecture = decode(record.architecture)
    shorter = record.rungs if record.state not in ("duplicate", "imported") else ()
    result = record.result or (shorter[-1] if record.state == "pruned" else None)
    timed = result or (shorter[-1] if shorter else None)
    measured = timed.step_ratio if timed else None
    ratio = forecast.ratio(architecture) if forecast else measured
    trial = Trial(
        record.number,
        record.state,
        architecture,
        record.seed,
        record.point,
        cost(architecture),
        result,
        None,
        record.attempt,
        "" if record.state == "imported" else record.reason,
        record.proposed_at,
        record.finished_at,
        forecast.step(architecture) if forecast else None,
        ratio,
        record.reason if record.state == "imported" else "",
        record.final_trainings if record.state in RANKED else (),
        latency=latencies.latency(architecture) if latencies else None,
    )
    rungs = tuple(Rung(each, _terms(each.accuracy, trial, reward, reference)) for each in shorter)
    return replace(with_reward(trial, reward, reference), rungs=rungs)


def with_reward(trial: Trial, reward: Reward, reference: Architecture) -> Trial:
    """Return `trial` with the terms of `reward`. Raises the errors of `trial_from_record`."""
    terms = final = None
    if trial.result and trial.state in (*RANKED, "duplicate"):
        terms = _terms(trial.result.accuracy, trial, reward, reference)
    if trial.final_accuracies:
        final = _terms(statistics.fmean(trial.final_accuracies), trial, reward, reference)
    rungs = tuple(
        replace(rung, terms=_terms(rung.result.accuracy, trial, reward, reference)) for rung in trial.rungs
    )
    return replace(trial, terms=terms, final_terms=final, rungs=rungs)


def _terms(accuracy: float, trial: Trial, reward: Reward, reference: Architecture) -> Terms:
    return reward.score(accuracy, trial.step_ratio, trial.architecture, reference, trial.latency)


def ranked(trials: Iterable[Trial]) -> list[Trial]:
    """Return the complete and the imported trials that have a reward, the highest first."""
    complete = [trial for trial in trials if trial.state in RANKED and trial.terms]
    return sorted(complete, key=lambda trial: -trial.terms.reward if trial.terms else 0.0)


def best(trials: Iterable[Trial]) -> Trial | None:
    """Return the trial with the highest reward; None if no trial is complete or imported."""
    complete = (trial for trial in trials if trial.state in RANKED and trial.terms)
    return max(complete, key=lambda trial: trial.terms.reward if trial.terms else 0.0, default=None)
