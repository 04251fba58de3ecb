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
    """What a rule made of a base at phi. A formula's result, never a published network's row.

    multipliers: what the rule asked for; `obtained` is what rounding left of it.
    """

    base: Base
    rule: Rule
    phi: float
    multipliers: Multipliers
    architecture: Architecture

    @property
    def name(self) -> str:
        """E.g. "b0-compound-phi3": also the name of its files."""
        return f"{self.base.name}-{self.rule.name}-phi{self.phi:g}"

    @cached_property
    def cost(self) -> Cost:
        """The exact cost of the scaled network."""
        return cost(self.architecture)

    @property
    def base_cost(self) -> Cost:
        """The exact cost of the network it was derived from."""
        return cost(self.base.architecture)

    @property
    def macs_growth(self) -> float:
        """Its multiply-adds over the base's: what 2^phi became."""
        return self.cost.macs / self.base_cost.macs

    @property
    def params_growth(self) -> float:
        """Its parameters over the base's."""
        return self.cost.params / self.base_cost.params

    @property
    def obtained(self) -> Multipliers:
        """Blocks, mean width of the stages, and pixels, each over the base's."""
        made, base = self.architecture, self.base.architecture
        width = _mean_width(made) / _mean_width(base)
        return Multipliers(made.depth / base.depth, width, made.resolution / base.resolution)

    @property
    def train_resolution(self) -> int:
        """Pixels to train at: fewer than at evaluation where the rule says so, about 20% in v2."""
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
    """`base` at `phi`: larger above 0, smaller below, itself at 0. Takes well under a millisecond.

    base: a published network's name, a file, a canonical string or an architecture (`scaling.base.resolve`).
    phi: any number within +-16; multiply-adds grow by about 2^phi. rule: a key of `RULES`, or a rule.
    coefficients: alpha, beta, gamma instead of the rule's. rounding: the policy instead of the rule's.

    Raises `UserError` for an unknown base or rule, for coefficients the rule doesn't take, and for a phi
    that leaves a layer without a channel or an image smaller than the network's total stride.
    """
    base, rule = resolve(base), _rule(rule)
    if coefficients is not None:
        rule = rule.fitted(coefficients)
    multipliers = rule.at(phi)
    _leave_something(base.architecture, multipliers, phi)
    made = rule.shape(base.architecture, multipliers, rounding or rule.rounding)
    if made.resolution < min(made.stride, base.architecture.resolution):
        raise UserError(
            f"phi = {phi:g} leaves images of {made.resolution} pixels, fewer than the total stride of "
            f"{base.name}, {made.stride}."
        )
    return ScaledModel(base, rule, phi, multipliers, made)


def family(
    base: str | Architecture | Base,
    phis: Iterable[float],
    *,
    rule: str | Rule = "compound",
    coefficients: Coefficients | None = None,
    rounding: Rounding | None = None,
) -> tuple[ScaledModel, ...]:
    """`scale` at each of `phis`: `family("b0", range(1, 8))`."""
    base = resolve(base)
    return tuple(scale(base, phi, rule=rule, coefficients=coefficients, rounding=rounding) for phi in phis)


def _rule(rule: str | Rule) -> Rule:
    if isinstance(rule, Rule):
        return rule
    if rule not in RULES:
        raise unknown_name("rule", rule, RULES)
    return RULES[rule]


def _leave_something(base: Architecture, multipliers: Multipliers, phi: float) -> None:
    narrowest = min(base.stem.width, *(stage.width for stage in base.stages))
    if narrowest * multipliers.width < 1:
        raise UserError(
            f"phi = {phi:g} leaves no channel: {narrowest} channels times {multipliers.width:.3g} is "
            f"{narrowest * multipliers.width:.2g}."
        )


def _mean_width(architecture: Architecture) -> float:
    """Over stages, which all grow by the same factor; over blocks it would depend on the depths too."""
    return sum(stage.width for stage in architecture.stages) / len(architecture.stages)
