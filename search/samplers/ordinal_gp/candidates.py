"""What is known of a space's points before anything is trained."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from space import CATALOG, Architecture, Choice, Point, Space, cost

Sizes = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Terrain:
    """A space as the model sees it.

    network: what a point stands for; points with equal ones are names of one network. permits: whether a point's
    network is within the limits. sizes: the logarithms of its MACs and params; () where nothing tells them.
    published: the points of published networks, the smallest first.
    """

    choices: tuple[Choice, ...]
    network: Callable[[Point], Hashable]
    permits: Callable[[Point], bool]
    sizes: Callable[[Point], Sizes]
    published: Callable[[], tuple[Point, ...]]

    @property
    def options(self) -> tuple[int, ...]:
        """How many there are in each choice."""
        return tuple(len(choice.options) for choice in self.choices)

    @classmethod
    def bare(cls, choices: Sequence[Choice]) -> Terrain:
        """Of choices alone: every point is a network of its own, permitted, and of no size."""
        return cls(
            tuple(choices),
            network=lambda point: point,
            permits=lambda point: True,
            sizes=lambda point: (),
            published=lambda: (),
        )

    @classmethod
    def of(cls, space: Space, permits: Callable[[Architecture], bool]) -> Terrain:
        """Of a space and the limits."""
        at = lru_cache(maxsize=1 << 12)(space.at)

        @lru_cache(maxsize=1 << 16)
        def sizes(point: Point) -> Sizes:
            spent = cost(space.at(point))
            return math.log(spent.macs), math.log(spent.params)

        return cls(
            space.choices,
            network=at,
            permits=lambda point: permits(at(point)),
            sizes=sizes,
            published=cache(lambda: _published(space)),
        )


def _published(space: Space) -> tuple[Point, ...]:
    frames = {(frame.resolution, frame.stem, frame.head) for frame in space.frames}
    networks = dict.fromkeys(space.adapt(row.architecture) for row in CATALOG.values())
    # To look for a network takes milliseconds, and most have another stem or head.
    likely = (a for a in networks if (a.resolution, a.stem, a.head) in frames)
    found = [(cost(network).macs, point) for network in likely if (point := space.find(network))]
    return tuple(point for _, point in sorted(found))
