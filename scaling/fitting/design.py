"""How a fit is laid out: which candidates, how many seeds, compared with what."""

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

SEEDS = 100
"""The most seeds a fit takes."""


@dataclass(frozen=True, slots=True)
class Design:
    """The layout of a fit. Raises `UserError` for values that cannot be.

    rule: whose coefficients are fitted. phi: where the candidates are; not 0. step, tolerance, cost_tolerance:
    of the grid, see `scaling.fitting.grid.grid`. seeds: trainings of each leader; leaders: candidates that go on to
    the second seed. compare: also train the base scaled by depth, width and resolution alone, as costly as the
    winner. rounding: the policy that makes networks of multipliers; None: the rule's own.
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
        for name, most in (("seeds", SEEDS), ("leaders", 10_000)):
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= most:
                raise UserError(f"--{name} is {value!r}; it must be a whole number from 1 to {most}.")

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of `document`."""
        return cls(**{**document, "rounding": Rounding(**document["rounding"])})

    def document(self) -> dict[str, Any]:
        """Plain values, the rounding policy spelled out."""
        return {**asdict(self), "rounding": asdict(self.policy)}

    @property
    def law(self) -> Rule:
        """The rule itself."""
        return RULES[self.rule]

    @property
    def policy(self) -> Rounding:
        """The rounding policy that holds."""
        return self.rounding or self.law.rounding

    def grid(self, base: Base) -> Grid:
        """The candidates for `base`."""
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
"""What a fit is if nothing else is said."""
