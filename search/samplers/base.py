"""What every strategy is: options, and a proposer for a space."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

from space import Architecture, Choice, Point, Space, UserError


@dataclass(frozen=True, slots=True)
class Partial:
    """What a training of so many epochs, shorter than the whole, told of a network.

    reward: after that training; it compares with others of as many epochs, and with no whole one. expected: the
    reward after the whole training, as networks that had both let expect; std: its standard deviation, both
    None where they are too few.
    """

    epochs: int
    reward: float
    expected: float | None = None
    std: float | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """A trial as a sampler sees it. reward: None while it runs, and for one that failed (`finished`).

    objectives: what the reward weighs against each other, each to be minimised; () where there is no reward.
    partial: of a trial without reward that had a shorter training, be it trained further or not (`finished`).
    earlier: whether it is of an earlier search.
    """

    number: int
    point: Point
    reward: float | None
    finished: bool
    objectives: tuple[float, ...] = ()
    partial: Partial | None = None
    earlier: bool = False

    @property
    def expected(self) -> float | None:
        """The reward, or what a shorter training lets expect of it; None where nothing does."""
        if self.reward is None and self.partial:
            return self.partial.expected
        return self.reward


class Exhausted(Exception):
    """There is nothing left that is worth training: why, in one line."""

    def __init__(self, why: str = "every network of the space that keeps the limits has been tried") -> None:
        super().__init__(why)


class Proposer(Protocol):
    """A strategy at work on one space."""

    def propose(self, history: Sequence[Observation], seed: int) -> Point:
        """A point to try next. Raises `Exhausted` if there is none.

        history: every trial so far by number, the running ones too; then, as failed ones of number -1, what was
        proposed in vain: another name of a network that was tried, or one over a limit. It is asked again then,
        with another seed, `Sampler.asked` times; after that the nearest network that will do is taken.
        The answer depends on the arguments alone.
        """


class Sampler(BaseModel, ABC):
    """The YAML group `sampler`: a strategy with its options."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    patience: ClassVar[int] = 4
    """How often it is asked for a network that is new and within the limits."""
    random: ClassVar[bool] = True
    """Whether another seed gives another proposal."""
    stratified: ClassVar[bool] = False
    """Whether its draws are spread over sizes, after published networks, instead of uniform."""

    sampler: str
    """The key in `SAMPLERS`."""

    @property
    def random_until(self) -> int | None:
        """How many results it has before it proposes anything but draws; None: it never does.

        How many trials instead, if it is `stratified`.
        """
        return 0

    def asked(self, trials: int) -> int:
        """How often it is asked for such a network when there are so many trials."""
        return self.patience

    @abstractmethod
    def proposer(self, choices: Sequence[Choice]) -> Proposer:
        """The strategy at work on a space with these choices."""

    def within(self, space: Space, permits: Callable[[Architecture], bool]) -> Proposer:
        """The strategy at work on `space`, of which a search trains only what `permits`.

        For strategies that use what is known of networks before any is trained. To most the choices are enough.
        """
        return self.proposer(space.choices)

    def lasting(self, space: Space, permits: Callable[[Architecture], bool], trials: int | None) -> Proposer:
        """As `within`, in a search of so many trials, those of earlier runs apart; None: nobody knows how many.

        For strategies that end otherwise than they go on.
        """
        return self.within(space, permits)

    def compromising(self, choices: Sequence[Choice], objectives: int) -> Proposer:
        """The strategy at work on the front of so many objectives, those of `Observation`, instead of the reward.

        Raises `UserError` where it can only maximise one number.
        """
        raise UserError(
            f"sampler={self.sampler} maximises one number; reward=pareto takes auto, gp, tpe or nsga2."
        )
