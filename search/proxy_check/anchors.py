"""Networks that represent a space: random networks, of which some are chosen evenly from cheap to expensive."""

from __future__ import annotations

import random

from search.settings.limits import Limits
from space import Architecture, Space, cost

_DRAWS = 20
"""The number of networks that are drawn for each returned one."""


def anchors(space: Space, limits: Limits, count: int, seed: int = 0) -> tuple[Architecture, ...]:
    """Return `count` distinct networks of `space` within `limits`, in ascending order of multiply-adds.

    Twenty times as many random networks are drawn, and those within `limits` are ranked by multiply-adds. The
    cheapest, the most expensive, and networks at equal distances of rank between them are returned. If at most
    `count` distinct networks are within `limits`, all are returned. Limits on the step time and the latency are not
    checked. count: 2 or more.
    """
    rng = random.Random(seed)
    drawn = {space.at(space.sample(rng)) for _ in range(_DRAWS * count)}
    # The string breaks ties, since sets have no order.
    ordered = sorted((n for n in drawn if not limits.exceeded(n)), key=lambda n: (cost(n).macs, str(n)))
    if len(ordered) <= count:
        return tuple(ordered)
    return tuple(ordered[round(place * (len(ordered) - 1) / (count - 1))] for place in range(count))
