import numpy as np

from search.samplers.ordinal_gp.local_search import highest, neighbours

OPTIONS = (3, 4, 5)


def total(points):
    return np.array([float(sum(point)) for point in points])


def test_climbs_to_the_top_choice_by_choice():
    assert highest(total, [(0, 0, 0)], OPTIONS, lambda point: True) == (2, 3, 4)


def test_what_is_not_admitted_is_neither_taken_nor_climbed_from():
    assert highest(total, [(0, 0, 0)], OPTIONS, lambda point: sum(point) < 8) is not None
    assert sum(highest(total, [(0, 0, 0)], OPTIONS, lambda point: sum(point) < 8)) == 7
    assert highest(total, [(0, 0, 0)], OPTIONS, lambda point: False) is None


def test_only_the_best_are_asked_whether_they_are_admitted():
    asked = []

    def admits(point):
        asked.append(point)
        return True

    highest(total, [(a, b, c) for a in range(3) for b in range(4) for c in range(5)], OPTIONS, admits)
    assert len(asked) == 4


def test_neighbours_differ_in_one_choice():
    found = list(neighbours((0, 1, 2), OPTIONS))
    assert len(found) == len(set(found)) == 2 + 3 + 4
    assert all(sum(a != b for a, b in zip(point, (0, 1, 2), strict=True)) == 1 for point in found)
