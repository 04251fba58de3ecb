"""The design of a fit: its candidates, its seeds and its comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from scaling.base import Base
from scaling.compound import checked_phi
from scaling.fitting.grid import Grid, grid
from scaling.rules import RULES, Rule
from space import Rounding, UserError
from space.refusal import unknown_name

MAX_SEEDS = 100
"""The largest number of seeds."""


@dataclass(frozen=True, slots=True)
class Design:
    """The design of a fit. Raises `UserError` for an invalid rule, phi, seeds or leaders; `grid` checks the rest.

    rule: the rule whose coefficients are fitted. phi: the scale of the candidates; not 0. step, tolerance,
    cost_tolerance: the parameters of the grid, see `scaling.fitting.grid.grid`. seeds: the largest number of
    trainings of a candidate, 1 to `MAX_SEEDS`. leaders: the number of candidates that are trained with a second seed,
    1 to 10,000; if the rule's own triple is not among them, it is trained too. compare: True to train also the base
    and three networks at the cost of the winner, which are scaled by depth, width or resolution only. rounding: the
    rounding of scaled networks; None: the rule's own.
    """

    rule: str = "compound"
    phi: float = 1.0
    step: float = 0.05
    tolerance: float = 0.1
    cost_tolerance: float = 0.25
    seeds: int = 3
    leaders: int = 6
    compare: bool = False
    rounding: Rounding | None = None

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise unknown_name("rule", self.rule, RULES)
        checked_phi(self.phi)
        for name, maximum in (("seeds", MAX_SEEDS), ("leaders", 10_000)):
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= maximum:
                raise UserError(f"--{name} is {value!r}; it must be a whole number from 1 to {maximum}.")

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> Self:
        """Return the design from the values that the method `document` returned."""
        return cls(**{**document, "rounding": Rounding(**document["rounding"])})

    def document(self) -> dict[str, Any]:
        """Return the design as plain values, in which the rounding is always stated."""
        return {**asdict(self), "rounding": asdict(self.policy)}

    @property
    def law(self) -> Rule:
        """The rule that `rule` names."""
        return RULES[self.rule]

    @property
    def policy(self) -> Rounding:
        """The rounding of the candidates: the field `rounding`, or the rounding of the rule if the field is None."""
        return self.rounding or self.law.rounding

    def grid(self, base: Base) -> Grid:
        """Return the candidates for `base`. Raises the errors of `scaling.fitting.grid.grid`."""
        return grid(
            base,
            self.law,
            self.policy,
            phi=self.phi,
            step=self.step,
            tolerance=self.tolerance,
            cost_tolerance=self.cost_tolerance,
        )


DEFAULT = Design()
"""The default design."""
