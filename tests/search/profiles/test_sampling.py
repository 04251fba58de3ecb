from collections import Counter

import pytest

from search.profiles.blocks import parts, parts_of_space
from search.profiles.sampling import TIMES, chosen, chosen_among, covering, typical
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


def test_only_permitted_networks_are_chosen_and_each_adds_blocks():
    space = Space.load("effv2_32")
    few = chosen_among(space, lambda network: cost(network).macs < 15e6, 12)
    assert len(few) == len(set(few)) == 12
    assert all(cost(network).macs < 15e6 for network in few)
    assert few == chosen_among(space, lambda network: cost(network).macs < 15e6, 12)
    assert covering(space, few[:3]) < covering(space, few) < 1
    assert chosen_among(space, lambda network: False, 12) == []
    assert covering(space, chosen(space, 60)) == 1


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
