"""What a search maximises. One number from accuracy and cost, its terms kept apart; and limits on cost.

EfficientNetV2 (Tan and Le 2021, section 3.2) maximises A * S^w * P^v: accuracy, normalised training step
time, parameter size; w = -0.07, v = -0.05. With S and P taken relative to a reference network, the reward reads
as an accuracy: that of an equally good network which trains as fast and is as large as the reference. The
choice of reference multiplies all rewards by one constant, so it changes no ranking.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, field_validator

from space import Architecture, Cost, decode, published
from space.registry import Registry


@dataclass(frozen=True, slots=True)
class Terms:
    """A reward and the factors whose product it is.

    accuracy: 0..1. step_term: (S/S0)^w, 1 where S does not count. params_term: (P/P0)^v.
    """

    reward: float
    accuracy: float
    step_term: float
    params_term: float


class Reward(BaseModel, ABC):
    """The YAML group `reward`: an objective with its options, and the limits that a network must keep.

    A new objective is a subclass with one line in `REWARDS`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    reward: str
    """The key in `REWARDS`."""
    reference: str = "v2-b0"
    """The network whose step time and parameters are the units: a catalog name or a canonical string."""
    max_params: int | None = Field(default=None, ge=1)
    max_macs: int | None = Field(default=None, ge=1)
    """Of the full network; a network over a limit is never trained."""

    @field_validator("max_params", "max_macs", mode="before")
    @classmethod
    def _whole(cls, value: object) -> object:
        return int(value) if isinstance(value, float) and value.is_integer() else value

    @field_validator("reference")
    @classmethod
    def _known(cls, value: str) -> str:
        network(value)
        return value

    def exceeds(self, spent: Cost) -> str:
        """Which limit the cost of a full network breaks, in words; "" if it keeps all."""
        for name, limit in (("params", self.max_params), ("macs", self.max_macs)):
            value = getattr(spent, name)
            if limit is not None and value > limit:
                return f"{name} {value:,} > reward.max_{name} {limit:,}"
        return ""

    @property
    @abstractmethod
    def needs_step_time(self) -> bool:
        """Whether the step time must be measured."""

    @abstractmethod
    def terms(self, accuracy: float, step_ratio: float | None, params_ratio: float) -> Terms:
        """The reward of a network. step_ratio: S/S0, params_ratio: P/P0, both positive.

        Raises ValueError where a figure that counts is missing or not finite.
        """


class EfficientNetV2(Reward):
    """A * (S/S0)^w * (P/P0)^v."""

    w: float = -0.07
    """Halving the training step time is worth as much as 5.0% more accuracy (0.5 ** -0.07 = 1.0497)."""
    v: float = -0.05
    """Halving the parameters is worth 3.5% (0.5 ** -0.05 = 1.0353)."""

    @property
    def needs_step_time(self) -> bool:
        return self.w != 0

    def terms(self, accuracy: float, step_ratio: float | None, params_ratio: float) -> Terms:
        step_term = 1.0
        if self.needs_step_time:
            if step_ratio is None:
                raise ValueError("the step time is missing")
            step_term = step_ratio**self.w
        params_term = params_ratio**self.v
        reward = accuracy * step_term * params_term
        if not math.isfinite(reward):
            raise ValueError(f"the reward is {reward}")
        return Terms(reward, accuracy, step_term, params_term)


REWARDS: Registry[type[Reward]] = Registry("compound_nas.rewards", {"effv2": EfficientNetV2})
"""Every objective by the name that `reward=` takes: the extension point."""


def network(name: str) -> Architecture:
    """The architecture that a catalog name ("v2-b0") or a canonical string stands for."""
    return decode(name) if "/" in name else published(name).architecture
