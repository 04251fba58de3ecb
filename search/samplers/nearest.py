"""The replacement of a rejected proposal (tried before, or beyond a limit) by the nearest acceptable network."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator

from search.samplers.evolution import option_counts
from space import Architecture, Point, Space

DRAWS = 200
"""The number of random changes tried for each number of changed choices."""
ENUMERABLE = 200_000
"""The largest number of points that a space can have to be searched completely if random changes find no network."""


def nearest(
    space: Space, point: Point, accepts: Callable[[Architecture], bool], rng: random.Random
) -> Point | None:
    """Return a point whose network `accepts` accepts, with as few changed choices as random draws find.

    Returns None if there is no such point, or if no draw found one in a space too large to enumerate.
    """
    for candidate in _candidates(space, point, rng):
        if accepts(space.at(candidate)):
            return candidate
    return None


def enumerable(space: Space) -> bool:
    """Return True if `nearest` tries all points of `space` where random changes find no network."""
    return math.prod(option_counts(space)) <= ENUMERABLE


def _candidates(space: Space, point: Point, rng: random.Random) -> Iterator[Point]:
    counts = option_counts(space)
    for changes in range(1, len(counts) + 1):
        for _ in range(DRAWS):
            changed = list(point)
            for index in rng.sample(range(len(counts)), changes):
                changed[index] = (changed[index] + rng.randrange(1, counts[index])) % counts[index]
            yield tuple(changed)
    if enumerable(space):
        yield from space.points()
