from dataclasses import astuple, replace
from itertools import pairwise

import pytest
from helpers.strategies import architectures
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from space.architecture import Stage, decode
from space.blocks import BLOCKS
from space.conv import Conv
from space.cost.cost import Cost, cost, parts, stage_cost
from space.plan import plan
from space.refusal import UserError


def summed(architecture) -> Cost:
    """The cost, added up block by block without the model's short cuts."""
    params = macs = activations = floats = 0
    size = architecture.resolution
    for block in plan(architecture):
        sizes = {"input": (size, size)}
        before = "input"
        for layer in block.layers:
            read = layer.reads.partition("+")[0] or before
            sizes[layer.name] = layer.size(*((1, 1) if layer.pooled else sizes[read]))
            before = layer.name
            if isinstance(layer, Conv):
                params += layer.params
                floats += layer.params - layer.norm * (
                    layer.width if layer.bias is False else 2 * layer.width
                )
                macs += layer.macs(*sizes[layer.name])
                if layer.name != "classifier":
                    activations += layer.width * sizes[layer.name][0] * sizes[layer.name][1]
        size = sizes[before][0]
    return Cost(params, macs, activations, 4 * floats)


@given(architectures())
@settings(deadline=None)
def test_the_cost_is_the_sum_over_the_plan(architecture):
    assert cost(architecture) == summed(architecture)


@given(architectures())
@settings(deadline=None)
def test_parts_add_up_and_follow_one_another(architecture):
    rows = parts(architecture)
    assert [row.name for row in rows][1:-1] == [f"stages.{n}" for n in range(len(architecture.stages))]
    assert (rows[0].name, rows[-1].name) == ("stem", "head")
    assert cost(architecture) == sum((row.cost for row in rows), Cost(0, 0, 0, 0))
    assert (rows[0].size_in, rows[0].width_in) == (architecture.resolution, architecture.channels)
    for row, after in pairwise(rows):
        assert (after.size_in, after.width_in) == (row.size, row.width)
    assert [row.part for row in rows] == [architecture.stem, *architecture.stages, architecture.head]
    assert rows[-2].size == -(-architecture.resolution // architecture.stride)


@given(architectures(), st.sampled_from(["width", "depth", "kernel", "expand"]), st.data())
@settings(deadline=None)
def test_more_of_anything_costs_more(architecture, field, data):
    number = data.draw(st.integers(0, len(architecture.stages) - 1))
    stage = architecture.stages[number]
    assume(field in ("width", "depth") or field in BLOCKS[stage.op].reads)
    # Sandglass is narrower for it, and without its depthwise convolutions where the width changes.
    assume(not stage.op.startswith("sandglass"))
    # As sandglass, it is narrower inside for a larger expand.
    assume(not (stage.op == "blazedouble" and field == "expand"))
    # Not through expand 1, at which a block has one convolution fewer; 24 suits each family's multiple.
    usual = getattr(stage, field) + (24 if field == "width" else 1)
    more = {"kernel": stage.kernel + 2, "expand": min(24 * stage.expand, 64)}.get(field, usual)
    stages = list(architecture.stages)
    stages[number] = replace(stage, **{field: more})
    larger = replace(architecture, stages=tuple(stages))
    assert all(b >= a for a, b in zip(astuple(cost(architecture)), astuple(cost(larger)), strict=True))
    assert cost(larger).macs > cost(architecture).macs


@given(architectures())
@settings(deadline=None)
def test_resolution_costs_macs_and_no_params(architecture):
    doubled = replace(architecture, resolution=2 * architecture.resolution)
    assert cost(doubled).params == cost(architecture).params
    assert cost(architecture).macs <= cost(doubled).macs <= 4 * cost(architecture).macs


@pytest.mark.parametrize("op", BLOCKS)
def test_the_cost_of_a_stage(op):
    one = Stage(op, 1, 3, 2, 4, 24, se=0.25)
    first, size = stage_cost(one, 16, 33)
    assert size == 17
    further, size = stage_cost(replace(one, stride=1), 24, 17)
    assert size == 17
    total, size = stage_cost(replace(one, depth=3), 16, 33)
    assert (total, size) == (first + further + further, 17)


def test_blocks_without_padding_are_counted_one_by_one():
    """Each of the three blocks makes the map smaller by two pixels."""
    shrinking = decode("r64_i16/inception_d3_s1_w16_b:3v:1/h0_c10")
    assert cost(shrinking).macs == 432 * 32**2 + 2304 * (30**2 + 28**2 + 26**2) + 160
    assert cost(shrinking) == summed(shrinking)
    rows = parts(shrinking)
    assert sum((row.cost for row in rows), Cost(0, 0, 0, 0)) == cost(shrinking)
    assert [row.size for row in rows] == [32, 26, 1]


def test_a_map_that_vanishes_in_the_third_block_is_refused():
    assert cost(decode("r12_i16/inception_d2_s1_w16_b:3v:1/h0_c10")).macs
    with pytest.raises(UserError, match=r"Images are too small .* input has 2 x 2 pixels"):
        cost(decode("r12_i16/inception_d3_s1_w16_b:3v:1/h0_c10"))
