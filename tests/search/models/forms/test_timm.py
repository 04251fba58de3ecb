"""timm builds the same network from the file, and computes the same logits to the bit."""

import pytest
import torch
from helpers.members import loaded, logits, members
from helpers.models import model
from hypothesis import given, settings
from hypothesis import strategies as st

from search.models.forms.timm import arch_def, timm_file
from space import UserError, decode, published

ACTS = ("silu", "relu", "relu6", "hardswish")
SQUEEZES = {"mb": (0, 0.25, 0.5), "fused": (0,)}


@settings(max_examples=15)
@given(
    architecture=members(ACTS, SQUEEZES, skip=st.booleans()),
    padding=st.sampled_from(["symmetric", "same"]),
    eps=st.sampled_from([1e-3, 1e-5]),
)
def test_any_member_of_the_family(tmp_path_factory, architecture, padding, eps):
    made = model(architecture, padding=padding, norm_eps=eps)
    theirs = loaded(timm_file("any", made), made, tmp_path_factory.mktemp("timm"))
    assert torch.equal(*logits(made, theirs, architecture.resolution))


@pytest.mark.parametrize(
    "name", ["b0", *(pytest.param(n, marks=pytest.mark.slow) for n in ("lite0", "v2-b0", "v2-s"))]
)
@pytest.mark.parametrize("padding", ["symmetric", "same"])
def test_published_networks_at_225_pixels(tmp_path, name, padding):
    made = model(published(name).architecture, padding=padding)
    theirs = loaded(timm_file(name, made), made, tmp_path)
    assert torch.equal(*logits(made, theirs, 225))


def test_the_definition_is_timms_own():
    """Of timm/models/efficientnet.py, `_gen_efficientnet` and `_gen_efficientnetv2_base`."""
    assert arch_def(published("b0").architecture) == [
        ["ds_r1_k3_s1_c16_se0.25"],
        ["ir_r2_k3_s2_e6_c24_se0.25"],
        ["ir_r2_k5_s2_e6_c40_se0.25"],
        ["ir_r3_k3_s2_e6_c80_se0.25"],
        ["ir_r3_k5_s1_e6_c112_se0.25"],
        ["ir_r4_k5_s2_e6_c192_se0.25"],
        ["ir_r1_k3_s1_e6_c320_se0.25"],
    ]
    assert arch_def(published("v2-b0").architecture)[:2] == [["cn_r1_k3_s1_c16_skip"], ["er_r2_k3_s2_e4_c32"]]


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ("r32_i16/shufflev2_d2_k3_s2_w32/h64_c10", "cannot express shufflev2"),
        (
            "r32_i16/mb_d1_k3_s1_e1.5_w20/mb_d1_k3_s1_e1.5_w20/h64_c10",
            "would expand 20 channels to 32, not 30",
        ),
        (
            "r32_i16/mb_d1_k3_s1_e6_w16_se0.0625/mb_d1_k3_s1_e6_w24_se0.1/h64_c10",
            "would squeeze 16 channels to 2, not 1",
        ),
        (
            "r32_i16_relu/mb_d1_k3_s1_e6_w16/h64_c10",
            "one activation for stem and head, and no sigmoid; these are",
        ),
        ("r32_i16/mb_d1_k3_s1_e6_w16/h64_f8_c10", "with EfficientNet's head"),
        ("r32_i16_pool/mb_d1_k3_s1_e6_w16/h64_c10", "no stem of kind pool"),
        ("r32_i16/mb_d1_k3_s1_e6_w16_di2/h64_c10", "cannot express mb"),
    ],
)
def test_what_timm_lacks_is_refused(network, message):
    with pytest.raises(UserError, match=message):
        timm_file("odd", model(decode(network)))
