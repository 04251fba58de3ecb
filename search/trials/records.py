"""The rows that the ledger stores: trials, and final trainings, which have fresh seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from search.proxy.evaluate import Result
from space import Point

State = Literal["waiting", "running", "complete", "failed", "pruned", "duplicate", "imported"]


@dataclass(frozen=True, slots=True)
class FinalTraining:
    """A training of a trial's network with a fresh seed.

    attempt: the number of the latest attempt, counted from 1. interruptions: the number of times that the driver
    died during this training.
    """

    seed: int
    attempt: int
    state: Literal["waiting", "running", "complete", "failed"]
    reason: str = ""
    result: Result | None = None
    interruptions: int = 0

    @property
    def over(self) -> bool:
        """True if the training is complete or has failed for good."""
        return self.state in ("complete", "failed")


@dataclass(frozen=True, slots=True)
class Record:
    """A row of the ledger: a proposal, with the result of its training if there is one.

    seed: the seed of the training. point: the index of an option for each choice of the space, () for a network
    outside the space; in `scale fit`, the number of the network. reason: the reason of the failure; for an imported
    trial, its run and number. proposed_at, finished_at: the times in seconds since 1970. attempt: the number of the
    latest attempt of the current training, counted from 1. interruptions: the number of times that the driver died
    while the trial was running. final_trainings: the final trainings of the network, ordered by seed. rungs: the
    results of the network's shorter trainings, the shortest first.
    """

    number: int
    digest: str
    architecture: str
    seed: int
    point: Point
    state: State
    attempt: int
    reason: str
    proposed_at: float
    finished_at: float | None
    result: Result | None
    final_trainings: tuple[FinalTraining, ...] = ()
    rungs: tuple[Result, ...] = ()
    interruptions: int = 0
