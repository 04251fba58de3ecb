"""The objective of a search: one number from accuracy and costs, with its terms kept apart.

A cost enters relative to a unit, which is the reference network's cost or a target. EfficientNetV2 (Tan and Le 2021,
section 3.2) maximises A * S^w * P^v, with the accuracy A, the step time S and the number of parameters P. With S and
P relative to a reference network, this reward can be read as an accuracy. It is the accuracy at which a network with
the costs of the reference would be equally good. Another reference multiplies all such rewards by one constant, so it
changes no ranking.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from search.settings.extensions import ENTRY_POINTS
from space import CATALOG, Architecture
from space.catalog import unpublished
from space.choices.named_networks import FORMS, named_network
from space.cost.table import BATCH, CostName, cost_row, exact_cost, parse_amount
from space.extension_points import Registry

UNIT = "v2-b0"
"""The reference network of a `Reward` without `reference`. A `Config` always sets a reference."""


@dataclass(frozen=True, slots=True)
class Latency:
    """The predicted milliseconds of an inference of a network, and of the reward's reference network.

    unmeasured: the share of `ms` in blocks that were never measured, 0 to 1.
    """

    ms: float
    reference_ms: float
    unmeasured: float = 0.0


@dataclass(frozen=True, slots=True)
class Term:
    """The contribution of one cost to a reward.

    ratio: the cost divided by its unit, positive. value: the factor or the summand in the reward.
    """

    cost: CostName
    ratio: float
    value: float


@dataclass(frozen=True, slots=True)
class Terms:
    """A reward and its terms.

    accuracy: the accuracy, 0 to 1. sign: the symbol of the operation that joins the accuracy to the cost terms.
    """

    reward: float
    accuracy: float
    costs: tuple[Term, ...]
    sign: Literal["x", "+"] = "x"

    @property
    def objectives(self) -> tuple[float, ...]:
        """The quantities that the reward weighs, each to be minimised: 1 - accuracy, then the ratio of each cost."""
        return (1 - self.accuracy, *(term.ratio for term in self.costs))

    def __str__(self) -> str:
        """Return the reward term by term: "reward 0.7736 = accuracy 0.8000 x step 0.947 x params 1.021"."""
        parts = (f" {self.sign} {term.cost} {term.value:.3f}" for term in self.costs)
        return f"reward {self.reward:.4f} = accuracy {self.accuracy:.4f}" + "".join(parts)


class Reward(BaseModel, ABC):
    """The YAML group `reward`: an objective with its options.

    A new objective is a subclass with one line in `REWARDS`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    reward: str
    """The key in `REWARDS`."""
    reference: str | None = None
    """The network whose costs are the units: a published network or a canonical string. Files and block strings are
    replaced by the canonical string, so that a run does not depend on a file. None: `UNIT`, but in a search a network
    of the space, which `search.config.Config` chooses."""
    batch: int = Field(default=BATCH, ge=1)
    """The number of images in the training batch that memory is computed for, where memory counts."""

    @field_validator("reference")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        return value if value is None or value in CATALOG else str(network(value))

    multi_objective: ClassVar[bool] = False
    """True if a search optimises accuracy and costs separately, instead of the reward."""

    @property
    def network(self) -> Architecture:
        """The reference network with its own numbers of classes and channels, not those of the data."""
        return network(self.reference or UNIT)

    @property
    @abstractmethod
    def costs(self) -> tuple[CostName, ...]:
        """The names of the costs that count in the reward."""

    @abstractmethod
    def terms(self, accuracy: float, ratios: Mapping[CostName, float]) -> Terms:
        """Return the reward of a network from its accuracy, 0 to 1, and the cost ratios."""

    def unit(self, name: CostName, reference: Architecture, latency_ms: float = math.nan) -> float:
        """Return the unit of a cost, the amount that counts as 1: the cost of `reference`.

        For the latency, `latency_ms` is returned, the reference's latency in milliseconds. The unit of the step time
        is 1, since step times are given as ratios already.
        """
        if name == "latency":
            return latency_ms
        return 1.0 if name == "step" else self.exact_cost(name, reference)

    def exact_cost(self, name: CostName, network: Architecture) -> int:
        """Return a cost of `network` that follows from its architecture, in the unit of `space.cost.table`.

        Raises `UserError` for the step time and the latency.
        """
        return exact_cost(name, network, self.batch)

    def score(
        self,
        accuracy: float,
        step_ratio: float | None,
        network: Architecture,
        reference: Architecture,
        latency: Latency | None = None,
    ) -> Terms:
        """Return the reward of a trained network with its terms. accuracy: 0 to 1.

        step_ratio: the step time relative to the reference's (S/S0), None where it was not measured. latency: the
        predicted latency, None without a profile. Raises ValueError if a cost that counts is missing or the reward
        would not be a finite number.
        """
        ratios: dict[CostName, float] = {}
        for name in self.costs:
            value: float | None
            if name == "latency":
                value = latency.ms if latency else None
            else:
                value = step_ratio if name == "step" else self.exact_cost(name, network)
            if value is None:
                raise ValueError(f"the {'step time' if name == 'step' else name} is missing")
            ratios[name] = value / self.unit(name, reference, latency.reference_ms if latency else math.nan)
        terms = self.terms(accuracy, ratios)
        if not math.isfinite(terms.reward):
            raise ValueError(f"the reward is {terms.reward}")
        return terms


class Accuracy(Reward):
    """The accuracy alone as the objective. With limits, a search looks for the most accurate network within them."""

    @property
    def costs(self) -> tuple[CostName, ...]:
        return ()

    def terms(self, accuracy: float, ratios: Mapping[CostName, float]) -> Terms:
        return Terms(accuracy, accuracy, ())


def _usable(value: CostName) -> CostName:
    cost_row(value)
    return value


Cost = Annotated[CostName, AfterValidator(_usable)]
"""A cost that a reward can count. step: the training step's time relative to the reference network's."""


class EfficientNetV2(Reward):
    """The objective A * (C/C0)^w * (P/P0)^v, where A is the accuracy, C is `cost`, and P the number of parameters.

    C0 and P0 are the cost and the number of parameters of the reference network.
    """

    cost: Cost = "step"
    w: float = Field(default=-0.07, le=0)
    """The exponent of `cost`. Halving the cost is worth 5.0% more accuracy (0.5 ** -0.07 = 1.0497)."""
    v: float = Field(default=-0.05, le=0)
    """The exponent of the parameters. Halving them is worth 3.5% more accuracy (0.5 ** -0.05 = 1.0353)."""

    @model_validator(mode="after")
    def _once(self) -> EfficientNetV2:
        if self.cost == "params" and self.w and self.v:
            raise ValueError("cost=params, but v weighs the parameters already; set v=0 or another cost")
        return self

    @property
    def costs(self) -> tuple[CostName, ...]:
        return tuple(self._exponents())

    def terms(self, accuracy: float, ratios: Mapping[CostName, float]) -> Terms:
        costs = tuple(Term(name, ratios[name], ratios[name] ** e) for name, e in self._exponents().items())
        return Terms(accuracy * math.prod(term.value for term in costs), accuracy, costs)

    def _exponents(self) -> dict[CostName, float]:
        """Return the exponents of the costs that count. A cost with exponent 0 is not even measured."""
        both: list[tuple[CostName, float]] = [(self.cost, self.w), ("params", self.v)]
        return {name: exponent for name, exponent in both if exponent}


class Pareto(EfficientNetV2):
    """An objective for Pareto searches: accuracy, `cost` and parameters count as separate objectives.

    The exponents w and v define the reward, which orders tables and is one of the two criteria for finalists.
    Proposals do not depend on it, except that a cost with exponent 0 is not an objective.
    """

    multi_objective: ClassVar[bool] = True


class Targeted(Reward):
    """An objective with one cost and a target T for it."""

    cost: Cost = "step"
    target: float | None = Field(default=None, gt=0)
    """The target T in the cost's own unit: multiply-adds, parameters, elements, bytes or milliseconds of latency of
    the full network, and for `step` a multiple of the reference's step time. None: the reference's cost."""

    @field_validator("target", mode="before")
    @classmethod
    def _amount(cls, value: object, info: ValidationInfo) -> object:
        name = info.data.get("cost", "step")
        if name == "step" and isinstance(value, str):
            raise ValueError(
                "a target of cost=step is a number, the multiple of the reference's step time; "
                "for a target in milliseconds, set reward.cost=latency"
            )
        return parse_amount(name, value) if isinstance(value, str) else value

    @property
    def costs(self) -> tuple[CostName, ...]:
        return (self.cost,)

    def unit(self, name: CostName, reference: Architecture, latency_ms: float = math.nan) -> float:
        return self.target or super().unit(name, reference, latency_ms)


class MnasNet(Targeted):
    """The objective A * (C/T)^w, where w is alpha up to the target and beta above it (Tan et al. 2019, section 3).

    Soft target: alpha = beta = -0.07. Hard target: alpha = 0, beta = -1. With multiply-adds as the cost, it is the
    objective of EfficientNet, A * (FLOPS/T)^w with T = 400M (Tan and Le 2019, section 4).
    """

    alpha: float = Field(default=-0.07, le=0)
    """The exponent of a cost up to the target. With -0.07, doubling the cost lowers the reward by about 5%."""
    beta: float = Field(default=-0.07, le=0)
    """The exponent of a cost above the target."""

    def terms(self, accuracy: float, ratios: Mapping[CostName, float]) -> Terms:
        ratio = ratios[self.cost]
        factor = ratio ** (self.alpha if ratio <= 1 else self.beta)
        return Terms(accuracy * factor, accuracy, (Term(self.cost, ratio, factor),))


class TuNAS(Targeted):
    """The objective A + beta * |C/T - 1| (Bender et al. 2020).

    Costs below and above the target are penalised alike.
    """

    beta: float = Field(default=-0.10, le=0)
    """The weight of the distance from the target. Its default is that of google-research
    tunas/search_space_utils.py."""

    def terms(self, accuracy: float, ratios: Mapping[CostName, float]) -> Terms:
        ratio = ratios[self.cost]
        summand = self.beta * abs(ratio - 1)
        return Terms(accuracy + summand, accuracy, (Term(self.cost, ratio, summand),), "+")


REWARDS: Registry[type[Reward]] = Registry(
    ENTRY_POINTS["reward"],
    {
        "accuracy": Accuracy,
        "effv2": EfficientNetV2,
        "mnasnet": MnasNet,
        "tunas": TuNAS,
        "pareto": Pareto,
    },
)
"""The extension point: every objective by the name that `reward=` takes."""


def network(word: str) -> Architecture:
    """Return the network that `word` names: published, a canonical string, a file or block strings.

    Raises `UserError` for an unknown word, and for a string or file that is not valid.
    """
    if named := named_network(word):
        return named.architecture
    raise unpublished("network", word, forms=FORMS)
