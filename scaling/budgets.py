"""The largest scaled network within limits on real costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import NoReturn

from scaling.base import Base, resolve
from scaling.compound import Coefficients
from scaling.families import scale
from scaling.model import ScaledModel
from scaling.rules import Rule
from search.tables.units import si
from space import Architecture, Rounding, UserError
from space.cost.table import COSTS, exact_cost, parse_amount

STEP = 1000
"""phi is searched in thousandths, so that the printed value can be typed again and gives the same network."""

_DIP, _STEP_DIP = 1.5, 1.1
"""The largest factors by which a cost is assumed to be lower at a higher phi: in general, and for predicted times of
networks whose exact costs never fall.

The first leaves a margin. On every third published network, by all rules and for phi from -2 to 2, costs fell by a
factor of at most 1.05 (MACs of ShuffleNetV1, activations of Inception-ResNet-v2). In networks with a few channels
they can fall further.
"""

MONOTONE = frozenset({"mb", "mbv3", "dw", "fused", "fusedkeep"})
"""Blocks whose exact costs never fall as widths, depths and resolution rise."""


class Budget:
    """Upper limits on the costs of a network, such as `Budget(macs="2G", params=12_000_000)`.

    limits: the limits by the names of `space.cost.table.COSTS`, as numbers in the units of that table or as text;
    None: no limit. A limit on `memory` is for a batch of 32 images. predict: for a limit on `step` or `latency`, the
    function that returns the milliseconds of a network, by the name of the cost. Raises `UserError` for an unknown
    cost or an invalid amount. The methods raise `UserError` if a limit needs a function that `predict` lacks.
    `excess` and `fits` need at least one limit.
    """

    def __init__(
        self,
        *,
        predict: Mapping[str, Callable[[Architecture], float]] = MappingProxyType({}),
        **limits: float | str | None,
    ) -> None:
        given = {name: value for name, value in limits.items() if value is not None}
        self.limits = {name: parse_amount(name, value) for name, value in given.items()}
        self._predict = predict

    def costs(self, architecture: Architecture) -> dict[str, float]:
        """Return the limited costs of `architecture`: a mapping of names to amounts, as in `space.cost.table`."""
        return {name: self._cost(name, architecture) for name in self.limits}

    def excess(self, architecture: Architecture) -> float:
        """Return the largest ratio of a cost to its limit: up to 1 for a network within all limits."""
        return max(self._cost(name, architecture) / limit for name, limit in self.limits.items())

    def fits(self, model: ScaledModel) -> bool:
        """Return True if `model` is within every limit."""
        return self.excess(model.architecture) <= 1

    def __bool__(self) -> bool:
        return bool(self.limits)

    def __str__(self) -> str:
        return " and ".join(f"{_amount(name, limit)} {name}" for name, limit in self.limits.items())

    def _cost(self, name: str, architecture: Architecture) -> float:
        if COSTS[name].known == "exact":
            return exact_cost(name, architecture)
        if name not in self._predict:
            raise UserError(
                f"A limit on {name} needs a device profile (search profile --help), whose predictions `Budget` gets "
                "as `predict`."
            )
        return self._predict[name](architecture)


def largest(
    base: str | Architecture | Base,
    budget: Budget,
    *,
    rule: str | Rule = "compound",
    coefficients: Coefficients | None = None,
    rounding: Rounding | None = None,
) -> ScaledModel:
    """Return the scaled network with the largest phi, a multiple of 0.001, that is within `budget`.

    >>> largest("b0", Budget(macs="2G"))
    <ScaledModel b0-compound-phi2.223: 12.8M params, 1.96G MACs>

    Costs don't always rise with phi (see `scaling.rules`), so a network that fits can have a higher phi than one that
    doesn't. A bisection of about 15 networks finds a phi above which nothing can fit. From there the search goes down
    in steps of 0.001 to the first network that fits. This takes several hundred networks for blocks whose costs can
    fall. The other arguments have the same meaning as in `scale`.

    Raises `UserError` for a budget without a limit, and if no network fits, with the costs of the smallest one. If
    the network at the rule's highest phi fits, `UserError` is raised too, unless that phi is 0, as for `shrink`; then
    this network is returned. The highest phi is below the rule's limit if stages would be too deep there.
    """
    if not budget:
        raise UserError("A budget needs at least one limit on a cost, such as macs=2G.")
    base = resolve(base)
    at = partial(_at, base, rule=rule, coefficients=coefficients, rounding=rounding)
    law = scale(base, 0, rule=rule, coefficients=coefficients, rounding=rounding).rule
    low, high = math.ceil(law.lowest * STEP), _highest(at, math.floor(law.highest * STEP))
    top = at(high)
    if top is None or budget.fits(top):
        return _largest_of_all(top, budget)
    low, high = _bisect(at, budget, low - 1, high, _dip(base.architecture, budget))
    smallest = at(high)
    for thousandths in range(low, math.ceil(law.lowest * STEP) - 1, -1):
        model = at(thousandths)
        if model is None and thousandths < 0:
            break
        if model and budget.fits(model):
            return model
        smallest = model or smallest
    _refuse(smallest, budget)


def _highest(at: Callable[[int], ScaledModel | None], high: int) -> int:
    """Return the highest phi, in thousandths and at most `high`, for which `at` returns a network (for 0 it does)."""
    if at(high):
        return high
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if at(middle) else (low, middle)
    return low


def _bisect(
    at: Callable[[int], ScaledModel | None], budget: Budget, low: int, high: int, dip: float
) -> tuple[int, int]:
    """Return two neighbouring values of phi. No network at or above the second fits; the first may fit.

    The results and the ends of the search, `low` and `high`, are in thousandths. dip: the largest factor by which a
    cost may fall as phi rises.
    """
    while high - low > 1:
        middle = (low + high) // 2
        model = at(middle)
        if model is None or budget.excess(model.architecture) <= dip:
            low = middle
        else:
            high = middle
    return low, high


def _dip(architecture: Architecture, budget: Budget) -> float:
    """Return the largest factor by which a cost of `budget` is assumed to fall as phi rises; 1 if none can fall."""
    monotone = all(stage.op in MONOTONE for stage in architecture.stages)
    predicted = any(COSTS[name].known != "exact" for name in budget.limits)
    return (_STEP_DIP if predicted else 1.0) if monotone else _DIP


def _largest_of_all(model: ScaledModel | None, budget: Budget) -> ScaledModel:
    """Return `model`, the network at the rule's highest phi, if that phi is 0. Raises `UserError` otherwise."""
    assert model is not None
    if model.phi == 0:
        return model
    raise UserError(
        f"Rule {model.rule.name} never exceeds {budget}, even at its highest phi. Lower the limit, or add one on a "
        "cost that the rule changes."
    )


def _refuse(smallest: ScaledModel | None, budget: Budget) -> NoReturn:
    assert smallest is not None
    limited = budget.costs(smallest.architecture)
    others = {name: getattr(smallest.cost, name) for name in ("params", "macs", "activations")}
    costs = ", ".join(f"{_amount(name, value)} {name}" for name, value in {**others, **limited}.items())
    raise UserError(
        f"No network scaled from {smallest.base.name} by rule {smallest.rule.name} is within {budget}: the "
        f"smallest, at phi = {smallest.phi:g}, has {costs}."
    )


def _amount(name: str, value: float) -> str:
    return si(value) if COSTS[name].unit == "" else COSTS[name].text(value)


def _at(
    base: Base,
    thousandths: int,
    *,
    rule: str | Rule,
    coefficients: Coefficients | None,
    rounding: Rounding | None,
) -> ScaledModel | None:
    """Return the network that `scale` returns at a phi in thousandths; None if `scale` raises `UserError`."""
    try:
        return scale(base, thousandths / STEP, rule=rule, coefficients=coefficients, rounding=rounding)
    except UserError:
        return None
