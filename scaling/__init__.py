"""Make networks larger, or smaller, and know what that costs.

    >>> from scaling import PUBLISHED, family, scale
    >>> scale("b0", 3).architecture.resolution
    341
    >>> [model.cost.params for model in family("b0", [1, 2])]
    [9109994, 12255408]
    >>> PUBLISHED["b3"].architecture.resolution
    300

    >>> from scaling import fit
    >>> fit("b0", {"data": "folder", "data.path": "photos"}).coefficients  # doctest: +SKIP
    Coefficients(alpha=1.2, beta=1.1, gamma=1.15)

A formula's result and a published network are two things: `scale` gives the first, `PUBLISHED` the second.
"""

from typing import TYPE_CHECKING, Any

from scaling.base import Base, resolve
from scaling.budgets import Budget, largest
from scaling.compound import PAPER, Coefficients, read_coefficients
from scaling.families import ScaledModel, family, scale
from scaling.fitting.design import Design
from scaling.nearest import differences, nearest
from scaling.rules import RULES, Rule
from space import CATALOG as PUBLISHED
from space import Multipliers, Rounding

if TYPE_CHECKING:
    from scaling.fitting.fit import Fitted, fit

__all__ = [
    "PAPER",
    "PUBLISHED",
    "RULES",
    "Base",
    "Budget",
    "Coefficients",
    "Design",
    "Fitted",
    "Multipliers",
    "Rounding",
    "Rule",
    "ScaledModel",
    "differences",
    "family",
    "fit",
    "largest",
    "nearest",
    "read_coefficients",
    "resolve",
    "scale",
]


def __getattr__(name: str) -> Any:
    # What trains is imported when it is asked for: everything else answers at once.
    if name in ("fit", "Fitted"):
        from scaling.fitting import fit as fitting

        return getattr(fitting, name)
    raise AttributeError(f"module 'scaling' has no attribute {name!r}")
