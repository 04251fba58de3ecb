"""The first trials, chosen before there is a model."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import numpy as np

from search.samplers.evolution import drawn
from search.samplers.ordinal_gp.candidates import Candidates
from search.samplers.ordinal_gp.encoding import Encoding
from space import Point

DRAWS = 64
"""The number of random networks among which a first trial is chosen."""
MAX_DRAWS_EACH = 50
"""The largest number of points drawn for each accepted one. Few are accepted where limits exclude most networks."""


def initial_point(
    candidates: Candidates,
    tried: Sequence[Point],
    admits: Callable[[Point], bool],
    count: int,
    rng: random.Random,
) -> Point:
    """Return a first trial: a published network, or one that differs from the `tried` ones in size and options.

    count: the number of first trials; up to half of them can be published networks. For the others, networks that
    `admits` accepts are drawn and split by MACs into `count` classes of equal size. The result is in the class with
    the fewest tried networks, and has the largest distance from all tried networks. If `admits` accepts none of the
    draws, the result is a random point.
    """
    for point in candidates.published()[: count // 2]:
        if admits(point):
            return point
    draws = admitted(candidates.options, admits, DRAWS, rng)
    if not draws:
        return drawn(candidates.options, rng)
    rare = _least_tried_class(candidates, draws, tried, count, rng)
    return _farthest(rare, tried, Encoding(candidates.choices, candidates.active))


def admitted(
    options: Sequence[int], admits: Callable[[Point], bool], count: int, rng: random.Random
) -> list[Point]:
    """Draw up to `count` distinct points that `admits` accepts, uniformly."""
    points: dict[Point, None] = {}
    for _ in range(count * MAX_DRAWS_EACH):
        if len(points) == count:
            break
        point = drawn(options, rng)
        if point not in points and admits(point):
            points[point] = None
    return list(points)


def _least_tried_class(
    candidates: Candidates, draws: Sequence[Point], tried: Sequence[Point], count: int, rng: random.Random
) -> Sequence[Point]:
    """Return the draws in the class of MACs with the fewest tried points. Ties are broken at random."""
    sizes = [candidates.sizes(point)[0] for point in draws]
    bounds = np.quantile(sizes, np.arange(1, count) / count)
    classes = np.searchsorted(bounds, sizes)
    tried_classes = np.searchsorted(bounds, [candidates.sizes(point)[0] for point in tried]).astype(int)
    tried_counts = np.bincount(tried_classes, minlength=count)
    present = sorted(set(classes.tolist()))
    min_count = min(tried_counts[each] for each in present)
    chosen = rng.choice([each for each in present if tried_counts[each] == min_count])
    return [point for point, each in zip(draws, classes, strict=True) if each == chosen]


def _farthest(points: Sequence[Point], tried: Sequence[Point], encoding: Encoding) -> Point:
    """Return the point with the largest distance to the nearest tried point."""
    if not tried:
        return points[0]
    (codes, _), (tried_codes, _) = encoding(points), encoding(tried)
    squares = ((codes[:, None] - tried_codes) ** 2).sum(2).min(1)
    return points[int(squares.argmax())]
