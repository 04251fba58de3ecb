"""Non-dominated points: the definition, and the golden example of ranks and crowding."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.stats.pareto import crowding, dominates, front, fronts, hypervolume

POINTS = st.integers(1, 3).flatmap(
    lambda width: st.lists(st.tuples(*[st.integers(0, 6).map(float)] * width), max_size=25)
)


@given(POINTS)
def test_front_holds_exactly_the_points_that_no_other_dominates(points):
    assert front(points) == [
        index for index, point in enumerate(points) if not any(dominates(other, point) for other in points)
    ]


@given(POINTS)
def test_ranks_partition_the_points_and_each_is_dominated_by_the_one_before(points):
    ranks = fronts(points)
    assert sorted(index for rank in ranks for index in rank) == list(range(len(points)))
    for better, worse in itertools.pairwise(ranks):
        assert all(any(dominates(points[a], points[b]) for a in better) for b in worse)


def test_equal_points_stay_together():
    assert front([(1.0, 2.0), (2.0, 1.0), (1.0, 2.0), (2.0, 2.0)]) == [0, 1, 2]
    assert front([]) == []


def test_dominance_is_strict_somewhere():
    assert dominates((1.0, 1.0), (1.0, 2.0))
    assert not dominates((1.0, 1.0), (1.0, 1.0))
    assert not dominates((0.0, 2.0), (1.0, 1.0))


def test_what_does_not_compare_is_an_error():
    with pytest.raises(ValueError, match="nan"):
        front([(1.0, math.nan)])
    with pytest.raises(ValueError, match="argument 2"):
        front([(1.0,), (1.0, 2.0)])


def test_crowding_of_a_front():
    points = [(0.0, 4.0), (1.0, 2.0), (3.0, 1.0), (4.0, 0.0)]
    assert crowding(points) == [math.inf, 3 / 4 + 3 / 4, 3 / 4 + 2 / 4, math.inf]
    assert crowding([(1.0, 1.0), (1.0, 1.0), (1.0, 1.0)])[1] == 0.0
    assert crowding([]) == []


@given(POINTS)
def test_the_hypervolume_of_whole_numbers_is_the_number_of_cells_that_they_dominate(points):
    width = len(points[0]) if points else 2
    cells = itertools.product(range(5), repeat=width)
    dominated = sum(any(all(x <= c for x, c in zip(p, cell, strict=True)) for p in points) for cell in cells)
    assert hypervolume(points, (5.0,) * width) == dominated


def test_hypervolume_of_four_objectives():
    assert hypervolume([(0.0, 0.0, 0.0, 0.5), (0.5, 0.5, 0.5, 0.0)], (1.0,) * 4) == 0.5 + 0.5**4
