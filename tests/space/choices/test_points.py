"""The parts and costs of points."""

import pickle
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from space import Space, cost, decode
from space.blocks import BLOCKS
from space.choices.points import Settled
from space.documents import names


@pytest.mark.parametrize("name", names("space"))
def test_costs_of_points_are_those_of_their_networks(name):
    space, rng = Space.load(name), random.Random(0)
    for point in (space.sample(rng) for _ in range(100)):
        assert space.cost_at(point) == cost(space.at(point))


def _space_of(ops):
    """Return a space with choices of block family, depth (0, too), squeeze-excitation, widths, head and images."""
    choices = {"kernel": [3, 5], "expand": [1, 4], "se": [0, 0.25], "start": [0, 3]}
    options = [{op: {k: v for k, v in choices.items() if k in BLOCKS[op].reads}} for op in ops]
    stage = {"op": options if len(options) > 1 else ops[0], "depth": [0, 1, 3], "width": [24, 48]}
    if len(options) == 1:
        stage |= options[0][ops[0]]
    return Space.of(
        {
            "resolution": [64, 96],
            "stem": {"width": [24, 48], "stride": 2},
            "stages": [
                {**stage, "stride": 1, "depth": [1, 2]},
                {**stage, "stride": 2},
                {**stage, "stride": 1},
            ],
            "head": {"width": [0, 64]},
            "classes": 10,
        }
    )


@given(st.lists(st.sampled_from(sorted(BLOCKS)), min_size=1, max_size=2, unique=True), st.randoms())
def test_costs_of_points_of_all_blocks_depths_and_images_are_those_of_their_networks(ops, rng):
    space = _space_of(ops)
    for point in (space.sample(rng) for _ in range(5)):
        assert space.cost_at(point) == cost(space.at(point))


@settings(max_examples=40)
@given(st.lists(st.sampled_from(sorted(BLOCKS)), min_size=1, max_size=2, unique=True), st.randoms())
def test_a_choice_is_active_where_another_of_its_options_gives_another_network(ops, rng):
    space = _space_of(ops)
    counts = [len(choice.options) for choice in space.choices]
    for point in (space.sample(rng) for _ in range(2)):
        networks = [
            {space.at((*point[:choice], option, *point[choice + 1 :])) for option in range(count)}
            for choice, count in enumerate(counts)
        ]
        assert space.active(point) == tuple(len(each) > 1 for each in networks)


def test_a_network_at_a_point_is_canonical():
    """The same value as the one that its string stands for, whatever was asked before."""
    space, rng = Space.load("mobile"), random.Random(0)
    for point in (space.sample(rng) for _ in range(100)):
        assert space.at(point) == decode(str(space.at(point))) == Space.load("mobile").at(point)


def test_a_space_without_choices_has_a_cost():
    tiny = Space.load("tiny_space")
    fixed = Space.load("tiny_space", {choice.name: choice.options[-1] for choice in tiny.choices})
    assert fixed.choices == ()
    assert fixed.cost_at(()) == cost(fixed.at(()))


def test_a_part_is_computed_once_for_its_own_choices():
    computed = []
    part = Settled({2, 0}, lambda point: computed.append(point) or point[0] + point[2])
    assert [part((1, 5, 2)), part((1, 6, 2)), part((3, 5, 2))] == [3, 3, 5]
    assert computed == [(1, 5, 2), (3, 5, 2)]


def test_a_used_space_can_be_pickled():
    space = Space.load("tiny_space")
    point = space.sample(random.Random(0))
    expected = space.at(point), space.cost_at(point)
    copy = pickle.loads(pickle.dumps(space))
    assert (copy.at(point), copy.cost_at(point)) == expected


def test_costs_of_points_whose_blocks_make_maps_smaller():
    stage = {"op": "inception", "depth": [1, 2, 4], "stride": 1, "width": 16, "branches": "3v:1"}
    space = Space.of(
        {
            "resolution": [64, 96],
            "stem": {"width": 16, "stride": 2},
            "stages": [stage, {**stage, "stride": 2, "width": 24}],
            "head": {"width": 0},
            "classes": 10,
        }
    )
    for point in space.points():
        assert space.cost_at(point) == cost(space.at(point))
