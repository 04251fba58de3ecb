"""The nearest network that will do, where a proposal won't: one that was tried before, or is over a limit."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from space import Architecture, Point, Space

DRAWS = 200
"""Random changes tried for each number of choices changed."""
ENUMERABLE = 200_000
"""Points up to which a space is searched to its end before it counts as exhausted."""


def nearest(
    space: Space, point: Point, accepts: Callable[[Architecture], bool], rng: random.Random
) -> Point | None:
    """A point that `accepts`, as few changed choices away from `point` as random draws find.

    None: there is none; in a space too large to enumerate: none was found.
    """
    for candidate in _candidates(space, point, rng):
        if accepts(space.at(candidate)):
            return candidate
    return None


def _candidates(space: Space, point: Point, rng: random.Random) -> Iterator[Point]:
    counts = [len(choice.options) for choice in space.choices]
    for changes in range(1, len(counts) + 1):
        for _ in range(DRAWS):
            changed = list(point)
            for index in rng.sample(range(len(counts)), changes):
                changed[index] = (changed[index] + rng.randrange(1, counts[index])) % counts[index]
            yield tuple(changed)
    total = 1
    for count in counts:
        total *= count
    if total <= ENUMERABLE:
        yield from space.points()
