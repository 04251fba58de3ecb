from dataclasses import replace

from helpers.strategies import architectures
from hypothesis import given, settings

from space.architecture import decode
from space.blocks import BLOCKS
from space.catalog import published
from space.plan import plan


@given(architectures())
@settings(deadline=None)
def test_blocks_follow_one_another(architecture):
    stem, *blocks, head = plan(architecture)
    assert stem.name == "stem"
    assert head.name == "head"
    assert len(blocks) == architecture.depth
    width = architecture.stem.width
    position = iter(blocks)
    for number, stage in enumerate(architecture.stages):
        for index in range(stage.depth):
            block = next(position)
            assert block.name == f"stages.{number}.{index}"
            assert block.op == stage.op
            strides = stage.stride == 1 or index > 0
            joined = BLOCKS[stage.op].shortcut and stage.skip
            assert block.shortcut == (joined and strides and width == stage.width)
            width = stage.width
    assert head.convs[-1].name == "classifier"
    assert head.convs[-1].width == architecture.classes


@given(architectures())
@settings(deadline=None)
def test_the_resolution_changes_nothing(architecture):
    assert plan(replace(architecture, resolution=512)) == plan(architecture)


def test_the_convolutions_of_a_block():
    def described(text):
        block = plan(decode(f"r32_i16/{text}/h8_c2"))[-2]
        return [(c.name, c.width_in, c.width, c.kernel[0], c.stride, c.groups, c.act) for c in block.convs]

    assert described("mb_d1_k5_s2_e6_w24_se0.25") == [
        ("expand", 16, 96, 1, 1, 1, "silu"),
        ("depthwise", 96, 96, 5, 2, 96, "silu"),
        ("se_reduce", 96, 4, 1, 1, 1, "silu"),
        ("se_expand", 4, 96, 1, 1, 1, "sigmoid"),
        ("project", 96, 24, 1, 1, 1, ""),
    ]
    assert described("mb_d1_k3_s1_e1_w24_relu") == [
        ("depthwise", 16, 16, 3, 1, 16, "relu"),
        ("project", 16, 24, 1, 1, 1, ""),
    ]
    assert described("fused_d1_k3_s2_e4_w24") == [
        ("expand", 16, 64, 3, 2, 1, "silu"),
        ("project", 64, 24, 1, 1, 1, ""),
    ]
    # Without an expansion the dense convolution is the projection, and keeps its activation.
    assert described("fused_d1_k3_s2_e1_w24") == [("project", 16, 24, 3, 2, 1, "silu")]


def test_a_hidden_width_is_at_least_one():
    assert plan(decode("r8_i1/mb_d1_k3_s1_e0.25_w1/h1_c1"))[1].convs[0].width == 1


def test_shortcuts_of_b0():
    """9 of the 16 blocks: all but the first of each stage."""
    blocks = plan(published("b0").architecture)
    assert sum(block.shortcut for block in blocks) == 9
    assert not any(block.shortcut for block in blocks if block.name.endswith(".0"))
