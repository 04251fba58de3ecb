import random
from dataclasses import replace

import numpy as np

from search.samplers.ordinal_gp.candidates import Terrain
from search.samplers.ordinal_gp.initial import admitted, opening
from space import Space, cost, published

EFFV2 = Space.load("effv2")


def begun(terrain, count, admits=lambda point: True):
    tried = []
    for seed in range(count):
        tried.append(
            opening(terrain, tried, lambda p: p not in tried and admits(p), count, random.Random(seed))
        )
    return tried


def test_the_first_trials_are_of_all_sizes():
    space = Space.load("effv2_32")
    macs = [cost(space.at(point)).macs for point in begun(Terrain.of(space, lambda network: True), 8)]
    rng = random.Random(1)
    drawn = sorted(cost(space.at(space.sample(rng))).macs for _ in range(800))
    classes = np.searchsorted(drawn[100::100][:7], macs)
    # Classes are those of 64 networks, so that at their bounds they differ from those of 800.
    assert len(set(classes.tolist())) >= 6


def test_published_networks_of_the_space_come_first_and_each_once():
    terrain = Terrain.of(EFFV2, lambda network: True)
    assert [EFFV2.at(point) for point in terrain.published()] == [published("v2-b0").architecture]
    first, second = begun(terrain, 2)
    assert EFFV2.at(first) == published("v2-b0").architecture
    assert second != first


def test_published_networks_are_at_most_half():
    terrain = replace(Terrain.of(EFFV2, lambda network: True), published=lambda: tuple(known))
    rng = random.Random(0)
    known = [EFFV2.sample(rng) for _ in range(9)]
    assert sum(point in known for point in begun(terrain, 8)) == 4


def test_what_is_not_admitted_is_not_begun_with():
    space = Space.load("tiny_space")
    terrain = Terrain.of(space, lambda network: True)
    assert all(point[0] == 1 for point in begun(terrain, 8, lambda point: point[0] == 1))
    assert admitted(terrain.options, lambda point: False, 5, random.Random(0)) == []
    assert len(opening(terrain, [], lambda point: False, 8, random.Random(0))) == len(space.choices)


def test_without_sizes_it_is_what_is_farthest():
    choices = Space.load("tiny_space").choices
    tried = begun(Terrain.bare(choices), 4)
    assert len(set(tried)) == 4
    assert sum(a != b for a, b in zip(*tried[:2], strict=True)) >= len(choices) - 1
