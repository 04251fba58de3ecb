"""The interface of samplers: `Sampler`, the options, and `Proposer`, which proposes points of a space."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict

from space import Architecture, Point, Space, UserError

Permits: TypeAlias = Callable[[Architecture], bool]
"""A function that returns True if a network is within the limits of a search."""


def every_network(network: Architecture) -> bool:
    """Return True for any network: the `Permits` of a search without limits."""
    return True


@dataclass(frozen=True, slots=True)
class Partial:
    """The result of a training shorter than the full one.

    epochs: the length of the training. reward: the reward after it, which can only be compared with rewards after
    as many epochs. expected: the predicted reward after the full training. std: the standard deviation of that
    prediction. Both are None where `search.pruners.calibration` predicts nothing.
    """

    epochs: int
    reward: float
    expected: float | None = None
    std: float | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """A trial, or a rejected proposal, in the history that a sampler learns from.

    number: the number of the trial. point: the index of an option for each choice. reward: the reward after the full
    training, with an accuracy that is estimated by `search.trials.estimated`; None while the trial runs (`finished`
    is False), and if it failed or was pruned (`finished` is True). objectives: the error and the costs, each to be
    minimised; () without a reward. partial: the longest low-fidelity training of a trial without a reward. rejected:
    True for a proposal that became no trial, since its network was a duplicate or exceeded a limit. imported: True if
    the trial belongs to an earlier search.
    """

    number: int
    point: Point
    reward: float | None
    finished: bool
    objectives: tuple[float, ...] = ()
    partial: Partial | None = None
    rejected: bool = False
    imported: bool = False

    @property
    def expected(self) -> float | None:
        """The reward, or the reward predicted from a shorter training; None without either."""
        if self.reward is None and self.partial:
            return self.partial.expected
        return self.reward


class Exhausted(Exception):
    """The exception that ends a search, since no network is left that is worth a trial. The message is the reason."""

    def __init__(self, why: str = "every network of the space that keeps the limits has been tried") -> None:
        super().__init__(why)


class Proposer(Protocol):
    """The part of a sampler that proposes points of one space."""

    def propose(self, history: Sequence[Observation], seed: int) -> Point:
        """Return the next point to try. Raise `Exhausted` if there is none.

        history: all trials so far by number, running ones included, then the rejected proposals. After a rejection
        the proposer is asked again with another seed, up to `Sampler.attempts` times in all. Then the engine takes
        the acceptable network nearest to the last proposal. The result must depend on the arguments alone.
        """


class Sampler(BaseModel, ABC):
    """The YAML group `sampler`: a strategy with its options."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    max_attempts: ClassVar[int] = 4
    """The number of proposals that may be rejected before the nearest acceptable network is taken."""
    random: ClassVar[bool] = True
    """True if another seed can give another proposal."""
    stratified: ClassVar[bool] = False
    """True if the first trials of a search are published networks and then random ones of all sizes, not uniform
    draws."""
    multi_objective: ClassVar[bool] = False
    """True if it can search for a Pareto front."""

    sampler: str
    """The key in `SAMPLERS`."""

    @property
    def random_until(self) -> int | None:
        """The number of results (if `stratified`, of trials) below which proposals are random; None if all are."""
        return 0

    def attempts(self, trials: int) -> int:
        """Return how many proposals for one trial may be rejected. trials: the number of trials before that one."""
        return self.max_attempts

    @abstractmethod
    def proposer(
        self,
        space: Space,
        permits: Permits = every_network,
        trials: int | None = None,
        objectives: int = 1,
    ) -> Proposer:
        """Return the proposer of a search in `space`.

        permits: a function that returns True if a network is within the limits; samplers may ignore it. trials: the
        number of trials of the search without imported ones, None if unknown. objectives: the number of objectives.
        With 1, the proposer maximises the reward. With more, which requires `multi_objective`, it minimises the
        objectives of `Observation`.
        """

    def check_objectives(self, objectives: int) -> None:
        """Raise `UserError` if the sampler cannot optimise so many objectives."""
        if objectives > 1 and not self.multi_objective:
            raise UserError(
                f"sampler={self.sampler} maximises a single number; for reward=pareto take auto, gp, tpe or nsga2."
            )
