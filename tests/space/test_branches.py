from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from space import Stage, UserError, cost, decode
from space.blocks.branches import DEFAULT, canonical, module, sized
from space.blocks.inception import plan
from space.conv import Conv

LAYERS = st.one_of(
    st.integers(1, 512).map(str),
    st.builds(
        lambda kernel, mark, width: f"{kernel}{mark}:{width}",
        st.sampled_from(["3", "5", "1x7", "7x1"]),
        st.sampled_from(["", "v"]),
        st.integers(1, 512),
    ),
)
BRANCHES = st.builds(
    lambda pool, layers, sides: ">".join((*pool, *layers, *sides)),
    st.sampled_from([(), ("max",), ("avg",), ("avgi",), ("maxv",)]),
    st.lists(LAYERS, min_size=1, max_size=3),
    st.sampled_from([(), ("(1x3:32|3x1:48)",)]),
)
MODULES = st.builds(
    lambda pool, branches, end: pool + "+".join(branches) + end,
    st.sampled_from(["", "max;", "max2;"]),
    st.lists(BRANCHES, min_size=1, max_size=4),
    st.sampled_from(["", "=320*0.17", "=64*1~"]),
)


@given(MODULES)
def test_reading_inverts_writing(text):
    assert str(module(str(module(text)))) == str(module(text))
    stage = Stage("inception", 1, 1, 1, 1, 512, branches=text)
    assert stage.branches == canonical(text)
    network = decode(f"r32_i16/inception_d1_s1_w512_b:{text}/h8_c2")
    assert decode(str(network)) == network


@given(MODULES, st.sampled_from([64, 256, 512]), st.sampled_from([16, 64]))
def test_concatenated_branches_add_up_to_the_width(text, width, width_in):
    read = module(text)
    ends = [one for branch in sized(read, width, width_in) for one in branch[-1]]
    if not read.merged:
        assert sum(width_in if isinstance(one, str) else one.share for one in ends) == width
    padded = text.replace("v:", ":").replace("maxv", "max")
    layers = plan(Stage("inception", 1, 1, 1, 1, width, branches=padded), width_in, 1)
    assert all(layer.width >= 1 for layer in layers if isinstance(layer, Conv))
    assert all(before.name != after.name for before, after in pairwise(layers))


def test_equal_shares_are_written_alike():
    assert canonical(DEFAULT) == canonical("4+6>3:8+1>3:2+max>2") == ""
    assert canonical("64+32>3:64") == canonical("2+1>3x3:2") == "2+1>3:2"
    assert (
        str(decode(f"r32_i16/inception_d1_s1_w256_b:{DEFAULT}/h8_c2")) == "r32_i16/inception_d1_s1_w256/h8_c2"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("64+", "'' is not a layer; write 64, 3:128, 1x7:192, max or avg."),
        ("64+min>32", "'min' is not a layer"),
        ("4:64", "the kernel of '4:64' must be odd."),
        ("(1:2|3:4)>64", "only the last layer of a branch may be two in parallel."),
        ("max", "have no convolution."),
        ("64=320", "is not a layer"),
        ("064", "is not a layer"),
    ],
)
def test_an_invalid_module_is_refused(text, said):
    with pytest.raises(UserError) as refused:
        Stage("inception", 1, 1, 1, 1, 64, branches=text)
    assert said in str(refused.value)


def test_pooling_alone_is_left_out_where_it_leaves_no_room():
    stage = Stage("inception", 1, 1, 2, 1, 64, branches="64+3:32+max")
    assert [layer.name for layer in plan(stage, 32, 2)] == ["b0_0", "b1_0", "b2_0"]
    assert [layer.width for layer in plan(stage, 64, 1)] == [42, 22]


def test_too_few_channels_are_refused():
    with pytest.raises(UserError, match=r"^8 channels are too few for the branches "):
        plan(Stage("inception", 1, 1, 1, 1, 8, branches="+".join(["3:1"] * 9)), 64, 1)


def test_a_branch_that_ends_with_pooling_is_pooling_alone():
    with pytest.raises(UserError, match="a branch with a convolution cannot end with pooling"):
        decode("r32_i16/inception_d1_s1_w64_b:64+3:64>max/h0_c10")


@pytest.mark.parametrize(
    ("text", "stride", "joins"),
    [
        ("3v:64+64", 1, False),
        ("3v:64+1>3v:64", 1, True),
        ("1x7v:64", 1, False),
        ("1x3v:64>3x1v:64", 1, True),
        ("3v:64+maxv", 2, True),
        ("3v:64+3:64>3v:64+maxv", 2, True),
        ("3v:64+3:64", 2, False),
        ("max;3v:64+64", 2, False),
        ("3v:64=64*1", 1, False),
        ("3v:64=64*1", 2, True),
    ],
)
def test_branches_whose_maps_cannot_be_joined_are_refused(text, stride, joins):
    network = decode(f"r64_i64/inception_d1_s{stride}_w64_b:{text}/h0_c10")
    if joins:
        assert cost(network).macs > 0
    else:
        with pytest.raises(UserError, match=r"^branches .*: their maps have different sizes") as refused:
            cost(network)
        assert "\n" not in str(refused.value)
