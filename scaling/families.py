"""Larger and smaller siblings of a network.

>>> model = scale("b0", 3)
>>> model.multipliers.depth, model.architecture.resolution, model.cost.params
(1.7279999999999998, 341, 16350296)
>>> [member.architecture.depth for member in family("b0", range(4))]
[16, 23, 26, 31]
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from scaling.base import Base, resolve
from scaling.compound import Coefficients
from scaling.rules import RULES, Rule
from space import Architecture, Cost, Multipliers, Rounding, UserError, cost
from space.refusal import unknown_name


@dataclass(frozen=True)
class ScaledModel:
    """A base scaled by a rule at phi: the result of a formula, never a published network.

    multipliers: the multipliers by the rule, before rounding. `obtained` has the multipliers of the rounded network.
    """

    base: Base
    rule: Rule
    phi: float
    multipliers: Multipliers
    architecture: Architecture

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
        """The ratio of its multiply-adds to the base's, which is about 2^phi."""
        return self.cost.macs / self.base_cost.macs

    @property
    def params_growth(self) -> float:
        """The ratio of its parameters to the base's."""
        return self.cost.params / self.base_cost.params

    @property
    def obtained(self) -> Multipliers:
        """The ratios to the base of the number of blocks, the mean width of the stages and the resolution."""
        scaled, base = self.architecture, self.base.architecture
        width = _mean_width(scaled) / _mean_width(base)
        return Multipliers(scaled.depth / base.depth, width, scaled.resolution / base.resolution)

    @property
    def train_resolution(self) -> int:
        """The resolution to train at, in pixels: lower than at evaluation for some rules (by 20% for v2)."""
        if not self.phi or self.rule.train_share == 1:
            return self.architecture.resolution
        return round(self.architecture.resolution * self.rule.train_share)


def scale(
    base: str | Architecture | Base,
    phi: float,
    *,
    rule: str | Rule = "compound",
    coefficients: Coefficients | None = None,
    rounding: Rounding | None = None,
) -> ScaledModel:
    """Scale `base` to `phi`: larger above 0, smaller below 0, unchanged at 0. Takes less than a millisecond.

    base: the name of a published network, a file, a canonical string or an architecture (`scaling.base.resolve`).
    phi: a number within +-16; multiply-adds grow by about 2^phi. rule: a key of `RULES`, or a rule.
    coefficients, rounding: values to use in place of the rule's.

    Raises `UserError` for an unknown base or rule, for coefficients if the rule has none, and for a phi that
    leaves a layer without channels or images smaller than the total stride of the network.
    """
    base, rule = resolve(base), _rule(rule)
    if coefficients is not None:
        rule = rule.fitted(coefficients)
    multipliers = rule.at(phi)
    _check_width(base.architecture, multipliers, phi)
    scaled = rule.shape(base.architecture, multipliers, rounding or rule.rounding)
    if scaled.resolution < min(scaled.stride, base.architecture.resolution):
        raise UserError(
            f"phi = {phi:g} leaves images of {scaled.resolution} pixels, fewer than the total stride of "
            f"{base.name}, {scaled.stride}."
        )
    return ScaledModel(base, rule, phi, multipliers, scaled)


def family(
    base: str | Architecture | Base,
    phis: Iterable[float],
    *,
    rule: str | Rule = "compound",
    coefficients: Coefficients | None = None,
    rounding: Rounding | None = None,
) -> tuple[ScaledModel, ...]:
    """Scale `base` to each of `phis`, as in `family("b0", range(1, 8))`."""
    base = resolve(base)
    return tuple(scale(base, phi, rule=rule, coefficients=coefficients, rounding=rounding) for phi in phis)


def _rule(rule: str | Rule) -> Rule:
    if isinstance(rule, Rule):
        return rule
    if rule not in RULES:
        raise unknown_name("rule", rule, RULES)
    return RULES[rule]


def _check_width(base: Architecture, multipliers: Multipliers, phi: float) -> None:
    narrowest = min(base.stem.width, *(stage.width for stage in base.stages))
    if narrowest * multipliers.width < 1:
        raise UserError(
            f"phi = {phi:g} leaves no channel: {narrowest} channels times {multipliers.width:.3g} is "
            f"{narrowest * multipliers.width:.2g}."
        )


def _mean_width(architecture: Architecture) -> float:
    """Return the mean width over stages. A mean over blocks would also depend on the depths."""
    return sum(stage.width for stage in architecture.stages) / len(architecture.stages)
