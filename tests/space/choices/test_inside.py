import random

import pytest

from space import CATALOG, Space, UserError, decode, plan
from space.choices.inside import inside, places
from space.choices.loading import load_space

MIXED = decode("r16_i8_s1/fused_d1_k3_s1_e1_w8/mb_d2_k5_s2_e4_w16_se0.25/mb_d2_k3_s1_e4_w16_se0.25/h32_c10")
"""Two stages of one width, which merge in some children."""


@pytest.mark.parametrize(
    "name", ["b0", "v2-b0", "mobilenet-v3-large", "mobilenet-v4-conv-small", "mobilenet-v1"]
)
def test_all_networks_of_the_space_are_children_and_the_parent_is_one(name):
    parent, rng = CATALOG[name].architecture, random.Random(name)
    space = Space.of(inside(parent))
    assert space.find(parent) is not None
    for _ in range(30):
        child = space.at(space.sample(rng))
        assert len(places(parent, child)) == child.depth
        above = {f"stages.{stage}.{index}": block for stage, index, block in _blocks(parent)}
        for (stage, index), block in zip(places(parent, child), plan(child)[1:-1], strict=True):
            source = above[f"stages.{stage}.{index}"]
            assert source.shortcut or not block.shortcut
            for conv, larger in zip(block.convs, source.convs, strict=True):
                assert (
                    conv.name == larger.name and conv.width <= larger.width and conv.kernel <= larger.kernel
                )


def _blocks(network):
    for block in plan(network)[1:-1]:
        _, stage, index = block.name.split(".")
        yield int(stage), int(index), block


def test_every_network_counts_once_also_where_stages_merge():
    space = Space.of(inside(MIXED, [0.5, 1], [0.5, 1]))
    networks = {space.at(point) for point in space.points()}
    assert space.size == len(networks) < len(list(space.points()))
    assert all(places(MIXED, network) for network in networks)


def test_merged_stages_take_blocks_of_the_earlier_stage_first():
    merged = decode("r16_i8_s1/fused_d1_k3_s1_e1_w8/mb_d3_k3_s2_e4_w16_se0.25/h32_c10")
    assert places(MIXED, merged) == ((0, 0), (1, 0), (1, 1), (2, 0))
    assert places(MIXED, MIXED) == ((0, 0), (1, 0), (1, 1), (2, 0), (2, 1))


def test_maps_compose_where_no_stages_merge():
    parent, rng = CATALOG["v2-b0"].architecture, random.Random(0)
    for _ in range(10):
        middle = _random_child(parent, rng)
        child = _random_child(middle, rng)
        names = [(stage, index) for stage, index, _ in _blocks(middle)]
        from_middle = dict(zip(names, places(parent, middle), strict=True))
        assert places(parent, child) == tuple(from_middle[place] for place in places(middle, child))


def _random_child(parent, rng):
    space = Space.of(inside(parent))
    return space.at(space.sample(rng))


@pytest.mark.parametrize(
    ("stages", "reason"),
    [
        ("mb_d2_k7_s2_e4_w16_se0.25/mb_d2_k3_s1_e4_w16_se0.25", "stages.1: kernel 7"),
        ("mb_d2_k5_s2_e1_w16_se0.25/mb_d2_k3_s1_e4_w16_se0.25", "gives other layers"),
        ("mb_d2_k5_s2_e4_w16/mb_d2_k3_s1_e4_w16_se0.25", "se 0 is not"),
        ("mb_d5_k3_s2_e4_w16_se0.25", "not leading blocks"),
    ],
)
def test_other_networks_are_refused_with_the_reason(stages, reason):
    assert reason in no_child(f"r16_i8_s1/fused_d1_k3_s1_e1_w8/{stages}/h32_c10")


def no_child(child):
    with pytest.raises(UserError, match="is not a child of") as refused:
        places(MIXED, decode(child))
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_another_stem_or_head_is_refused_with_the_reason():
    stages = "fused_d1_k3_s1_e1_w8/mb_d3_k3_s2_e4_w16_se0.25"
    assert "stem.width 16" in no_child(f"r16_i16_s1/{stages}/h32_c10")
    assert "classes 7" in no_child(f"r16_i8_s1/{stages}/h32_c7")


def test_a_child_that_gains_a_shortcut_is_refused():
    parent = decode("r16_i8_s1/mb_d1_k3_s1_e4_w16/h32_c10")
    with pytest.raises(UserError, match="gains a shortcut"):
        places(parent, decode("r16_i8_s1/mb_d1_k3_s1_e4_w8/h32_c10"))
    assert inside(parent)["stages"][0]["width"] == [16]


@pytest.mark.parametrize(
    ("parent", "reason"),
    [
        ("r32_i24_pool/mb_d2_k3_s2_e4_w48/h64_c10", "stem 'pool'"),
        ("r32_i24/shufflev2_d2_k3_s2_w48/h64_c10", "op shufflev2"),
        ("r32_i24/basic_d2_k3_s2_w48/h64_c10", "op basic"),
    ],
)
def test_parents_whose_weights_cannot_be_sliced_are_refused(parent, reason):
    with pytest.raises(UserError, match=reason) as refused:
        inside(decode(parent))
    assert "\n" not in str(refused.value)


def test_shares_say_how_finely_widths_and_expansions_may_shrink():
    space = load_space("inside:b0", {"widths": [0.25, 0.5], "expands": 1, "stages.2.kernel": 3})
    assert space.name == "inside-b0"
    assert space.document["stages"][3]["width"] == [24, 40, 80]
    assert space.document["stages"][3]["expand"] == [6]
    assert {stage.kernel for stage in space.stages[2]} == {3}


@pytest.mark.parametrize("value", [0, 1.5, "half", True, [0.5, 2]])
def test_shares_outside_of_their_range_are_refused(value):
    with pytest.raises(UserError, match=r"space\.widths has .*; a factor of the network's widths is"):
        load_space("inside:b0", {"widths": value})


def test_an_unknown_parent_gets_the_nearest():
    with pytest.raises(UserError, match=r"space=inside:PARENT 'v2-b9'. Did you mean 'v2-b"):
        load_space("inside:v2-b9")
