"""A local search, from many points, for the point with the highest score."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from search.samplers.evolution import neighbours
from space import Point

BEAMS, ROUNDS = 4, 10
"""The number of best points whose neighbours are scored in a round, and the largest number of rounds."""


def local_search(
    score: Callable[[Sequence[Point]], NDArray[np.float64]],
    starts: Sequence[Point],
    options: Sequence[int],
    admits: Callable[[Point], bool],
    network: Callable[[Point], Hashable],
) -> Point | None:
    """Return the point with the highest score among all scored points that `admits` accepts; None if there is none.

    Every round scores all points that differ from one of the best points in one choice. The search ends when no
    better point appears, or after `ROUNDS` rounds. starts: the points of the first round. options: the number of
    options of each choice. network: the function from points to networks. If several points have the same network, a
    round keeps only the best of them.
    """
    scored: set[Point] = set()
    ranked: list[tuple[float, int, Point]] = []
    verdicts: dict[Point, bool] = {}
    beams: list[Point] = []
    new = list(dict.fromkeys(starts))
    for _ in range(ROUNDS):
        if not new:
            break
        # Equal scores keep the order in which the points were scored.
        negative = (-value for value in score(new).tolist())
        ranked += zip(negative, range(len(scored), len(scored) + len(new)), new, strict=True)
        ranked.sort()
        scored.update(new)
        # Only the best points are checked by `admits`, which takes longer than their scores.
        better = _best_admitted((point for _, _, point in ranked), admits, verdicts, network)
        if better == beams:
            break
        beams = better
        around = (point for beam in beams for point in neighbours(beam, options))
        new = [point for point in dict.fromkeys(around) if point not in scored]
    return beams[0] if beams else None


def _best_admitted(
    points: Iterable[Point],
    admits: Callable[[Point], bool],
    verdicts: dict[Point, bool],
    network: Callable[[Point], Hashable],
) -> list[Point]:
    """Return the first `BEAMS` of `points` that `admits` accepts and whose networks differ.

    verdicts: the known results of `admits` by point, to which new results are added.
    """
    accepted: dict[Hashable, Point] = {}
    for point in points:
        if point not in verdicts:
            verdicts[point] = admits(point)
        if verdicts[point]:
            accepted.setdefault(network(point), point)
        if len(accepted) == BEAMS:
            break
    return list(accepted.values())
