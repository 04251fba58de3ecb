"""The candidates of a fit: the triples of coefficients on a grid that give distinct networks after rounding.

The EfficientNet paper determined its coefficients by "a small grid search" under alpha * beta^2 * gamma^2 = 2 and
published neither the grid nor the other results on it (Tan and Le 2019, section 3.3, step 1).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from scaling.base import Base
from scaling.compound import Coefficients
from scaling.families import scale
from scaling.model import ScaledModel
from scaling.rules import Rule
from space import Rounding, UserError

GROWTH = 2
"""The target of alpha * beta^2 * gamma^2: multiply-adds double when phi grows by 1."""
FINEST = 0.01
"""The smallest step. Its grid has 10,309 triples at the default tolerance."""


@dataclass(frozen=True)
class Candidate:
    """A triple of the grid and its network.

    published: True for the rule's own triple. same: the other triples of the grid that round to this network.
    """

    coefficients: Coefficients
    model: ScaledModel
    published: bool
    same: tuple[Coefficients, ...] = ()

    @property
    def macs(self) -> int:
        """The multiply-adds of the network for one image."""
        return self.model.cost.macs


@dataclass(frozen=True)
class Grid:
    """The candidates in the order of their coefficients, and the number of triples after each filter.

    on_grid: the number of triples whose growth is within `tolerance` of 2. within_cost: the number of these triples
    whose real multiply-adds are within `cost_tolerance`. Both include the rule's own triple. The candidates are
    distinct networks.
    """

    candidates: tuple[Candidate, ...]
    on_grid: int
    within_cost: int

    @property
    def counts(self) -> dict[str, int]:
        """The numbers that remain after each filter: triples under "grid" and "cost", networks under "distinct"."""
        return {"grid": self.on_grid, "cost": self.within_cost, "distinct": len(self.candidates)}


def grid(
    base: Base,
    rule: Rule,
    rounding: Rounding,
    *,
    phi: float,
    step: float,
    tolerance: float,
    cost_tolerance: float,
) -> Grid:
    """Return the candidates for `base` at `phi`.

    step: the distance between neighbouring values of a coefficient, from `FINEST` to 1. tolerance: the permitted
    difference of alpha * beta^2 * gamma^2 from 2, from 0 to 0.99. cost_tolerance: the permitted relative
    difference of the real growth of multiply-adds from 2^phi, from 0.001 to 1.

    Triples are left out if a negative phi would give them a layer without channels or too small images. Otherwise the
    rule's own triple is always a candidate. If several triples give the same network, the candidate is the rule's own
    triple if it is among them, else the triple whose growth is nearest to 2. Raises `UserError` for a rule without
    free coefficients, for phi = 0, for a phi so low that no candidate is left, and for values outside these ranges.
    """
    _check("step", step, FINEST, 1)
    _check("tolerance", tolerance, 0, 0.99)
    _check("cost-tolerance", cost_tolerance, 0.001, 1)
    if phi == 0:
        raise UserError("phi is 0, where every triple gives the base; fit at 1, or at another phi.")
    own = rule.fitted(_own(rule)).law
    assert isinstance(own, Coefficients)
    triples = sorted({*triples_on_grid(step, tolerance), own}, key=_order)
    models = [(triple, _model(base, rule, triple, rounding, phi)) for triple in triples]
    within_cost = [
        (triple, model)
        for triple, model in models
        if model and (triple == own or abs(model.macs_growth / 2**phi - 1) <= cost_tolerance)
    ]
    if not within_cost:
        raise UserError(
            f"phi = {phi:g} leaves no candidate: its networks would be too small; fit at a higher phi."
        )
    return Grid(tuple(_distinct(within_cost, own)), len(triples), len(within_cost))


def triples_on_grid(step: float, tolerance: float) -> Iterator[Coefficients]:
    """Yield every triple of values 1 + i * step with |alpha * beta^2 * gamma^2 - 2| <= tolerance.

    The computation uses exact fractions, so that 1 + 4 * 0.05 is 1.2, and a triple exactly at the tolerance counts.
    """
    unit, margin = Fraction(str(step)), Fraction(str(tolerance))
    low, high = GROWTH - margin, GROWTH + margin
    for beta in _values(unit, high):
        for gamma in _values(unit, high / beta**2):
            rest = beta**2 * gamma**2
            first = max(0, math.ceil((low / rest - 1) / unit))
            last = math.floor((high / rest - 1) / unit)
            for number in range(first, last + 1):
                yield Coefficients(*(float(value) for value in (1 + number * unit, beta, gamma)))


def _values(unit: Fraction, limit: Fraction) -> Iterator[Fraction]:
    """Yield the values 1, 1 + unit, ... whose square is at most `limit`."""
    value = Fraction(1)
    while value**2 <= limit:
        yield value
        value += unit


def _model(
    base: Base, rule: Rule, triple: Coefficients, rounding: Rounding, phi: float
) -> ScaledModel | None:
    """Return the network of a triple; None if phi is so low that a layer has no channel or the image is too small."""
    try:
        return scale(base, phi, rule=rule, coefficients=triple, rounding=rounding)
    except UserError:
        if phi > 0:
            raise
        return None


def _distinct(models: Sequence[tuple[Coefficients, ScaledModel]], own: Coefficients) -> Iterator[Candidate]:
    groups: dict[str, list[tuple[Coefficients, ScaledModel]]] = {}
    for triple, model in models:
        groups.setdefault(model.architecture.digest, []).append((triple, model))
    for group in groups.values():
        chosen, model = min(group, key=lambda pair: (pair[0] != own, abs(pair[0].growth - GROWTH)))
        same = tuple(triple for triple, _ in group if triple != chosen)
        yield Candidate(chosen, model, chosen == own, same)


def _own(rule: Rule) -> Coefficients:
    # If the rule has no coefficients, `Rule.fitted` refuses all, so their values don't matter.
    return rule.law if isinstance(rule.law, Coefficients) else Coefficients(1, 1, 1)


def _order(triple: Coefficients) -> tuple[float, float, float]:
    return triple.alpha, triple.beta, triple.gamma


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise UserError(f"--{name} is {value:g}; it must be a number from {low:g} to {high:g}.")
