"""The candidates of a fit: every triple of coefficients on a grid, less what rounding makes of it.

The paper found its coefficients by "a small grid search" under alpha * beta^2 * gamma^2 = 2 and published
neither the grid nor what else was on it (Tan and Le 2019, section 3.3, step 1). Here both are in the open.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from scaling.base import Base
from scaling.compound import Coefficients
from scaling.families import ScaledModel, scale
from scaling.rules import Rule
from space import Rounding, UserError

GROWTH = 2
"""What alpha * beta^2 * gamma^2 is to be near: each phi doubles the multiply-adds."""
FINEST = 0.01
"""The smallest step: a grid of 2,000 triples and more."""


@dataclass(frozen=True)
class Candidate:
    """A triple of the grid and the network that it makes of the base.

    published: it is the rule's own triple. same: other triples of the grid that round to this very network,
    which training cannot tell from it.
    """

    coefficients: Coefficients
    model: ScaledModel
    published: bool
    same: tuple[Coefficients, ...] = ()

    @property
    def macs(self) -> int:
        """Multiply-adds of the network for one image."""
        return self.model.cost.macs


@dataclass(frozen=True)
class Grid:
    """The candidates in the order of their coefficients, and how many triples were left after each filter.

    on_grid: triples whose growth is within the tolerance, the published one included. within_cost: those of
    them whose real multiply-adds are. The candidates are distinct networks.
    """

    candidates: tuple[Candidate, ...]
    on_grid: int
    within_cost: int

    @property
    def counts(self) -> dict[str, int]:
        """By the name of the filter, in their order."""
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
    """The candidates for `base` at `phi`.

    step: between neighbouring values of a coefficient, from `FINEST` to 1. tolerance: how far from 2
    alpha * beta^2 * gamma^2 may be, 0 to below 1. cost_tolerance: how far, relatively, the real growth of
    multiply-adds may be from 2^phi, above 0 to 1.

    The rule's own triple is a candidate whether or not it meets these. Of triples that make the same network
    the one that grows by the nearest to 2 stands for all, unless it is the rule's own.
    Raises `UserError` for a rule without free coefficients and for values outside these ranges.
    """
    _check("step", step, FINEST, 1)
    _check("tolerance", tolerance, 0, 0.99)
    _check("cost-tolerance", cost_tolerance, 0.001, 1)
    if phi == 0:
        raise UserError("phi is 0, where every triple makes the base; fit at 1, or at another phi.")
    own = rule.fitted(_own(rule)).law
    assert isinstance(own, Coefficients)
    triples = sorted({*triples_on_grid(step, tolerance), own}, key=_order)
    made = [(triple, _model(base, rule, triple, rounding, phi)) for triple in triples]
    fitting = [
        (triple, model)
        for triple, model in made
        if model and (triple == own or abs(model.macs_growth / 2**phi - 1) <= cost_tolerance)
    ]
    return Grid(tuple(_distinct(fitting, own)), len(triples), len(fitting))


def triples_on_grid(step: float, tolerance: float) -> Iterator[Coefficients]:
    """Every triple 1 + i * step, i = 0, 1, ..., with |alpha * beta^2 * gamma^2 - 2| <= tolerance.

    In exact fractions: 1 + 4 * 0.05 is 1.2, and a triple on the very edge of the tolerance is inside.
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


def _values(unit: Fraction, most: Fraction) -> Iterator[Fraction]:
    """1, 1 + unit, ... as long as the square is at most `most`."""
    value = Fraction(1)
    while value**2 <= most:
        yield value
        value += unit


def _model(
    base: Base, rule: Rule, triple: Coefficients, rounding: Rounding, phi: float
) -> ScaledModel | None:
    """What the triple makes of the base; None where, at a phi below 0, nothing would be left of it."""
    try:
        return scale(base, phi, rule=rule, coefficients=triple, rounding=rounding)
    except UserError:
        if phi > 0:
            raise
        return None


def _distinct(made: Sequence[tuple[Coefficients, ScaledModel]], own: Coefficients) -> Iterator[Candidate]:
    groups: dict[str, list[tuple[Coefficients, ScaledModel]]] = {}
    for triple, model in made:
        groups.setdefault(model.architecture.digest, []).append((triple, model))
    for group in groups.values():
        chosen, model = min(group, key=lambda pair: (pair[0] != own, abs(pair[0].growth - GROWTH)))
        same = tuple(triple for triple, _ in group if triple != chosen)
        yield Candidate(chosen, model, chosen == own, same)


def _own(rule: Rule) -> Coefficients:
    # A rule without coefficients refuses any.
    return rule.law if isinstance(rule.law, Coefficients) else Coefficients(1, 1, 1)


def _order(triple: Coefficients) -> tuple[float, float, float]:
    return triple.alpha, triple.beta, triple.gamma


def _check(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise UserError(f"--{name} is {value:g}; it must be a number from {least:g} to {most:g}.")
