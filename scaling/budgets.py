"""The largest scaled network within a budget of real costs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NoReturn

from scaling.base import Base, resolve
from scaling.compound import Coefficients
from scaling.families import ScaledModel, scale
from scaling.rules import Rule
from search.tables.units import si
from space import Architecture, Cost, Rounding, UserError

STEP = 1000
"""phi is searched in thousandths: what is printed can be typed again and gives the same network."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The most a network may cost; None is no limit. Units: those of `space.Cost`.

    step_ms: milliseconds of a training step, as `predict` tells them of a network.
    """

    params: int | None = None
    macs: int | None = None
    activations: int | None = None
    step_ms: float | None = None
    predict: Callable[[Architecture], float] | None = None

    def fits(self, model: ScaledModel) -> bool:
        """Whether a network is within every limit."""
        if not self.admits(model.cost):
            return False
        if self.step_ms is None or self.predict is None:
            return True
        return self.predict(model.architecture) <= self.step_ms

    def admits(self, cost: Cost) -> bool:
        """Whether `cost` is within every limit that it tells of."""
        return all(getattr(cost, name) <= most for name, most in self.limits().items())

    def __bool__(self) -> bool:
        return bool(self.limits()) or self.step_ms is not None

    def limits(self) -> dict[str, int]:
        """The limits that are set."""
        limits = {"params": self.params, "macs": self.macs, "activations": self.activations}
        return {name: most for name, most in limits.items() if most is not None}

    def __str__(self) -> str:
        limits = [f"{si(most)} {name}" for name, most in self.limits().items()]
        return " and ".join(limits + ([f"{self.step_ms:g} ms a step"] if self.step_ms is not None else []))


def largest(
    base: str | Architecture | Base,
    budget: Budget,
    *,
    rule: str | Rule = "compound",
    coefficients: Coefficients | None = None,
    rounding: Rounding | None = None,
) -> ScaledModel:
    """The sibling of `base` with the largest phi, in thousandths, whose real cost `budget` admits.

    Takes some 30 evaluations, since cost never falls as phi rises. A step time can, by a little, where widths
    become multiples of what the device likes: then a larger one may fit, too. The other arguments: as `scale`.
    Raises `UserError` if no network fits, saying what the smallest costs, and if every network does.
    """
    if not budget:
        raise UserError("A budget needs a limit on params, macs, activations or the step time.")
    at = partial(_at, resolve(base), rule=rule, coefficients=coefficients, rounding=rounding)
    law = scale(base, 0, rule=rule, coefficients=coefficients, rounding=rounding).rule
    high = math.floor(law.highest * STEP)
    largest_of_all = at(high)
    if largest_of_all is None or budget.fits(largest_of_all):
        return _unless_unbounded(largest_of_all, budget)
    # Below `low`, the network fits or there is none; at `high`, it does not fit.
    low = math.ceil(law.lowest * STEP) - 1
    while high - low > 1:
        middle = (low + high) // 2
        model = at(middle)
        low, high = (middle, high) if model is None or budget.fits(model) else (low, middle)
    found = at(low) if low / STEP >= law.lowest else None
    return found or _refuse(at(high), budget)


def _unless_unbounded(model: ScaledModel | None, budget: Budget) -> ScaledModel:
    """The largest of all siblings, where the rule ends there. A rule that goes on has no largest."""
    assert model is not None
    if model.phi == 0:
        return model
    raise UserError(f"Rule {model.rule.name} never exceeds {budget}: it does not change that. Limit more.")


def _refuse(smallest: ScaledModel | None, budget: Budget) -> NoReturn:
    assert smallest is not None
    spent = smallest.cost
    step = f"; a step takes {budget.predict(smallest.architecture):.1f} ms" if budget.predict else ""
    raise UserError(
        f"No sibling of {smallest.base.name} by rule {smallest.rule.name} is within {budget}: the smallest, at "
        f"phi = {smallest.phi:g}, costs {si(spent.params)} params, {si(spent.macs)} macs and "
        f"{si(spent.activations)} activations{step}."
    )


def _at(
    base: Base,
    thousandths: int,
    *,
    rule: str | Rule,
    coefficients: Coefficients | None,
    rounding: Rounding | None,
) -> ScaledModel | None:
    """The sibling at a phi, or None where phi is so low that nothing is left of the base."""
    try:
        return scale(base, thousandths / STEP, rule=rule, coefficients=coefficients, rounding=rounding)
    except UserError:
        if thousandths >= 0:
            raise
        return None
