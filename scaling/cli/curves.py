"""Cost curves of the scaling rules over a range of phi, for figures and pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scaling.base import Base
from scaling.families import scale
from scaling.model import ScaledModel
from space import UserError

_POINTS = 60
"""The number of points of a curve: enough to show the steps that rounding causes."""

Curves = Mapping[str, Sequence[ScaledModel]]
"""The networks of each curve by the name of its rule; () if the rule has at most one phi in the range.

A curve has no network where its rule cannot scale the base.
"""


def curves(base: Base, phis: Sequence[float], variants: Sequence[Mapping[str, Any]]) -> Curves:
    """Return a curve over the range of `phis` for each variant, by the name of its rule.

    variants: the keyword arguments of `scale` for each curve, among them a `Rule`. Raises `UserError` if no curve has
    a network. It is the error of `scale` if a rule has several phi in that range.
    """
    refusals: list[UserError] = []
    by_rule = {str(variant["rule"].name): _curve(base, phis, variant, refusals) for variant in variants}
    if not any(by_rule.values()):
        none = UserError(f"No rule can be drawn from phi = {min(phis):g} to {max(phis):g}.")
        raise next(iter(refusals), none)
    return by_rule


def _curve(
    base: Base, phis: Sequence[float], variant: Mapping[str, Any], refusals: list[UserError]
) -> tuple[ScaledModel, ...]:
    """Return the networks of a curve. refusals: a list that receives the errors of `scale`."""
    rule = variant["rule"]
    low, high = max(min(phis), rule.lowest), min(max(phis), rule.highest)
    if low >= high:
        return ()
    step = (high - low) / (_POINTS - 1)
    models = []
    for number in range(_POINTS):
        try:
            models.append(scale(base, min(high, low + step * number), **variant))
        except UserError as refusal:
            refusals.append(refusal)
    return tuple(models)
