"""What a search maximises: one number from accuracy and costs, its terms kept apart; and limits on costs.

A cost enters relative to a unit, the reference network's cost or a target. EfficientNetV2 (Tan and Le 2021,
section 3.2) maximises A * S^w * P^v: with S and P relative to a reference, that reads as an accuracy: of an
equally good network which trains as fast and is as large as the reference. The choice of reference multiplies
all such rewards by one constant, so it changes no ranking.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from search.settings.extensions import ENTRY_POINTS
from search.settings.quantities import count
from space import Architecture, cost, decode, published
from space.cost.memory import training_memory
from space.registry import Registry

UNIT = "v2-b0"
"""The network whose costs are the units unless another is named."""

CostName = Literal["step", "macs", "params", "activations", "memory"]
"""What a network can cost. step: a training step's time relative to the reference network's, measured beside it;
memory: bytes that a training holds (`space.cost.memory`); the others as in `space.Cost`. All of the full network."""


@dataclass(frozen=True, slots=True)
class Term:
    """What one cost contributes to a reward. ratio: the cost in its unit, positive. value: the factor or summand."""

    cost: CostName
    ratio: float
    value: float


@dataclass(frozen=True, slots=True)
class Terms:
    """A reward and what it is made of. accuracy: 0..1. sign: what joins it to the costs' terms."""

    reward: float
    accuracy: float
    costs: tuple[Term, ...]
    sign: Literal["x", "+"] = "x"

    @property
    def objectives(self) -> tuple[float, ...]:
        """What the reward weighs against each other, each to be minimised: the error, then each cost."""
        return (1 - self.accuracy, *(term.ratio for term in self.costs))

    def __str__(self) -> str:
        """The reward term by term: "reward 0.7736 = accuracy 0.8000 x step 0.947 x params 1.021"."""
        parts = (f" {self.sign} {term.cost} {term.value:.3f}" for term in self.costs)
        return f"reward {self.reward:.4f} = accuracy {self.accuracy:.4f}" + "".join(parts)


class Reward(BaseModel, ABC):
    """The YAML group `reward`: an objective with its options, and the limits that a network must keep.

    A new objective is a subclass with one line in `REWARDS`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    reward: str
    """The key in `REWARDS`."""
    reference: str = UNIT
    """The network whose costs are the units: a catalog name or a canonical string."""
    batch: int = Field(default=32, ge=1)
    """Images of the training whose memory is meant, where memory counts or is limited."""
    max_params: int | None = Field(default=None, ge=1)
    max_macs: int | None = Field(default=None, ge=1)
    max_activations: int | None = Field(default=None, ge=1)
    max_memory: int | None = Field(default=None, ge=1)
    """Bytes. Limits are of the full network; a network over a limit is never trained."""
    max_step_ms: float | None = Field(default=None, gt=0)
    """Milliseconds of a training step, predicted from the device's profile for as many images as it has."""

    @field_validator("max_params", "max_macs", "max_activations", "max_memory", mode="before")
    @classmethod
    def _whole(cls, value: object) -> object:
        if isinstance(value, str):
            return count(value)
        return int(value) if isinstance(value, float) and value.is_integer() else value

    @field_validator("reference")
    @classmethod
    def _known(cls, value: str) -> str:
        network(value)
        return value

    multi_objective: ClassVar[bool] = False
    """Whether a search optimises accuracy and costs side by side, and not the reward."""

    @property
    @abstractmethod
    def costs(self) -> tuple[CostName, ...]:
        """Which costs count."""

    @abstractmethod
    def terms(self, accuracy: float, ratios: Mapping[CostName, float]) -> Terms:
        """The reward of a network from its accuracy, 0..1, and the costs that count, each in its unit, positive."""

    def unit(self, name: CostName, reference: Architecture) -> float:
        """What a cost is relative to: the reference network's cost."""
        return 1.0 if name == "step" else self.spent(name, reference)

    def spent(self, name: CostName, network: Architecture) -> int:
        """A cost of `network` that needs no measurement: any but the step time."""
        return training_memory(network, self.batch) if name == "memory" else getattr(cost(network), name)

    def limits(self) -> dict[CostName, int]:
        """The limits that are set, by the cost that they limit."""
        every: tuple[CostName, ...] = ("params", "macs", "activations", "memory")
        found = {name: getattr(self, f"max_{name}") for name in every}
        return {name: limit for name, limit in found.items() if limit is not None}

    def exceeds(self, network: Architecture, step_ms: float | None = None) -> str:
        """Which limit a full network breaks, in words; "" if it keeps all. step_ms: predicted, None if unknown."""
        for name, limit in self.limits().items():
            value = self.spent(name, network)
            if value > limit:
                return f"{name} {value:,} > reward.max_{name} {limit:,}"
        if step_ms is not None and self.max_step_ms is not None and step_ms > self.max_step_ms:
            return f"step {step_ms:.1f} ms > reward.max_step_ms {self.max_step_ms:g}"
        return ""

    def score(
        self, accuracy: float, step_ratio: float | None, network: Architecture, reference: Architecture
    ) -> Terms:
        """The reward of a trained network. step_ratio: S/S0, None where it was not measured.

        Raises ValueError where a figure that counts is missing or the reward would not be a finite number.
        """
        ratios: dict[CostName, float] = {}
        for name in self.costs:
            value = step_ratio if name == "step" else self.spent(name, network)
            if value is None:
                raise ValueError("the step time is missing")
            ratios[name] = value / self.unit(name, reference)
        terms = self.terms(accuracy, ratios)
        if not math.isfinite(terms.reward):
            raise ValueError(f"the reward is {terms.reward}")
        return terms


class EfficientNetV2(Reward):
    """A * (C/C0)^w * (P/P0)^v: `cost` and parameters, relative to the reference's."""

    cost: CostName = "step"
    w: float = Field(default=-0.07, le=0)
    """Halving the training step time is worth as much as 5.0% more accuracy (0.5 ** -0.07 = 1.0497)."""
    v: float = Field(default=-0.05, le=0)
    """Halving the parameters is worth 3.5% (0.5 ** -0.05 = 1.0353)."""

    @model_validator(mode="after")
    def _once(self) -> EfficientNetV2:
        if self.cost == "params" and self.w and self.v:
            raise ValueError("cost=params, and v weighs the parameters already; set v=0 or another cost")
        return self

    @property
    def costs(self) -> tuple[CostName, ...]:
        return tuple(self._exponents())

    def terms(self, accuracy: float, ratios: Mapping[CostName, float]) -> Terms:
        costs = tuple(Term(name, ratios[name], ratios[name] ** e) for name, e in self._exponents().items())
        return Terms(accuracy * math.prod(term.value for term in costs), accuracy, costs)

    def _exponents(self) -> dict[CostName, float]:
        """Of the costs that count. One with exponent 0 is not even measured."""
        both: list[tuple[CostName, float]] = [(self.cost, self.w), ("params", self.v)]
        return {name: exponent for name, exponent in both if exponent}


class Pareto(EfficientNetV2):
    """Accuracy, `cost` and parameters, each optimised beside the others: the search is for the whole front.

    w and v say what the reward of a trial is, which orders tables; what is proposed does not depend on them, but
    on which of them are 0, since what has no weight is no objective.
    """

    multi_objective: ClassVar[bool] = True


class Targeted(Reward):
    """An objective with one cost and a target T for it."""

    cost: CostName = "step"
    target: float | None = Field(default=None, gt=0)
    """T in the cost's own unit: multiply-adds, parameters, elements or bytes of the full network, and for `step`
    as a multiple of the reference's step time; null: the reference's cost."""

    @field_validator("target", mode="before")
    @classmethod
    def _amount(cls, value: object) -> object:
        return count(value) if isinstance(value, str) else value

    @property
    def costs(self) -> tuple[CostName, ...]:
        return (self.cost,)

    def unit(self, name: CostName, reference: Architecture) -> float:
        return self.target or super().unit(name, reference)


class MnasNet(Targeted):
    """A * (C/T)^w, w being alpha up to the target and beta above it (Tan et al. 2019, section 3).

    Soft: alpha = beta = -0.07. Hard: alpha = 0, beta = -1. With multiply-adds it is EfficientNet's
    A * (FLOPS/T)^w, T being 400M (Tan and Le 2019, section 4).
    """

    alpha: float = Field(default=-0.07, le=0)
    """Doubling the cost is worth about 5% of the accuracy."""
    beta: float = Field(default=-0.07, le=0)

    def terms(self, accuracy: float, ratios: Mapping[CostName, float]) -> Terms:
        ratio = ratios[self.cost]
        factor = ratio ** (self.alpha if ratio <= 1 else self.beta)
        return Terms(accuracy * factor, accuracy, (Term(self.cost, ratio, factor),))


class TuNAS(Targeted):
    """A + beta * |C/T - 1| (Bender et al. 2020): what is cheaper than the target loses as what is dearer does."""

    beta: float = Field(default=-0.10, le=0)
    """google-research tunas/search_space_utils.py has this default."""

    def terms(self, accuracy: float, ratios: Mapping[CostName, float]) -> Terms:
        ratio = ratios[self.cost]
        summand = self.beta * abs(ratio - 1)
        return Terms(accuracy + summand, accuracy, (Term(self.cost, ratio, summand),), "+")


REWARDS: Registry[type[Reward]] = Registry(
    ENTRY_POINTS["reward"],
    {"effv2": EfficientNetV2, "mnasnet": MnasNet, "tunas": TuNAS, "pareto": Pareto},
)
"""Every objective by the name that `reward=` takes: the extension point."""


def network(name: str) -> Architecture:
    """The architecture that a catalog name ("v2-b0") or a canonical string stands for."""
    return decode(name) if "/" in name else published(name).architecture
