import numpy as np

from search.samplers.evolution import neighbours
from search.samplers.ordinal_gp.local_search import local_search

OPTIONS = (3, 4, 5)


def total(points):
    return np.array([float(sum(point)) for point in points])


def test_climbs_to_the_top_choice_by_choice():
    assert local_search(total, [(0, 0, 0)], OPTIONS, lambda point: True, tuple) == (2, 3, 4)


def test_points_that_are_not_admitted_are_neither_returned_nor_searched_from():
    assert local_search(total, [(0, 0, 0)], OPTIONS, lambda point: sum(point) < 8, tuple) is not None
    assert sum(local_search(total, [(0, 0, 0)], OPTIONS, lambda point: sum(point) < 8, tuple)) == 7
    assert local_search(total, [(0, 0, 0)], OPTIONS, lambda point: False, tuple) is None


def test_only_the_best_points_are_checked():
    checked = []

    def admits(point):
        checked.append(point)
        return True

    local_search(
        total, [(a, b, c) for a in range(3) for b in range(4) for c in range(5)], OPTIONS, admits, tuple
    )
    assert len(checked) == 4


def test_a_round_continues_from_different_networks():
    scored = []

    def score(points):
        scored.append(list(points))
        return total(points)

    starts = [(2, 3, last) for last in range(5)] + [(0, 0, 0)]
    # The last choice gives no other network, so that the second network begins at (0, 0, 0).
    local_search(score, starts, OPTIONS, lambda point: True, network=lambda point: point[:2])
    assert (1, 0, 0) in scored[1]
    scored.clear()
    local_search(score, starts, OPTIONS, lambda point: True, tuple)
    assert (1, 0, 0) not in scored[1]


def test_neighbours_differ_in_one_choice():
    found = list(neighbours((0, 1, 2), OPTIONS))
    assert len(found) == len(set(found)) == 2 + 3 + 4
    assert all(sum(a != b for a, b in zip(point, (0, 1, 2), strict=True)) == 1 for point in found)
