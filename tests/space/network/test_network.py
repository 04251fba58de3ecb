from dataclasses import replace
from math import prod
from random import Random

import pytest
import torch
from fvcore.nn import FlopCountAnalysis, parameter_count
from helpers.hooks import convolutions
from helpers.strategies import architectures
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from space import Space, UserError, documents
from space.architecture import decode
from space.catalog import published
from space.conv import ACTIVATIONS
from space.cost.cost import cost
from space.network.modules import ACTIVATIONS as MODULES
from space.network.network import build
from space.plan import plan

SMALL = decode("r32_i8/mb_d2_k3_s1_e1_w8_se0.25/fused_d3_k3_s2_e4_w16/mb_d3_k5_s2_e4_w24_se0.25/h32_c5")
few = settings(max_examples=12, deadline=None)


def images(architecture, batch=2, size=0):
    size = size or architecture.resolution
    return torch.randn(batch, architecture.channels, size, size)


def seeded(architecture, **options):
    torch.manual_seed(7)
    return build(architecture, **options)


def shaken(network):
    """`network` in eval mode with statistics that are not trivial."""
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean, std=0.3)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
    return network.eval()


@given(architectures())
@few
def test_the_network_runs_the_plan(architecture):
    network = build(architecture).eval()
    *seen, classifier = convolutions(network, images(architecture))
    *planned, last = [(block.name, conv) for block in plan(architecture) for conv in block.convs]
    assert [one.name for one in seen] == [f"{name}.{conv.name}.conv" for name, conv in planned]
    for one, (_, conv) in zip(seen, planned, strict=True):
        assert one.weight == (conv.width, conv.width_in // conv.groups, *conv.kernel)
    assert classifier.name == "head.classifier"
    assert classifier.weight == (last[1].width, last[1].width_in)
    assert classifier.output == (2, architecture.classes)
    params = sum(parameter.numel() for parameter in network.parameters())
    macs = sum(prod(one.output[2:]) * prod(one.weight) for one in (*seen, classifier))
    activations = sum(prod(one.output[1:]) for one in seen)
    total = cost(architecture)
    assert (params, macs, activations) == (total.params, total.macs, total.activations)


def by_fvcore(architecture):
    """(params, MACs of conv and linear) of the built network."""
    network = build(architecture).eval()
    analysis = FlopCountAnalysis(network, images(architecture, 1))
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    counted = analysis.by_operator()
    return parameter_count(network)[""], counted["conv"] + counted["linear"]


@given(architectures())
@few
def test_costs_equal_fvcore(architecture):
    spent = cost(architecture)
    assert by_fvcore(architecture) == (spent.params, spent.macs)


def test_costs_of_maps_that_become_smaller_equal_fvcore():
    shrinking = decode("r64_i16/inception_d3_s1_w16_b:3v:1/h0_c10")
    assert by_fvcore(shrinking) == (cost(shrinking).params, cost(shrinking).macs)


@pytest.mark.parametrize("name", documents.names("space"))
@given(seed=st.integers(0, 2**32), resolution=st.integers(17, 97))
@settings(max_examples=3, deadline=None)
def test_costs_of_every_space_equal_fvcore(name, seed, resolution):
    space = Space.load(name, {"resolution": resolution})
    architecture = space.at(space.sample(Random(seed)))
    spent = cost(architecture)
    assert by_fvcore(architecture) == (spent.params, spent.macs)


@pytest.mark.parametrize(
    "name", [*(f"b{n}" for n in range(8)), *(f"v2-{size}" for size in ("s", "m", "l", "xl"))]
)
def test_full_networks_equal_the_flop_counter(name):
    architecture = published(name).architecture
    with torch.device("meta"):
        network, x = build(architecture).eval(), images(architecture, 1)
    with FlopCounterMode(display=False) as counter:
        assert network(x).shape == (1, 1000)
    assert counter.get_total_flops() == 2 * cost(architecture).macs
    assert sum(p.numel() for p in network.parameters()) == cost(architecture).params


@given(architectures())
@few
def test_features_are_the_last_maps_of_each_reduction(architecture):
    network = build(architecture).eval()
    maps = network.features(images(architecture))
    width, reduction = architecture.stem.width, architecture.stem.reduction
    expected = {reduction: width}
    for stage in architecture.stages:
        reduction *= stage.stride
        expected[reduction] = stage.width
    assert list(maps) == sorted(expected)
    for reduction, map_ in maps.items():
        size = -(-architecture.resolution // reduction)
        assert map_.shape == (2, expected[reduction], size, size)


def test_features_lead_to_the_logits():
    network = shaken(seeded(SMALL))
    x = images(SMALL)
    maps = network.features(x)
    assert list(maps) == [2, 4, 8]
    assert torch.equal(network.head(maps[8]), network(x))


def test_gradients_reach_every_parameter():
    network = seeded(SMALL, drop_path=0.2, dropout=0.2)
    network(images(SMALL, 8)).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name


@pytest.mark.parametrize(("channels", "classes"), [(1, 2), (4, 37), (3, 1)])
def test_any_channels_and_classes(channels, classes):
    network = build(replace(SMALL, channels=channels, classes=classes)).eval()
    assert network(torch.randn(2, channels, 48, 40)).shape == (2, classes)


def test_initial_weights_follow_the_seed_alone():
    one, other = seeded(SMALL).state_dict(), seeded(SMALL, dropout=0.5, drop_path=0.5).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)
    torch.manual_seed(8)
    assert not torch.equal(one["stem.conv.conv.weight"], build(SMALL).stem.conv.conv.weight)


def test_initial_weights_are_as_published():
    network = seeded(published("b0").architecture)
    dense = network.get_submodule("stages.6.0.expand.conv").weight
    depthwise = network.get_submodule("stages.5.3.depthwise.conv").weight
    classifier = network.head.classifier
    assert dense.std().item() == pytest.approx((2 / 1152) ** 0.5, rel=0.02)
    assert depthwise.std().item() == pytest.approx((2 / 25) ** 0.5, rel=0.02)
    assert classifier.weight.abs().max() <= 1000**-0.5
    assert classifier.weight.std().item() == pytest.approx((1000 * 3) ** -0.5, rel=0.02)
    assert not any(p.any() for name, p in network.named_parameters() if name.endswith("bias"))


@pytest.mark.parametrize(("size", "equal"), [(64, False), (65, True), (97, True), (224, False), (225, True)])
def test_paddings_agree_at_one_more_than_a_multiple(size, equal):
    b0 = published("b0").architecture
    symmetric = shaken(seeded(b0))
    same = build(b0, padding="same").eval()
    same.load_state_dict(symmetric.state_dict())
    x = images(b0, 1, size)
    with torch.no_grad():
        one, other = symmetric(x), same(x)
    assert torch.equal(one, other) == equal
    # Not a rounding error: another function.
    assert equal or (one - other).abs().max() > 0.01 * one.std()


@given(architectures())
@few
def test_paddings_agree_in_shape(architecture):
    x = images(architecture)
    symmetric = build(architecture).eval().features(x)
    same = build(architecture, padding="same").eval().features(x)
    assert {r: y.shape for r, y in symmetric.items()} == {r: y.shape for r, y in same.items()}


def test_drop_path_grows_with_depth():
    """The i-th of n blocks is skipped at rate drop_path * i / n: the first never, B0's last at 0.1875."""
    b0 = published("b0").architecture
    with torch.device("meta"):
        network = build(b0, drop_path=0.2)
    rates = [block.drop for stage in network.stages for block in stage]
    assert rates == [0.2 * i / 16 for i in range(16)]
    assert rates[-1] == pytest.approx(0.1875)


def test_drop_path_skips_whole_samples_and_keeps_the_mean():
    block = seeded(SMALL, drop_path=0.9).stages[2][2]
    assert block.drop == pytest.approx(0.9 * 7 / 8)
    branch = torch.rand(4000, 24, 1, 1) + 1
    block.join = lambda layers, x: branch
    added = block(torch.zeros_like(branch))
    kept = added.flatten(1).any(1)
    assert kept.float().mean().item() == pytest.approx(1 - block.drop, abs=0.03)
    assert torch.allclose(added[kept], branch[kept] / (1 - block.drop))
    assert not added[~kept].any()
    assert torch.equal(block.eval()(torch.zeros_like(branch)), branch)


@pytest.mark.parametrize("rates", [{}, {"dropout": 0.5}, {"drop_path": 0.5}])
def test_evaluation_repeats_and_training_drops(rates):
    network = shaken(seeded(SMALL, **rates))
    x = images(SMALL, 16)
    with torch.no_grad():
        assert torch.equal(network(x), network(x))
        network.train()
        assert torch.equal(network(x), network(x)) == (not rates)


def test_memory_formats_agree():
    network = shaken(seeded(SMALL))
    x = images(SMALL)
    with torch.no_grad():
        plain = network(x)
        last = network.to(memory_format=torch.channels_last)(x.to(memory_format=torch.channels_last))
    assert torch.allclose(plain, last, atol=1e-4 * plain.abs().max().item())


def test_normalisation_is_configured():
    norm = build(SMALL, norm_eps=1e-5, norm_momentum=0.01).stem.conv.norm
    assert (norm.eps, norm.momentum) == (1e-5, 0.01)


def test_every_activation_can_be_built():
    assert set(MODULES) == {*ACTIVATIONS, "hardsigmoid"}


def test_it_trains_with_mixed_precision():
    network = seeded(SMALL, drop_path=0.2)
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(images(SMALL, 4))
    logits.float().sum().backward()
    assert logits.dtype == torch.bfloat16
    assert all(p.grad.isfinite().all() for p in network.parameters())


def test_a_network_too_deep_to_be_meant_is_refused():
    with pytest.raises(
        UserError, match=r"^A network of 100,000 blocks is not built; permitted: up to 5,000\.$"
    ):
        build(decode("r32_i16/mb_d100000_k3_s2_e4_w24_se0.25/h256_c10"))
