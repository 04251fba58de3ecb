"""The networks that the winner of a fit is compared with: the base, and the base scaled along one dimension only.

Source: Tan and Le 2019, EfficientNet, Figure 8, which draws these curves for ImageNet.
"""

from __future__ import annotations

import math

from scaling.base import Base
from scaling.budgets import STEP, Budget, largest
from scaling.families import scale
from scaling.model import ScaledModel
from space import Rounding

SINGLE = ("depth", "width", "resolution")
"""The rules that scale one dimension."""


def baselines(base: Base, macs: int, rounding: Rounding) -> tuple[ScaledModel, ...]:
    """Return `base` scaled by each rule of `SINGLE` to about `macs` multiply-adds, and last the base itself.

    phi is chosen so that the real multiply-adds are nearest to `macs` as a ratio. Raises `UserError` if a rule cannot
    shrink the base to `macs`.
    """
    return (*(_nearest(base, rule, macs, rounding) for rule in SINGLE), scale(base, 0))


def _nearest(base: Base, rule: str, macs: int, rounding: Rounding) -> ScaledModel:
    below = largest(base, Budget(macs=macs), rule=rule, rounding=rounding)
    # The next network of the rule exceeds the budget.
    above = scale(base, below.phi + 1 / STEP, rule=rule, rounding=rounding)
    return min((below, above), key=lambda model: abs(math.log(model.cost.macs / macs)))
