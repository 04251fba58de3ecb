from collections import Counter

import pytest

from search.profiles.blocks import parts, parts_of_space
from search.profiles.sampling import TIMES, chosen, typical
from space import Space, cost


@pytest.mark.parametrize("name", ["effv2_32", "effv2"])
def test_every_block_is_met_often_enough(name):
    space = Space.load(name)
    networks = chosen(space, 60)
    met = Counter(key for network in networks for key in {part.key for part in parts(network)})
    assert all(met[key] >= TIMES for key in parts_of_space(space))
    assert len(networks) == len(set(networks)) <= 60
    assert networks == chosen(space, 60)


def test_rare_blocks_come_first():
    space = Space.load("effv2_32")
    few = chosen(space, 14)
    met = {part.key for network in few for part in parts(network)}
    assert len(few) == 14
    assert len(met & set(parts_of_space(space))) > 90


def test_a_space_of_one_network():
    space = Space.load(
        "effv2_32",
        {
            f"stages.*.{key}": value
            for key, value in {"op": "fused", "kernel": 3, "expand": 4, "depth": 1}.items()
        },
    )
    assert chosen(space, 60)[0] == space.at(())
    assert typical(space) == space.at(())


def test_the_typical_one_is_in_the_middle():
    low, high = Space.load("effv2_32").range.macs
    assert 2 * low < cost(typical(Space.load("effv2_32"))).macs < high / 2
