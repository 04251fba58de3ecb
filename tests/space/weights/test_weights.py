from dataclasses import replace

import pytest
import timm
import torch
from helpers.libraries import NAMES, theirs
from helpers.models import shaken
from timm.models import adapt_input_conv

from space.architecture import decode
from space.catalog import published
from space.network.network import build
from space.refusal import UserError
from space.weights.conventions import Conventions
from space.weights.formats import WEIGHT_FORMATS
from space.weights.names import from_ours, to_ours
from space.weights.weights import Weights, adapt, rebuild

QUICK = [
    *(("torchvision", name) for name in ("b0", "v2-s")),
    ("timm", "b0"),
    *(("timm tf", name) for name in ("b0", "v2-b0")),
    ("efficientnet_pytorch", "b0"),
]
EACH = [
    pair if pair in QUICK else pytest.param(*pair, marks=pytest.mark.slow)
    for pair in ((library, name) for library, names in NAMES.items() for name in names)
]
SMALL = decode("r32_i8/mb_d1_k3_s2_e4_w8_se0.25/fused_d1_k3_s2_e4_w16/h16_c5")


@pytest.mark.parametrize(("library", "name"), EACH)
def test_logits_equal_theirs_to_the_bit(library, name):
    torch.manual_seed(3)
    format, _, style = library.partition(" ")
    # It pads for one size of images, the network's own, where others look at each.
    options = {"image_size": 224} if library == "efficientnet_pytorch" else {}
    other = shaken(theirs(library, name, **options))
    architecture, known = published(name).architecture, WEIGHT_FORMATS[format]
    told = known.styles[style or next(iter(known.styles))](architecture)
    network = rebuild(Weights(architecture, to_ours(other.state_dict(), architecture), told)).eval()
    x = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        assert torch.equal(network(x), other(x))


@pytest.mark.parametrize("name", ["b0", "v2-b0", pytest.param("v2-s", marks=pytest.mark.slow)])
def test_paddings_are_one_function_at_225_pixels_and_two_at_224(name):
    torch.manual_seed(3)
    architecture = published(name).architecture
    tensors = shaken(build(architecture)).state_dict()
    symmetric, same = (
        rebuild(Weights(architecture, tensors, Conventions(padding))).eval()
        for padding in ("symmetric", "same")
    )
    x = torch.randn(1, 3, 225, 225)
    with torch.no_grad():
        assert torch.equal(symmetric(x), same(x))
        symmetric, same = symmetric(x[..., :224, :224]), same(x[..., :224, :224])
        assert (symmetric - same).norm() > 0.05 * same.norm()


@pytest.fixture
def weights():
    torch.manual_seed(5)
    return Weights(SMALL, shaken(build(SMALL)).state_dict(), Conventions("same", 1e-4, 0.03), "here")


def test_a_network_is_rebuilt_by_its_conventions(weights):
    network = rebuild(weights, dropout=0.3, drop_path=0.2)
    assert network.training
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert {(module.eps, module.momentum) for module in norms} == {(1e-4, 0.03)}
    assert network.stem.conv.conv.padding == (0, 0)
    assert network.head.classifier.dropout.p == 0.3
    assert all(torch.equal(network.state_dict()[name], tensor) for name, tensor in weights.tensors.items())
    network.stem.conv.conv.weight.data.zero_()
    assert weights.tensors["stem.conv.conv.weight"].any()


def changed(weights, adapted):
    return {name for name, tensor in weights.tensors.items() if adapted.tensors[name] is not tensor}


def test_other_classes_get_a_fresh_classifier(weights):
    adapted = adapt(weights, classes=7)
    assert adapted.architecture == replace(SMALL, classes=7)
    assert changed(weights, adapted) == {"head.classifier.weight", "head.classifier.bias"}
    assert (adapted.conventions, adapted.origin) == (weights.conventions, "here")
    fresh = adapted.tensors["head.classifier.weight"]
    assert fresh.shape == (7, 16)
    assert 0.2 < fresh.abs().max() <= 7**-0.5
    assert rebuild(adapted)(torch.randn(2, 3, 32, 32)).shape == (2, 7)


def test_networks_without_a_convolution_in_the_head_get_a_fresh_classifier_too():
    network = decode("r32_i8_relu/dw_d1_k3_s2_w24_relu/h0_c5")
    weights = Weights(network, shaken(build(network)).state_dict(), Conventions())
    assert rebuild(adapt(weights, classes=7))(torch.randn(2, 3, 32, 32)).shape == (2, 7)


def test_a_fresh_classifier_depends_on_the_seed_alone(weights):
    torch.manual_seed(1)
    first = adapt(weights, classes=7).tensors["head.classifier.weight"]
    before = torch.random.get_rng_state()
    again = adapt(weights, classes=7).tensors["head.classifier.weight"]
    other = adapt(weights, classes=7, seed=1).tensors["head.classifier.weight"]
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(before, torch.random.get_rng_state())


def test_what_agrees_is_left_as_it_is(weights):
    assert adapt(weights) is weights
    assert adapt(weights, classes=5, channels=3) is weights


@pytest.mark.parametrize("channels", [1, 2, 4, 6, 7])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_the_stem_is_adapted_as_timm_does_it(weights, channels, dtype):
    weights = replace(weights, tensors={name: t.to(dtype) for name, t in weights.tensors.items()})
    adapted = adapt(weights, channels=channels)
    name = "stem.conv.conv.weight"
    assert changed(weights, adapted) == {name}
    expected = adapt_input_conv(channels, weights.tensors[name].clone())
    assert adapted.tensors[name].dtype == dtype
    assert torch.equal(adapted.tensors[name], expected)
    assert adapted.architecture.channels == len(adapted.conventions.mean) == channels


def test_grey_images_are_seen_as_they_were_in_colour(weights):
    # Where the three channels are normalised alike; otherwise it is near.
    weights = replace(weights, conventions=Conventions("same", 1e-4, 0.03, (0.5,) * 3, (0.5,) * 3))
    grey = torch.randn(2, 1, 32, 32)
    with torch.no_grad():
        colour = rebuild(weights).eval()(grey.expand(-1, 3, -1, -1))
        torch.testing.assert_close(rebuild(adapt(weights, channels=1)).eval()(grey), colour)


def test_only_stems_for_three_channels_are_adapted(weights):
    grey = adapt(weights, channels=1)
    assert adapt(grey, channels=1) is grey
    with pytest.raises(UserError, match="for images with 1 channel"):
        adapt(grey, channels=3)


def test_timm_takes_what_we_adapted():
    architecture = published("b0").architecture
    other = timm.create_model("efficientnet_b0")
    ours = Weights(architecture, to_ours(other.state_dict(), architecture), Conventions(norm_eps=1e-5))
    adapted = rebuild(adapt(ours, classes=10, channels=1)).eval()
    theirs = timm.create_model("efficientnet_b0", num_classes=10, in_chans=1).eval()
    theirs.load_state_dict(from_ours(adapted.state_dict(), adapted.architecture, "timm"))
    x = torch.randn(1, 1, 64, 64)
    with torch.no_grad():
        assert torch.equal(adapted(x), theirs(x))
