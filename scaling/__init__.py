"""Make networks larger, or smaller, and know what that costs.

    >>> from scaling import PUBLISHED, family, scale
    >>> scale("b0", 3).architecture.resolution
    341
    >>> [model.cost.params for model in family("b0", [1, 2])]
    [9109994, 12255408]
    >>> PUBLISHED["b3"].architecture.resolution
    300

A formula's result and a published network are two things: `scale` gives the first, `PUBLISHED` the second.
"""

from scaling.base import Base, resolve
from scaling.budgets import Budget, largest
from scaling.compound import PAPER, Coefficients, read_coefficients
from scaling.families import ScaledModel, family, scale
from scaling.nearest import differences, nearest
from scaling.rules import RULES, Rule
from space import CATALOG as PUBLISHED
from space import Multipliers, Rounding

__all__ = [
    "PAPER",
    "PUBLISHED",
    "RULES",
    "Base",
    "Budget",
    "Coefficients",
    "Multipliers",
    "Rounding",
    "Rule",
    "ScaledModel",
    "differences",
    "family",
    "largest",
    "nearest",
    "read_coefficients",
    "resolve",
    "scale",
]
