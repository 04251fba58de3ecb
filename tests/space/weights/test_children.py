import random

import pytest
import torch
from helpers.models import shaken

from space import Space, UserError, build, decode, plan
from space.choices.inside import inside
from space.weights import Conventions, Weights, rebuild
from space.weights.children import inherit, order

PARENTS = {
    "mb": "r16_i16_s1/mb_d1_k3_s1_e1_w16_se0.25/mb_d3_k5_s2_e6_w24_se0.25/mb_d2_k3_s1_e4_w40_se0.25/h64_c10",
    "fused": "r16_i16_s1/fused_d2_k3_s1_e1_w16_se0.25/fused_d2_k5_s2_e4_w24_se0.25/fusedkeep_d1_k3_s1_e1_w32/h0_c10",
    "mbv3": "r16_i16_s1_x1/mbv3_d2_k5_s2_e4_w32_se0.25_hardswish/mbv3_d2_k3_s1_e1_w24/h64_f32_c10_hardswish",
    "uib": "r16_i16_s1/dw_d2_k3_s1_w16/uib_d2_k5_s2_e4_w24_a3/uib_d2_k0_s1_e4_w32/h32_f48_c10_norm",
}


@pytest.fixture(scope="module", params=PARENTS)
def parent(request):
    torch.manual_seed(1)
    architecture = decode(PARENTS[request.param])
    return Weights(architecture, shaken(build(architecture)).state_dict(), Conventions())


def outputs(weights, maps=None):
    torch.manual_seed(2)
    x = torch.randn(4, weights.architecture.channels, 16, 16)
    with torch.no_grad():
        return rebuild(weights).eval()(x)


def equal(one, other):
    return one.tensors.keys() == other.tensors.keys() and all(
        torch.equal(tensor, other.tensors[name]) for name, tensor in one.tensors.items()
    )


def test_order_leaves_the_function_unchanged(parent):
    before, after = outputs(parent), outputs(order(parent))
    assert (before - after).abs().max() <= 1e-6 * before.abs().max()


def test_order_changes_channels_once(parent):
    ordered = order(parent)
    assert not equal(parent, ordered)
    assert equal(ordered, order(ordered))


def test_order_puts_the_channels_that_matter_first():
    """Hidden channels without scale are the last ones: leaving them out changes nothing."""
    architecture = decode("r16_i8_s1/mb_d1_k3_s2_e6_w16/h32_c10")
    weights = Weights(architecture, shaken(build(architecture)).state_dict(), Conventions())
    block = "stages.0.0"
    for layer in ("expand", "depthwise"):
        for name in ("weight", "bias", "running_mean"):
            weights.tensors[f"{block}.{layer}.norm.{name}"][::2] = 0
    child = inherit(order(weights), decode("r16_i8_s1/mb_d1_k3_s2_e3_w16/h32_c10"))
    assert torch.allclose(outputs(child), outputs(weights), atol=1e-5)
    assert not torch.allclose(outputs(inherit(weights, child.architecture)), outputs(weights), atol=1e-2)


def test_a_parent_inherits_itself_to_the_bit(parent):
    assert equal(inherit(parent, parent.architecture), parent)


def test_children_of_children_inherit_as_children(parent):
    rng, space = random.Random(3), Space.of(inside(parent.architecture))
    for _ in range(5):
        middle = space.at(space.sample(rng))
        own = Space.of(inside(middle))
        child = own.at(own.sample(rng))
        assert equal(inherit(inherit(parent, middle), child), inherit(parent, child))


def test_kernels_are_cut_to_their_middle_and_widths_to_what_the_family_computes():
    parent = Weights(decode(PARENTS["mb"]), shaken(build(decode(PARENTS["mb"]))).state_dict(), Conventions())
    text = "r16_i8_s1/mb_d1_k3_s1_e1_w8_se0.25/mb_d1_k3_s2_e4_w16_se0.25/mb_d2_k3_s1_e4_w40_se0.25/h64_c10"
    child = inherit(parent, decode(text))
    name = "stages.1.0.depthwise.conv.weight"
    assert torch.equal(child.tensors[name], parent.tensors[name][:32, :, 1:4, 1:4])
    for block in plan(child.architecture):
        for conv in block.convs:
            if conv.name == "se_reduce":
                assert len(child.tensors[f"{block.name}.se_reduce.conv.bias"]) == conv.width
    rebuild(child)


def test_a_network_that_is_no_child_is_refused(parent):
    with pytest.raises(UserError, match="is not a child of"):
        inherit(parent, decode("r16_i8/mb_d9_k3_s1_e1_w8/h64_c10"))
