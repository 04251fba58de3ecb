"""The points of a space, with the properties that are known before any training."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from search.samplers.base import Permits
from search.samplers.evolution import option_counts
from space import CATALOG, Choice, Point, Space, cost

Sizes = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The points of a space, with functions that compute their properties.

    options: the number of options of each choice. network: the function from points to networks; several points can
    have the same network. active: the function from a point to one flag for each choice, True if the choice is active
    there (`Space.active`). permits: the function that returns True if a point's network is within the limits. sizes:
    the function from a point to the natural logarithms of its MACs and params. published: a function without
    arguments that returns the points of the published networks in the space, within the limits or not, the fewest
    MACs first.
    """

    choices: tuple[Choice, ...]
    options: tuple[int, ...]
    network: Callable[[Point], Hashable]
    active: Callable[[Point], Sequence[bool]]
    permits: Callable[[Point], bool]
    sizes: Callable[[Point], Sizes]
    published: Callable[[], tuple[Point, ...]]

    @classmethod
    def of(cls, space: Space, permits: Permits) -> Candidates:
        """Return all points of `space` as candidates, with `permits` as the test of their networks."""
        at = lru_cache(maxsize=1 << 12)(space.at)

        @lru_cache(maxsize=1 << 16)
        def sizes(point: Point) -> Sizes:
            total = space.cost_at(point)
            return math.log(total.macs), math.log(total.params)

        return cls(
            space.choices,
            option_counts(space),
            network=at,
            active=lru_cache(maxsize=1 << 16)(space.active),
            permits=lambda point: permits(at(point)),
            sizes=sizes,
            published=cache(lambda: _published(space)),
        )


def _published(space: Space) -> tuple[Point, ...]:
    """Return the points of published networks in `space`, the network with the fewest MACs first."""
    frames = {(frame.resolution, frame.stem, frame.head) for frame in space.frames}
    networks = dict.fromkeys(space.adapt(row.architecture) for row in CATALOG.values())
    # Finding a network's point takes milliseconds, and most networks have another stem or head.
    likely = (a for a in networks if (a.resolution, a.stem, a.head) in frames)
    points = [(cost(network).macs, point) for network in likely if (point := space.find(network))]
    return tuple(point for _, point in sorted(points))
