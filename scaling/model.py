"""A scaled network, with its origin and its growth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from html import escape

from scaling.base import Base
from scaling.rules import Rule
from search.tables.units import si
from space import Architecture, Cost, Multipliers, cost


@dataclass(frozen=True, repr=False)
class ScaledModel:
    """A base scaled by a rule at phi: the result of a formula, even where it equals a published network.

    multipliers: the rule's multipliers at phi, before rounding; `obtained` has the multipliers after rounding.
    """

    base: Base
    rule: Rule
    phi: float
    multipliers: Multipliers
    architecture: Architecture

    def __repr__(self) -> str:
        spent = self.cost
        return f"<ScaledModel {self.name}: {si(spent.params)} params, {si(spent.macs)} MACs>"

    def _repr_html_(self) -> str:
        """Return the name, the costs and the stages of the network as HTML, for notebooks."""
        return f"<p>{escape(repr(self))}</p>{self.architecture._repr_html_()}"

    @property
    def name(self) -> str:
        """The name of the network and of its files, such as "b0-compound-phi3"."""
        return f"{self.base.name}-{self.rule.name}-phi{self.phi:g}"

    @cached_property
    def cost(self) -> Cost:
        """The exact cost of the scaled network."""
        return cost(self.architecture)

    @property
    def base_cost(self) -> Cost:
        """The exact cost of the base."""
        return cost(self.base.architecture)

    @property
    def macs_growth(self) -> float:
        """The ratio of the multiply-adds to those of the base. Rules aim at 2^phi."""
        return self.cost.macs / self.base_cost.macs

    @property
    def params_growth(self) -> float:
        """The ratio of the number of parameters to that in the base."""
        return self.cost.params / self.base_cost.params

    @property
    def obtained(self) -> Multipliers:
        """The ratios to the base of the number of blocks, the mean width of the stages, and the resolution."""
        scaled, base = self.architecture, self.base.architecture
        width = _mean_width(scaled) / _mean_width(base)
        return Multipliers(scaled.depth / base.depth, width, scaled.resolution / base.resolution)

    @property
    def train_resolution(self) -> int:
        """The training resolution in pixels: the evaluation resolution, times `rule.train_share` unless phi is 0."""
        if not self.phi or self.rule.train_share == 1:
            return self.architecture.resolution
        return round(self.architecture.resolution * self.rule.train_share)


def _mean_width(architecture: Architecture) -> float:
    """Return the mean width over stages. A mean over blocks would also depend on the depths."""
    return sum(stage.width for stage in architecture.stages) / len(architecture.stages)
