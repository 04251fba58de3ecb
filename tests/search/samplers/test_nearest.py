import random

from search.samplers.nearest import nearest
from space import Space

SPACE = Space.load("tiny_space")


def test_finds_a_neighbour_first():
    point = SPACE.sample(random.Random(0))
    start = SPACE.at(point)
    found = nearest(SPACE, point, lambda network: network != start, random.Random(1))
    assert sum(a != b for a, b in zip(point, found, strict=True)) == 1


def test_finds_the_last_one_there_is():
    last = SPACE.at(list(SPACE.points())[77])
    found = nearest(SPACE, (0,) * 7, lambda network: network == last, random.Random(1))
    assert SPACE.at(found) == last


def test_says_when_there_is_none():
    assert nearest(SPACE, (0,) * 7, lambda network: False, random.Random(1)) is None
