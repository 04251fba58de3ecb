import random
from dataclasses import replace

import numpy as np

from search.samplers.base import every_network
from search.samplers.ordinal_gp.candidates import Candidates
from search.samplers.ordinal_gp.initial import admitted, initial_point
from space import Space, cost, published

EFFV2 = Space.load("effv2")


def begun(candidates, count, admits=lambda point: True):
    tried = []
    for seed in range(count):
        tried.append(
            initial_point(
                candidates, tried, lambda p: p not in tried and admits(p), count, random.Random(seed)
            )
        )
    return tried


def test_the_first_trials_are_of_all_sizes():
    space = Space.load("effv2_32")
    macs = [cost(space.at(point)).macs for point in begun(Candidates.of(space, every_network), 8)]
    rng = random.Random(1)
    drawn = sorted(cost(space.at(space.sample(rng))).macs for _ in range(800))
    classes = np.searchsorted(drawn[100::100][:7], macs)
    # Classes are those of 64 networks, so that at their bounds they differ from those of 800.
    assert len(set(classes.tolist())) >= 6


def test_published_networks_of_the_space_come_first_and_each_once():
    candidates = Candidates.of(EFFV2, every_network)
    assert [EFFV2.at(point) for point in candidates.published()] == [published("v2-b0").architecture]
    first, second = begun(candidates, 2)
    assert EFFV2.at(first) == published("v2-b0").architecture
    assert second != first


def test_published_networks_are_at_most_half():
    candidates = replace(Candidates.of(EFFV2, every_network), published=lambda: tuple(known))
    rng = random.Random(0)
    known = [EFFV2.sample(rng) for _ in range(9)]
    assert sum(point in known for point in begun(candidates, 8)) == 4


def test_initial_points_are_admitted():
    space = Space.load("tiny_space")
    candidates = Candidates.of(space, every_network)
    assert all(point[0] == 1 for point in begun(candidates, 8, lambda point: point[0] == 1))
    assert admitted(candidates.options, lambda point: False, 5, random.Random(0)) == []
    assert len(initial_point(candidates, [], lambda point: False, 8, random.Random(0))) == len(space.choices)
