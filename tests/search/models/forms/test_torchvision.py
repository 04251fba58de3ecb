"""torchvision builds the same network from the file, and computes the same logits to the bit."""

import pytest
import torch
from helpers.members import loaded, logits, members
from helpers.models import model
from hypothesis import given, settings

from search.models.forms.torchvision import inverted_residual_setting, torchvision_file
from space import UserError, decode, published

SQUEEZES = {"mb": (0, 0.25, 0.5), "fused": (0,)}


@settings(max_examples=15)
@given(architecture=members(("silu",), SQUEEZES))
def test_any_member_of_the_family(tmp_path_factory, architecture):
    made = model(architecture, norm_eps=1e-5)
    theirs = loaded(torchvision_file("any", made), made, tmp_path_factory.mktemp("torchvision"))
    assert torch.equal(*logits(made, theirs, architecture.resolution))


@pytest.mark.parametrize("name", ["b0", *(pytest.param(n, marks=pytest.mark.slow) for n in ("b1", "v2-s"))])
@pytest.mark.parametrize("padding", ["symmetric", "same"])
def test_published_networks_at_225_pixels(tmp_path, name, padding):
    """Where TensorFlow's padding and torch's are one function."""
    made = model(published(name).architecture, padding=padding)
    text = torchvision_file(name, made)
    assert torch.equal(*logits(made, loaded(text, made, tmp_path), 225))
    assert ("Note: the weights" in text) == (padding == "same")


def test_the_setting_is_torchvisions_own():
    """Of torchvision/models/efficientnet.py, `_efficientnet_conf`."""
    assert inverted_residual_setting(published("b0").architecture)[:2] == [
        "MBConvConfig(1, 3, 1, 32, 16, 1)",
        "MBConvConfig(6, 3, 2, 16, 24, 2)",
    ]
    assert inverted_residual_setting(published("v2-s").architecture)[1:4] == [
        "FusedMBConvConfig(4, 3, 2, 24, 48, 4)",
        "FusedMBConvConfig(4, 3, 2, 48, 64, 4)",
        "MBConvConfig(4, 3, 2, 64, 128, 6)",
    ]
    plain = decode("r32_i16/mb_d2_k3_s2_e4_w24_se0.5/h64_c10")
    assert inverted_residual_setting(plain) == ["MBConvConfig(4, 3, 2, 16, 24, 2, block=squeezed(0.5))"]


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ("r32_i16/shufflev2_d2_k3_s2_w32/h64_c10", "only MBConv and Fused-MBConv, not shufflev2"),
        ("r32_i16/mb_d1_k3_s1_e4_w20_se0.25/h64_c10", "would round 20 channels to 24"),
        ("r32_i16/mb_d1_k3_s1_e4_w24_di2/h64_c10", "no blocks with dilations"),
        ("r32_i16/fused_d1_k3_s1_e4_w24_se0.25/h64_c10", "no fused blocks with squeeze-excitation"),
        (
            "r32_i16/mb_d1_k3_s1_e1.5_w24/mb_d1_k5_s1_e1.25_w16/h64_c10",
            "would expand 24 channels to 32, not 30",
        ),
        ("r32_i16_pool/mb_d1_k3_s1_e4_w24/h64_c10", "this network has the stem pool"),
        ("r32_i16/mb_d1_k3_s1_e4_w24/h0_c10", "stem conv and the head h0_c10"),
        ("r32_i16/mb_d2_k3_s1_e4_w16_se0.25_noskip/h64_c10", "no blocks without shortcuts"),
        ("r32_i16/mb_d1_k3_s1_e4_w16_relu/h64_c10", "only SiLU, not relu"),
        ("r32_i16_relu/mb_d1_k3_s1_e4_w16_se0.25/h64_c10", "only SiLU; stem and head have relu and silu"),
    ],
)
def test_what_torchvision_lacks_is_refused(network, message):
    with pytest.raises(UserError, match=message):
        torchvision_file("odd", model(decode(network)))
