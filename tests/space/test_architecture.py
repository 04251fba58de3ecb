from dataclasses import replace

import pytest
from helpers.strategies import architectures, stages
from hypothesis import given, settings
from hypothesis import strategies as st

from space.architecture import Architecture, Head, Stage, Stem, decode, decode_stage, encode, encode_stage
from space.catalog import CATALOG
from space.refusal import UserError

STAGE = Stage("mb", depth=2, kernel=3, stride=2, expand=6, width=24, se=0.25)


def network(*stages: Stage) -> Architecture:
    return Architecture(32, Stem(16), stages, Head(64), 10)


@given(architectures())
@settings(deadline=None)
def test_decoding_inverts_encoding(architecture):
    text = encode(architecture)
    assert decode(text) == architecture
    assert str(decode(text)) == text
    assert decode(text).digest == architecture.digest


@given(stages())
def test_decoding_a_stage_inverts_encoding_it(stage):
    assert decode_stage(encode_stage(stage)) == stage


@given(architectures(), architectures())
@settings(deadline=None)
def test_strings_and_digests_agree_with_equality(one, other):
    assert (one == other) == (str(one) == str(other)) == (one.digest == other.digest)


@given(architectures(max_stages=3), st.data())
@settings(deadline=None)
def test_splitting_a_stage_and_inserting_empty_ones_changes_nothing(architecture, data):
    parts = []
    for stage in architecture.stages:
        first = data.draw(st.integers(1, stage.depth))
        parts.append(replace(stage, depth=first))
        parts.append(replace(stage, depth=0, width=24, stride=2))
        parts.append(replace(stage, depth=stage.depth - first, stride=1))
    assert replace(architecture, stages=tuple(parts)) == architecture


def test_a_stage_that_differs_in_anything_is_not_merged():
    again = replace(STAGE, stride=1)
    assert len(network(STAGE, again).stages) == 1
    assert network(STAGE, again).depth == 4
    changes = {"op": "fused", "kernel": 5, "stride": 2, "expand": 4, "width": 32, "se": 0.5, "act": "relu"}
    for name, value in changes.items():
        assert len(network(STAGE, replace(again, **{name: value})).stages) == 2


def test_ratios_are_normalised():
    same = replace(STAGE, expand=6.0)
    assert same == STAGE
    assert repr(same) == repr(STAGE)
    assert encode_stage(replace(STAGE, expand=1.5, se=0.0)) == "mb_d2_k3_s2_e1.5_w24"
    assert encode_stage(replace(STAGE, se=1.0)) == "mb_d2_k3_s2_e6_w24_se1"


def test_the_string_and_the_digest_are_stable():
    """Caches and ledgers on disk hold them: changing either breaks every run there is."""
    b0 = CATALOG["b0"].architecture
    assert str(b0).startswith("r224_i32/mb_d1_k3_s1_e1_w16_se0.25/mb_d2_k3_s2_e6_w24_se0.25/")
    assert str(b0).endswith("/mb_d1_k3_s1_e6_w320_se0.25/h1280_c1000")
    assert b0.digest == "f82ce11b70ff260b"
    everything = Architecture(33, Stem(8, 5, 1, "relu"), (STAGE,), Head(40, "hardswish"), 3, channels=1)
    assert str(everything) == "r33_i8_k5_s1_x1_relu/mb_d2_k3_s2_e6_w24_se0.25/h40_c3_hardswish"
    assert decode(str(everything)) == everything


@given(architectures())
@settings(deadline=None)
def test_stride_and_depth_are_sums_over_the_blocks(architecture):
    stride = architecture.stem.stride * (2 if architecture.stem.op == "pool" else 1)
    for stage in architecture.stages:
        stride *= stage.stride
    assert architecture.stride == stride
    assert architecture.depth == sum(stage.depth for stage in architecture.stages)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("op", "fusde", "Unknown op 'fusde'. Did you mean 'fused'? Permitted: "),
        ("depth", -1, "depth is -1; it must be a whole number from 0 to 1000000."),
        ("depth", 2.0, "depth is 2.0; it must be a whole number"),
        ("depth", True, "depth is True; it must be a whole number"),
        ("kernel", 4, "kernel is 4; it must be odd"),
        ("kernel", 0, "kernel is 0; it must be a whole number of at least 1."),
        ("stride", 3, "stride is 3; it must be 1 or 2."),
        ("stride", True, "stride is True; it must be 1 or 2."),
        ("expand", 0, "expand is 0; it must be a number from 0.05 to 64."),
        ("expand", float("nan"), "expand is nan; it must be a number"),
        ("expand", "6", "expand is '6'; it must be a number"),
        ("width", 0, "width is 0; it must be a whole number of at least 1."),
        ("se", 1.5, "se is 1.5; it must be a number from 0.001 to 1."),
        ("se", None, "se is None; it must be a number from 0.001 to 1."),
        ("se", "", "se is ''; it must be a number from 0.001 to 1."),
        ("act", "swish", "Unknown act 'swish'. Did you mean 'hardswish'? Permitted: "),
    ],
)
def test_a_stage_refuses(field, value, said):
    with pytest.raises(UserError) as refusal:
        replace(STAGE, **{field: value})
    assert str(refusal.value).startswith(said)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Stem(0), "stem.width is 0; "),
        (lambda: Stem(8, kernel=2), "stem.kernel is 2; it must be odd"),
        (lambda: Stem(8, stride=4), "stem.stride is 4; it must be 1 or 2."),
        (lambda: Stem(8, act="none"), "Unknown stem.act 'none'."),
        (lambda: Head(-1), "head.width is -1; "),
        (lambda: Head(8, "rely"), "Unknown head.act 'rely'. Did you mean 'relu'?"),
        (lambda: replace(network(STAGE), resolution=0), "resolution is 0; "),
        (lambda: replace(network(STAGE), classes=0), "classes is 0; "),
        (lambda: replace(network(STAGE), channels=0), "channels is 0; "),
        (network, "An architecture needs at least one stage of depth 1 or more."),
        (lambda: network(replace(STAGE, depth=0)), "An architecture needs at least one stage"),
    ],
)
def test_a_part_refuses(make, said):
    with pytest.raises(UserError) as refusal:
        make()
    assert str(refusal.value).startswith(said)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'' is not an architecture"),
        ("r32_i16/h64_c10", "'r32_i16/h64_c10' is not an architecture"),
        ("r32_i16", "'r32_i16' is not an architecture: it lacks a stem, stages or a head"),
        ("r32/mb_d1_k3_s1_e1_w8/h64_c10", "'r32' lacks iNUMBER (width)."),
        ("r32_i16/mb_d1_k3_s1_e1/h64_c10", "'mb_d1_k3_s1_e1' lacks wNUMBER (width)."),
        ("r32_i16/mb_d1_k3_s1_e1_w8/h64", "'h64' lacks cNUMBER (classes)."),
        ("r32_i16/mp_d1_k3_s1_e1_w8/h64_c10", "Unknown op in 'mp_d1_k3_s1_e1_w8': 'mp'. Did you mean 'mb'?"),
        ("r32_i16/mb_d1_d2_k3_s1_e1_w8/h64_c10", "'mb_d1_d2_k3_s1_e1_w8' states depth twice."),
        ("r32_i16/mb_d1_k3_s1_e1_w8_relu_silu/h64_c10", "'mb_d1_k3_s1_e1_w8_relu_silu' states act twice."),
        ("r32_i16/mb_d1_k3_s1_e1_w8_sile/h64_c10", "Unknown part in 'mb_d1_k3_s1_e1_w8_sile': 'sile'."),
        ("r32_i16/mb_d1.5_k3_s1_e1_w8/h64_c10", "'mb_d1.5_k3_s1_e1_w8': depth is 1.5; it must be"),
        ("r32_i16/mb_d1_k3_s1_e-1_w8/h64_c10", "Unknown part in 'mb_d1_k3_s1_e-1_w8': 'e-1'."),
        ("r32_i16//h64_c10", "Unknown op in '': ''."),
    ],
)
def test_a_string_is_refused(text, said):
    with pytest.raises(UserError) as refusal:
        decode(text)
    assert str(refusal.value).startswith(said)
    assert "\n" not in str(refusal.value)


def test_a_skip_that_changes_nothing_makes_no_other_network():
    """A block has no shortcut where stride or width change, or where it narrows; some families have none at all."""
    for stage in (
        "mb_d1_k3_s2_e6_w24",
        "mb_d1_k3_s1_e6_w24",
        "dw_d2_k3_s1_w16",
        "shufflev2_d2_k3_s1_w16",
        "mb_d1_k3_s2_e6_w24/mb_d1_k3_s1_e1_w32",
        "blaze_d1_k3_s1_w8",
        "blazedouble_d1_k3_s2_e4_w8",
    ):
        first, slash, others = stage.partition("/")
        with_it, without = (decode(f"r32_i16/{first}{mark}{slash}{others}/h8_c2") for mark in ("", "_noskip"))
        assert with_it == without
        assert str(without) == f"r32_i16/{stage}/h8_c2"
    parts = "mb_d1_k3_s2_e6_w24/mb_d1_k3_s1_e6_w24_noskip"
    whole = decode("r32_i16/mb_d2_k3_s2_e6_w24_noskip/h8_c2")
    assert decode(f"r32_i16/{parts}/h8_c2") == whole
    assert whole != decode("r32_i16/mb_d2_k3_s2_e6_w24/h8_c2")
    assert decode("r32_i24/mb_d1_k3_s1_e6_w24_noskip/h8_c2") != decode("r32_i24/mb_d1_k3_s1_e6_w24/h8_c2")
    for stage in ("blaze_d1_k3_s2_w16", "blaze_d1_k3_s1_w24", "blaze_d2_k3_s1_w8"):
        assert decode(f"r32_i16/{stage}_noskip/h8_c2") != decode(f"r32_i16/{stage}/h8_c2")


def test_groups_divide_widths():
    assert STAGE.groups == 1
    assert decode("r32_i16/shuffle_d2_k3_s2_w24_g3/h8_c2").stages[0].multiple == 3
    with pytest.raises(
        UserError, match=r": width is 32; with op shuffle and groups 3 it must be a multiple of 3\.$"
    ):
        decode("r32_i16/shuffle_d2_k3_s2_w32_g3/h8_c2")
    with pytest.raises(UserError, match=r": width is 15; with op shufflev2 it must be a multiple of 2\.$"):
        decode("r32_i16/shufflev2_d2_k3_s2_w15/h8_c2")


def test_a_network_is_shown_by_its_canonical_string_and_as_a_table_of_its_stages():
    b0 = CATALOG["b0"].architecture
    assert eval(repr(b0), {"decode": decode}) == b0
    shown = b0._repr_html_()
    assert shown.count("<tr>") == len(b0.stages) + 3
    assert "<caption>224 px, 3 channels, 1000 classes</caption>" in shown
    assert "<td>mb</td><td>2</td><td>3</td><td>2</td><td>6</td><td>24</td><td>0.25</td>" in shown


@pytest.mark.parametrize(
    ("field", "value"),
    [("groups", 1.0), ("groups", True), ("dilation", 1.0), ("skip", 1), ("start", 0.0), ("start", False)],
)
def test_values_that_equal_a_default_are_of_its_kind(field, value):
    with pytest.raises(UserError, match=f"^{field} is {value!r}; it must be"):
        replace(STAGE, **{field: value})
