"""What networks cost over a range of phi, rule by rule: what figures and pages draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scaling.base import Base
from scaling.families import ScaledModel, family
from space import UserError

_POINTS = 60
"""Per curve: enough to show the steps that rounding makes."""

Curves = Mapping[str, Sequence[ScaledModel]]
"""By the name of the rule; () where the rule has no phi in the range."""


def curves(base: Base, phis: Sequence[float], ways: Sequence[Mapping[str, Any]]) -> Curves:
    """A curve for each of `ways` over the range of `phis`. ways: keyword arguments of `scale`, a rule among them.

    Raises `UserError` if no rule has a phi in that range.
    """
    found = {str(way["rule"].name): _curve(base, phis, way) for way in ways}
    if not any(found.values()):
        raise UserError(f"No rule can be drawn from phi = {min(phis):g} to {max(phis):g}.")
    return found


def _curve(base: Base, phis: Sequence[float], way: Mapping[str, Any]) -> tuple[ScaledModel, ...]:
    rule = way["rule"]
    low, high = max(min(phis), rule.lowest), min(max(phis), rule.highest)
    if low >= high:
        return ()
    step = (high - low) / (_POINTS - 1)
    return family(base, [min(high, low + step * number) for number in range(_POINTS)], **way)
