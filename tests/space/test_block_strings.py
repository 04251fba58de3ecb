from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from space import Architecture, Head, Stage, Stem, UserError, published
from space.block_strings import decode_blocks, encode_blocks

B0 = (
    "r1_k3_s11_e1_i32_o16_se0.25,r2_k3_s22_e6_i16_o24_se0.25,r2_k5_s22_e6_i24_o40_se0.25,"
    "r3_k3_s22_e6_i40_o80_se0.25,r3_k5_s11_e6_i80_o112_se0.25,r4_k5_s22_e6_i112_o192_se0.25,"
    "r1_k3_s11_e6_i192_o320_se0.25"
)
TIMM_V4 = (
    "er_r1_k3_s2_e4_c48_nre,uir_r1_a3_k5_s2_e4_c96_nre,uir_r1_a3_k3_s1_e4_c96_nre,uir_r1_a3_k5_s2_e4_c192_nre,"
    "uir_r3_a3_k3_s1_e4_c192_nre,uir_r1_a3_k5_s1_e4_c192_nre,uir_r5_a5_k3_s1_e4_c192_nre,"
    "uir_r1_a3_k0_s1_e4_c192_nre,uir_r4_a5_k5_s2_e4_c512_nre,uir_r1_a5_k0_s1_e4_c512_nre,"
    "uir_r1_a5_k3_s1_e4_c512_nre,uir_r2_a5_k0_s1_e4_c512_nre,uir_r1_a5_k3_s1_e4_c512_nre,"
    "uir_r1_a5_k5_s1_e4_c512_nre,uir_r3_a5_k0_s1_e4_c512_nre"
)
V2_B0 = (
    "r1_k3_s1_e1_i32_o16_c1,r2_k3_s2_e4_i16_o32_c1,r2_k3_s2_e4_i32_o48_c1,"
    "r3_k3_s2_e4_i48_o96_se0.25,r5_k3_s1_e6_i96_o112_se0.25,r8_k3_s2_e6_i112_o192_se0.25"
)
TIMM_V2 = (
    "ds_r1_k3_s1_c16_nr6,ir_r2_k3_s2_e6_c24_nr6,ir_r3_k3_s2_e6_c32_nr6,ir_r4_k3_s2_e6_c64_nr6,"
    "ir_r3_k3_s1_e6_c96_nr6,ir_r3_k3_s2_e6_c160_nr6,ir_r1_k3_s1_e6_c320_nr6"
)


def test_efficientnets_strings_are_efficientnet():
    assert decode_blocks(B0) == published("b0").architecture
    assert encode_blocks(published("b0").architecture) == B0
    assert decode_blocks(V2_B0) == published("v2-b0").architecture
    assert (
        decode_blocks(encode_blocks(published("v2-s").architecture)).stages
        == published("v2-s").architecture.stages
    )


def test_timms_strings_are_mobilenet_v2():
    network = published("mobilenet-v2-1.0").architecture
    assert decode_blocks(TIMM_V2).stages == network.stages
    assert encode_blocks(network, "timm") == TIMM_V2


def test_timms_strings_are_mobilenet_v4():
    network = published("mobilenet-v4-conv-large").architecture
    assert decode_blocks(TIMM_V4).stages == network.stages
    assert encode_blocks(network, "timm") == TIMM_V4


def test_timm_decodes_what_we_encode():
    """Through timm's own decoder: kinds, numbers and the shortcut of ConvBnAct."""
    builder = pytest.importorskip("timm.models._efficientnet_builder")
    for name in ("b0", "v2-s", "mnasnet-a1", "mobilenet-v1", "lite0"):
        network = published(name).architecture
        for text, stage in zip(encode_blocks(network, "timm").split(","), network.stages, strict=True):
            block, repeats = builder._decode_block_str(text)
            assert (repeats, block["out_chs"], block["stride"]) == (stage.depth, stage.width, stage.stride)
            assert block.get("se_ratio", 0) == stage.se
            assert block.get("exp_ratio", 1) == stage.expand
            kernel = next(
                block[key] for key in ("dw_kernel_size", "exp_kernel_size", "kernel_size") if key in block
            )
            assert kernel == stage.kernel


STAGES = st.lists(
    st.builds(
        Stage,
        op=st.sampled_from(["mb", "fused"]),
        depth=st.integers(1, 9),
        kernel=st.sampled_from([3, 5, 7]),
        stride=st.sampled_from([1, 2]),
        expand=st.sampled_from([1, 2.5, 4, 6]),
        width=st.sampled_from([8, 24, 40]),
        se=st.sampled_from([0, 0.25]),
        skip=st.booleans(),
    ),
    min_size=1,
    max_size=4,
)


@given(
    STAGES, st.sampled_from(["efficientnet", "timm"]), st.sampled_from(["silu", "relu", "relu6", "hardswish"])
)
def test_decoding_inverts_encoding(stages, notation, act):
    act = act if notation == "timm" else "silu"
    stages = [replace(stage, act=act) for stage in stages]
    if notation == "timm":
        stages = [
            replace(stage, se=0) if (stage.op, stage.expand) == ("fused", 1) else stage for stage in stages
        ]
    network = Architecture(224, Stem(32), tuple(stages), Head(1280), 1000)
    assert decode_blocks(encode_blocks(network, notation)) == network


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("r1_k3_s11_e1_i32", "'r1_k3_s11_e1_i32' lacks oNUMBER."),
        ("r1_k3_s12_e1_i32_o16", "the strides along both axes must be equal, as in s22."),
        (
            "r1_k3_s11_e1_i32_o16,r1_k3_s11_e6_i24_o16",
            "'r1_k3_s11_e6_i24_o16' reads 24 channels, but 16 come before",
        ),
        ("r1_k3_s11_e1_i32_o16_sq0.25", "Unknown part in 'r1_k3_s11_e1_i32_o16_sq0.25': 'sq0.25'."),
        ("r1_k3_k3_s11_e1_i32_o16", "states kernel twice."),
        ("it_r1_k3_s1_e6_c16", "Unknown kind of block in 'it_r1_k3_s1_e6_c16': 'it'. Did you mean 'ir'?"),
        ("ir_r1_k3_s1_e1_c16", "ir with e1 has a convolution that our blocks lack; write ds or cn."),
        ("ir_r1_k3_s1_c16", "lacks eNUMBER."),
        ("r1_k4_s11_e1_i32_o16", "'r1_k4_s11_e1_i32_o16': kernel is 4; it must be odd"),
    ],
)
def test_refusals_name_the_part(text, said):
    with pytest.raises(UserError) as refused:
        decode_blocks(text)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_activation_without_a_letter_is_not_lost():
    (stage,) = decode_blocks("ir_r2_k3_s2_e6_c24_se0.25").stages
    network = replace(published("b0").architecture, stages=(replace(stage, act="sigmoid"),))
    with pytest.raises(UserError, match=r"timm's notation cannot express mb_.*sigmoid"):
        encode_blocks(network, "timm")


def test_a_block_that_a_notation_cannot_express_is_refused():
    with pytest.raises(UserError, match=r"EfficientNet's notation cannot express shufflev2_"):
        encode_blocks(published("shufflenet-v2-1.0").architecture)
    with pytest.raises(UserError, match=r"timm's notation cannot express sandglasskeep_"):
        encode_blocks(published("mobilenext-1.0").architecture, "timm")
    with pytest.raises(UserError, match=r"Unknown notation 'tim'\. Did you mean 'timm'\?"):
        encode_blocks(published("b0").architecture, "tim")
