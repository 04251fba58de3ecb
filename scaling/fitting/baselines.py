"""The networks that a compound one is compared with: scaled along one dimension alone, at equal real cost.

Source: Tan and Le 2019, EfficientNet, Figure 8, which draws these curves for ImageNet.
"""

from __future__ import annotations

import math

from scaling.base import Base
from scaling.budgets import STEP, Budget, largest
from scaling.families import ScaledModel, scale
from space import Rounding

ALONE = ("depth", "width", "resolution")
"""The rules that scale one dimension."""


def rivals(base: Base, macs: int, rounding: Rounding) -> tuple[ScaledModel, ...]:
    """`base` by each rule of `ALONE`, at the phi whose real multiply-adds are nearest to `macs`, as a ratio.

    Last comes the base itself, phi = 0: what all of them are meant to surpass.
    """
    return (*(_nearest(base, rule, macs, rounding) for rule in ALONE), scale(base, 0))


def _nearest(base: Base, rule: str, macs: int, rounding: Rounding) -> ScaledModel:
    below = largest(base, Budget(macs=macs), rule=rule, rounding=rounding)
    # The next network of the rule is the first with a larger phi that is over the budget.
    above = scale(base, below.phi + 1 / STEP, rule=rule, rounding=rounding)
    return min((below, above), key=lambda model: abs(math.log(model.cost.macs / macs)))
