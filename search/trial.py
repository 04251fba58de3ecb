"""A trial as users see it: the proposed network, what it costs, what was measured, and the reward of that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from search.evaluate import Result
from search.ledger import Record, State
from search.profiles import Prediction
from search.profiles.forecast import Forecast
from search.reward import Reward, Terms
from space import Architecture, Cost, Point, cost, decode


@dataclass(frozen=True, slots=True)
class Trial:
    """One network of a search.

    seed: of the training. point: of the space. cost: of the full network. result, terms: None until it is
    complete. reason: why it failed. asked, told: when it was proposed and finished, in seconds since 1970.
    predicted: the step time by the run's profile. step_ratio: S/S0 as the reward has it, from the profile
    where the run has one, else measured; both None where they are unknown.
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
    asked: float
    told: float | None
    predicted: Prediction | None = None
    step_ratio: float | None = None


def judge(record: Record, reward: Reward, reference: Architecture, forecast: Forecast | None = None) -> Trial:
    """The trial that a row of the ledger stands for, scored by `reward` relative to the reference network.

    Raises ValueError where a figure that counts is missing or the reward would not be a finite number.
    """
    architecture = decode(record.architecture)
    terms, result = None, record.result
    ratio = forecast.ratio(architecture) if forecast else result and result.step_ratio
    if result and record.state in ("complete", "duplicate"):
        terms = reward.score(result.accuracy, ratio, architecture, reference)
    return Trial(
        record.number,
        record.state,
        architecture,
        record.seed,
        record.point,
        cost(architecture),
        result,
        terms,
        record.attempt,
        record.reason,
        record.asked,
        record.told,
        forecast.step(architecture) if forecast else None,
        ratio,
    )


def ranked(trials: tuple[Trial, ...]) -> list[Trial]:
    """The complete trials, the best first."""
    complete = [trial for trial in trials if trial.state == "complete" and trial.terms]
    return sorted(complete, key=lambda trial: -trial.terms.reward if trial.terms else 0.0)


def best(trials: Iterable[Trial]) -> Trial | None:
    """The complete trial with the highest reward, the first of several; None if none is complete."""
    complete = (trial for trial in trials if trial.state == "complete" and trial.terms)
    return max(complete, key=lambda trial: trial.terms.reward if trial.terms else 0.0, default=None)
