"""Scale networks up or down, with exact costs.

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

Results of formulas and published networks are kept apart: `scale` returns the former, `PUBLISHED` holds the latter.
"""

from typing import TYPE_CHECKING, Any

from scaling.base import Base, resolve
from scaling.budgets import Budget, largest
from scaling.compound import PAPER, Coefficients, read_coefficients
from scaling.families import Family, family, scale
from scaling.fitting.design import Design
from scaling.model import ScaledModel
from scaling.nearest import differences, nearest
from scaling.rules import RULES, Rule
from space import CATALOG as PUBLISHED
from space import Multipliers, Rounding

if TYPE_CHECKING:
    from scaling.fitting.fit import fit
    from scaling.fitting.plan import Fitted

__all__ = [
    "PAPER",
    "PUBLISHED",
    "RULES",
    "Base",
    "Budget",
    "Coefficients",
    "Design",
    "Family",
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
    # Imported only when it is used, since a fit imports torch, which takes seconds.
    if name == "fit":
        from scaling.fitting.fit import fit

        return fit
    if name == "Fitted":
        from scaling.fitting.plan import Fitted

        return Fitted
    raise AttributeError(f"module 'scaling' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
