"""Several objectives at once: which points are the best of all compromises. All objectives are minimised."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

Objectives = tuple[float, ...]


def dominates(one: Objectives, other: Objectives) -> bool:
    """Whether `one` is nowhere worse than `other` and somewhere better."""
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def front(points: Sequence[Objectives]) -> list[int]:
    """The indices, ascending, of the points that no other dominates. Equal points stay or go together.

    Raises ValueError for a point with a nan, and for points with different numbers of objectives.
    """
    if any(map(math.isnan, (value for point in points for value in point))):
        raise ValueError("a nan among the objectives compares with nothing")
    kept: list[int] = []
    # In this order nothing is dominated by what comes after it.
    for index in sorted(range(len(points)), key=lambda index: points[index]):
        if not any(dominates(points[better], points[index]) for better in kept):
            kept.append(index)
    return sorted(kept)


def fronts(points: Sequence[Objectives]) -> list[list[int]]:
    """The indices in ranks: the front, the front of what is left without it, and so on (Deb et al. 2002)."""
    left, ranks = list(range(len(points))), []
    while left:
        best = {left[index] for index in front([points[index] for index in left])}
        ranks.append(sorted(best))
        left = [index for index in left if index not in best]
    return ranks


def ordered(points: Sequence[Objectives]) -> list[int]:
    """All indices, the best first: by rank, in a rank those with most room around them."""
    found: list[int] = []
    for rank in fronts(points):
        room = crowding([points[index] for index in rank])
        by_room = sorted(zip(room, rank, strict=True), key=lambda pair: -pair[0])
        found += [index for _, index in by_room]
    return found


def crowding(points: Sequence[Objectives]) -> list[float]:
    """For each point of one front, how far its neighbours on either side are (Deb et al. 2002, section III.B).

    The sum over the objectives of the neighbours' distance, relative to the range of the front; inf at its ends.
    """
    distance = [0.0] * len(points)
    for values in zip(*points, strict=True):
        order = sorted(range(len(points)), key=lambda index: values[index])
        extent = values[order[-1]] - values[order[0]]
        distance[order[0]] = distance[order[-1]] = math.inf
        for below, index, above in zip(order, order[1:], order[2:], strict=False):
            distance[index] += (values[above] - values[below]) / extent if extent else 0.0
    return distance


def hypervolume(points: Sequence[Objectives], reference: Objectives) -> float:
    """The volume that the points dominate of the box that ends at `reference`; what is worse than that adds none.

    Exact, by slices along the last objective: milliseconds for a few hundred points of three objectives.
    """
    inside = [point for point in points if all(x < r for x, r in zip(point, reference, strict=True))]
    *rest, end = reference
    if not rest:
        return end - min((point[0] for point in inside), default=end)
    if len(rest) == 1:
        return _area(inside, rest[0], end)
    best = [inside[index] for index in front(inside)]
    depths = sorted({point[-1] for point in best})
    return math.fsum(
        (after - depth) * hypervolume([point[:-1] for point in best if point[-1] <= depth], tuple(rest))
        for depth, after in pairwise((*depths, end))
    )


def _area(points: Sequence[Objectives], right: float, top: float) -> float:
    """The area that points in a rectangle with this right and top edge dominate."""
    area = 0.0
    for x, y in sorted(points):
        if y < top:
            area, top = area + (right - x) * (top - y), y
    return area
