"""What every strategy is: options, and a proposer for a space."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

from space import Choice, Point


@dataclass(frozen=True, slots=True)
class Observation:
    """A trial as a sampler sees it. reward: None while it runs, and for one that failed (`finished`)."""

    number: int
    point: Point
    reward: float | None
    finished: bool


class Proposer(Protocol):
    """A strategy at work on one space."""

    def propose(self, history: Sequence[Observation], seed: int) -> Point:
        """A point to try next. history: every trial so far by number, the running ones too.

        The answer depends on the arguments alone. It may be a network that was tried, or one over a limit:
        the engine asks again with another seed, and in the end takes the nearest that will do.
        """


class Sampler(BaseModel, ABC):
    """The YAML group `sampler`: a strategy with its options."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    patience: ClassVar[int] = 4
    """How often it is asked again for a network that is new and within the limits."""

    sampler: str
    """The key in `SAMPLERS`."""

    @abstractmethod
    def proposer(self, choices: Sequence[Choice]) -> Proposer:
        """The strategy at work on a space with these choices."""
