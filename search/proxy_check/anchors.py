"""Networks that stand for a space: drawn uniformly, and then spread over what they cost."""

from __future__ import annotations

import random

from search.settings.limits import Limits
from space import Architecture, Space, cost

_DRAWN = 20
"""For each that is kept."""


def anchors(space: Space, limits: Limits, count: int, seed: int = 0) -> tuple[Architecture, ...]:
    """`count` distinct networks of `space` within `limits`, from few multiply-adds to many; fewer where
    the space has no more.

    The cheapest, the dearest and those at equal distances of rank between, of twenty times as many that are drawn.
    """
    rng = random.Random(seed)
    drawn = {space.at(space.sample(rng)) for _ in range(_DRAWN * count)}
    # Sorted by their strings too, for sets have no order.
    kept = sorted((n for n in drawn if not limits.exceeded(n)), key=lambda n: (cost(n).macs, str(n)))
    if len(kept) <= count:
        return tuple(kept)
    return tuple(kept[round(place * (len(kept) - 1) / (count - 1))] for place in range(count))
