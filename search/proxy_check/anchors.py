"""Networks that represent a space: drawn uniformly, then spread over their cost."""

from __future__ import annotations

import random

from search.settings.limits import Limits
from space import Architecture, Space, cost

_DRAWS = 20
"""The number of networks that are drawn for each returned one."""


def anchors(space: Space, limits: Limits, count: int, seed: int = 0) -> tuple[Architecture, ...]:
    """Return `count` distinct networks of `space` within `limits`, in ascending order of multiply-adds.

    Twenty times as many random networks are drawn and ranked by multiply-adds. The cheapest, the most expensive and
    those at equal distances of rank between them are returned; all, if at most `count` distinct networks within
    `limits` were drawn. Limits on the step time and the latency are not checked. count: 2 or more.
    """
    rng = random.Random(seed)
    drawn = {space.at(space.sample(rng)) for _ in range(_DRAWS * count)}
    # Sorted by their strings too, for sets have no order.
    ordered = sorted((n for n in drawn if not limits.exceeded(n)), key=lambda n: (cost(n).macs, str(n)))
    if len(ordered) <= count:
        return tuple(ordered)
    return tuple(ordered[round(place * (len(ordered) - 1) / (count - 1))] for place in range(count))
