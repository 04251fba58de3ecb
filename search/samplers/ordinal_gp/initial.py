"""The first trials, before there is anything to learn from."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import numpy as np

from search.samplers.evolution import drawn
from search.samplers.ordinal_gp.candidates import Terrain
from search.samplers.ordinal_gp.encoding import Encoding
from space import Point

DRAWS = 64
"""Networks among which one is taken."""
PATIENCE = 50
"""How many points are looked at for each of them, where limits and earlier trials leave few."""


def opening(
    terrain: Terrain,
    tried: Sequence[Point],
    admits: Callable[[Point], bool],
    count: int,
    rng: random.Random,
) -> Point:
    """A first trial: a published network, or one of a size and of options that `tried` lack.

    count: of first trials, half of which can be published networks. Of random networks that `admits` those are
    taken whose MACs are in the least visited of `count` classes that hold equally many; of these, the one
    farthest from all in `tried`.
    """
    for point in terrain.published()[: count // 2]:
        if admits(point):
            return point
    draws = admitted(terrain.options, admits, DRAWS, rng)
    if not draws:
        return drawn(terrain.options, rng)
    return _farthest(_unseen(terrain, draws, tried, count, rng), tried, Encoding(terrain.choices))


def admitted(
    options: Sequence[int], admits: Callable[[Point], bool], count: int, rng: random.Random
) -> list[Point]:
    """Up to `count` distinct points that `admits`, drawn uniformly."""
    found: dict[Point, None] = {}
    for _ in range(count * PATIENCE):
        if len(found) == count:
            break
        point = drawn(options, rng)
        if point not in found and admits(point):
            found[point] = None
    return list(found)


def _unseen(
    terrain: Terrain, draws: Sequence[Point], tried: Sequence[Point], count: int, rng: random.Random
) -> Sequence[Point]:
    """Those of `draws` that are in the class of sizes with the fewest of `tried`."""
    if not terrain.sizes(draws[0]):
        return draws
    sizes = [terrain.sizes(point)[0] for point in draws]
    bounds = np.quantile(sizes, np.arange(1, count) / count)
    classes = np.searchsorted(bounds, sizes)
    seen = np.bincount(
        np.searchsorted(bounds, [terrain.sizes(point)[0] for point in tried]).astype(int), minlength=count
    )
    there = sorted(set(classes.tolist()))
    fewest = min(seen[each] for each in there)
    chosen = rng.choice([each for each in there if seen[each] == fewest])
    return [point for point, each in zip(draws, classes, strict=True) if each == chosen]


def _farthest(points: Sequence[Point], tried: Sequence[Point], encoding: Encoding) -> Point:
    if not tried:
        return points[0]
    codes, known = encoding(points), encoding(tried)
    squares = ((codes[:, None] - known) ** 2).sum(2).min(1)
    return points[int(squares.argmax())]
