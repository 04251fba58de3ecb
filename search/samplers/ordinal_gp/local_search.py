"""Where a score is highest, by local search from many points."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from search.samplers.evolution import neighbours
from space import Point

BEAMS, ROUNDS = 4, 10
"""So many points are climbed from at a time, so often at most."""


def highest(
    score: Callable[[Sequence[Point]], NDArray[np.float64]],
    starts: Sequence[Point],
    options: Sequence[int],
    admits: Callable[[Point], bool],
) -> Point | None:
    """The point with the highest score that `admits` and that was met; None if none is admitted.

    From the best of `starts` on, all points that differ from it in one choice are scored, as long as any is better.
    """
    scores: dict[Point, float] = {}
    verdicts: dict[Point, bool] = {}
    beams: list[Point] = []
    news = list(dict.fromkeys(starts))
    for _ in range(ROUNDS):
        if not news:
            break
        scores.update(zip(news, score(news).tolist(), strict=True))
        # Asked of the best alone: to make a network of a point takes longer than to score it.
        better = _admitted(sorted(scores, key=lambda point: -scores[point]), admits, verdicts)
        if better == beams:
            break
        beams = better
        around = (point for beam in beams for point in neighbours(beam, options))
        news = [point for point in dict.fromkeys(around) if point not in scores]
    return beams[0] if beams else None


def _admitted(
    points: Sequence[Point], admits: Callable[[Point], bool], verdicts: dict[Point, bool]
) -> list[Point]:
    found: list[Point] = []
    for point in points:
        if point not in verdicts:
            verdicts[point] = admits(point)
        if verdicts[point]:
            found.append(point)
        if len(found) == BEAMS:
            break
    return found
