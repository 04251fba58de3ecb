"""A trial as users see it: the proposed network, what it costs, what was measured, and the reward of that."""

from __future__ import annotations

from dataclasses import dataclass

from search.evaluate import Result
from search.ledger import Record, State
from search.reward import Reward, Terms
from space import Architecture, Cost, Point, cost, decode


@dataclass(frozen=True, slots=True)
class Trial:
    """One network of a search.

    seed: of the training. point: of the space. cost: of the full network. result, terms: None until it is
    complete. reason: why it failed. asked, told: when it was proposed and finished, in seconds since 1970.
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


def judge(record: Record, reward: Reward, reference: Architecture) -> Trial:
    """The trial that a row of the ledger stands for, scored by `reward` relative to the reference network."""
    architecture = decode(record.architecture)
    terms, result = None, record.result
    if result and record.state in ("complete", "duplicate"):
        terms = reward.score(result.accuracy, result.step_ratio, architecture, reference)
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
    )


def ranked(trials: tuple[Trial, ...]) -> list[Trial]:
    """The complete trials, the best first."""
    complete = [trial for trial in trials if trial.state == "complete" and trial.terms]
    return sorted(complete, key=lambda trial: -trial.terms.reward if trial.terms else 0.0)
