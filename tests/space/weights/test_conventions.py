from dataclasses import replace

import pytest
import timm
import torch
from helpers.libraries import NAMES, OTHERS, theirs, timm_name
from hypothesis import given
from hypothesis import strategies as st
from torchvision.models import get_model_weights

from space.architecture import decode
from space.catalog import CATALOG, published
from space.refusal import UserError
from space.weights.conventions import (
    NORMALISATIONS,
    Conventions,
    conventions_json,
    for_channels,
    normalised,
    parse_conventions,
)
from space.weights.formats import WEIGHT_FORMATS, weight_format

# The libraries build the others as they build these.
QUICK = ("b0", "b4", "b5", "v2-b0", "v2-s")
EACH = [
    (library, name) if name in QUICK else pytest.param(library, name, marks=pytest.mark.slow)
    for library, names in NAMES.items()
    for name in names
]


def stated(library, name):
    """What we say of the library's weights of that network."""
    format, _, style = library.partition(" ")
    known, architecture = WEIGHT_FORMATS[format], published(name).architecture
    style = style or next(iter(known.styles))
    return known.styles[style](architecture)


@pytest.mark.parametrize(("library", "name"), EACH)
def test_batch_norm_and_padding_are_those_of_the_built_network(library, name):
    with torch.device("meta"):
        network = theirs(library, name)
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    told = stated(library, name)
    assert {module.eps for module in norms} == {told.norm_eps}
    # 1 - 0.99 in efficientnet_pytorch.
    assert norms[0].momentum == pytest.approx(told.norm_momentum, rel=1e-12)
    stem = next(module for module in network.modules() if isinstance(module, torch.nn.Conv2d))
    assert (stem.padding == (1, 1)) == (told.padding == "symmetric")


@pytest.mark.parametrize("name", NAMES["torchvision"])
def test_normalisation_is_that_of_torchvisions_weights(name):
    told = stated("torchvision", name)
    for weights in get_model_weights(f"efficientnet_{name.replace('-', '_')}"):
        transforms = weights.transforms()
        assert (tuple(transforms.mean), tuple(transforms.std)) == (told.mean, told.std)


# Of timm 1.0.31: the weights that `pretrained=True` took.
TAGS = {
    "timm": {
        "b0": "ra_in1k",
        "b1": "ra4_e3600_r240_in1k",
        "b2": "ra_in1k",
        "b3": "ra2_in1k",
        "b4": "ra2_in1k",
    }
    | {"b5": "sw_in12k_ft_in1k"},
    "timm tf": dict.fromkeys(NAMES["efficientnet_pytorch"], "ns_jft_in1k")
    | {"b8": "ap_in1k", "l2": "ns_jft_in1k_475"}
    | {"v2-b0": "in1k", "v2-b1": "in1k", "v2-b2": "in1k", "v2-b3": "in21k_ft_in1k"}
    | dict.fromkeys(("v2-s", "v2-m", "v2-l", "v2-xl"), "in21k_ft_in1k"),
}


@pytest.mark.parametrize("library", TAGS)
def test_normalisation_is_that_of_timms_default_weights(library):
    for name, tag in TAGS[library].items():
        usual = timm.get_pretrained_cfg(f"{timm_name(library[5:], name)}.{tag}")
        told = stated(library, name)
        assert (usual.mean, usual.std) == (told.mean, told.std), name


V3 = {"mobilenet-v3-large": "mobilenetv3_large_100", "mobilenet-v3-large-0.75": "mobilenetv3_large_075"}
V3 |= {"mobilenet-v3-large-minimal": "mobilenetv3_large_minimal_100"}
V3 |= {"mobilenet-v3-small": "mobilenetv3_small_100", "mobilenet-v3-small-0.75": "mobilenetv3_small_075"}
EDGETPU = {f"edgetpu-{size}": f"efficientnet_e{size}" for size in "sml"}
FURTHER = {
    "plain": OTHERS["timm"]
    | EDGETPU
    | {f"tinynet-{letter}": f"tinynet_{letter}" for letter in "abcde"}
    | {"mobilenet-v2-0.5": "mobilenetv2_050", "mobilenet-v2-1.4": "mobilenetv2_140"}
    | {"v2-rw-t": "efficientnetv2_rw_t"},
    "tf": {name: f"tf_{other}" for name, other in (V3 | EDGETPU).items()},
}
"""Style -> our name of a network of another family -> timm's. Google's EfficientNet-Lite has a test of its own."""


@pytest.mark.parametrize("style", FURTHER)
def test_normalisation_is_that_of_timms_default_weights_of_all_other_networks(style):
    for name, other in FURTHER[style].items():
        usual, told = timm.get_pretrained_cfg(other), stated(f"timm {style}", name)
        assert (usual.mean, usual.std) == (told.mean, told.std), name


@pytest.mark.parametrize("style", ["plain", "tf"])
def test_timms_inceptions_have_one_style(style):
    for name in ("inception-v3", "inception-v4", "inception-resnet-v2", "xception"):
        usual = timm.get_pretrained_cfg(OTHERS["timm"][name])
        told = stated(f"timm {style}", name)
        assert (usual.mean, usual.std, "symmetric") == (told.mean, told.std, told.padding)


def test_timms_style_is_the_one_that_has_weights():
    for name in CATALOG.keys() - {"l2-475"}:  # For weights it is l2.
        has = {
            style: bool(TAGS[library].get(name)) for style, library in (("plain", "timm"), ("tf", "timm tf"))
        }
        if not any(has.values()):
            continue
        usual = WEIGHT_FORMATS["timm"].style(published(name).architecture)
        assert usual == ("tf" if has["tf"] and not has["plain"] else "plain"), name
    path = "hub/models--timm--tf_efficientnet_b0.ns_jft_in1k/model.safetensors"
    assert WEIGHT_FORMATS["timm"].style(published("b0").architecture, path) == "tf"


def test_lite_networks_have_their_own_normalisation():
    lite = decode("r224_i32_relu6/mb_d1_k3_s1_e1_w16_relu6/h1280_c1000_relu6")
    told = WEIGHT_FORMATS["timm"].styles["tf"](lite)
    assert told.normalisation == "lite"
    assert [told.mean[0] * 255, told.std[0] * 255] == [127, 128]


numbers = st.floats(-1e3, 1e3)
positive = st.floats(1e-6, 1e3)
shares = st.floats(1e-9, 0.999)


@st.composite
def conventions(draw):
    channels = draw(st.integers(1, 5))
    lists = (st.lists(kind, min_size=channels, max_size=channels).map(tuple) for kind in (numbers, positive))
    padding = draw(st.sampled_from(["symmetric", "same"]))
    return Conventions(padding, draw(shares), draw(shares), *map(draw, lists))


@given(conventions())
def test_json_is_exact(told):
    assert parse_conventions(conventions_json(told)) == told


@given(conventions(), st.integers(1, 9))
def test_they_are_adapted_to_any_number_of_channels(told, channels):
    adapted = for_channels(told, channels)
    assert len(adapted.mean) == len(adapted.std) == channels
    assert replace(adapted, mean=told.mean, std=told.std) == told


def test_one_channel_has_the_mean_of_three_and_four_repeat_them():
    imagenet = Conventions()
    assert for_channels(imagenet, 3) is imagenet
    assert for_channels(imagenet, 1).mean == (pytest.approx(0.449),)
    assert for_channels(imagenet, 4).std == (0.229, 0.224, 0.225, 0.229)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "unreadable conventions (JSON): Invalid JSON"),
        ("[]", "unreadable conventions (JSON)"),
        ('{"padding": "valid"}', "unreadable conventions (padding): Input should be 'symmetric' or 'same'"),
        ('{"norm_eps": "1"}', "unreadable conventions (norm_eps): Input should be a valid number"),
        ('{"norm_eps": 0}', "unreadable conventions (JSON): norm_eps is 0.0; it must lie between 0 and 1."),
        (
            '{"mean": [0.5]}',
            "mean (0.5,) and std (0.229, 0.224, 0.225) must have one number for each image channel",
        ),
        ('{"std": [0.5, 0, 1]}', "must be finite"),
        ('{"crop": 0.9}', "unreadable conventions (crop): Unexpected keyword argument"),
    ],
)
def test_other_json_is_refused(text, said):
    with pytest.raises(UserError) as refused:
        parse_conventions(text)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_names_of_normalisations():
    for name in NORMALISATIONS:
        assert normalised(Conventions(), name).normalisation == name
    assert for_channels(Conventions(), 1).normalisation == ""
    with pytest.raises(UserError, match="Did you mean 'inception'"):
        normalised(Conventions(), "inceptoin")
    with pytest.raises(UserError, match="Unknown padding 'valid'"):
        Conventions("valid")


@pytest.mark.parametrize(
    ("network", "file", "style"),
    [
        ("b0", "b0.pth", "plain"),
        ("b0", "tf_efficientnet_b0.pth", "tf"),
        ("lite0", "lite0.pth", "plain"),
        ("lite1", "lite1.pth", "tf"),
        ("mobilenet-v3-large", "mobilenetv3_large_100.pth", "plain"),
        ("mobilenet-v3-large", "tf_mobilenetv3_large_100-427764d5.pth", "tf"),
        ("mobilenet-v3-large", "models--timm--tf_mobilenetv3_large_100.in1k/model.safetensors", "tf"),
        ("mobilenet-v3-large-minimal", "model.safetensors", "tf"),
        ("mobilenet-v3-large-0.75", "weights.pth", "tf"),
        ("v2-s", "v2.pth", "tf"),
        ("b5", "b5.pth", "plain"),
    ],
)
def test_the_style_of_timms_weights_is_the_one_that_exists(network, file, style):
    known = weight_format("timm")
    assert known.style(published(network).architecture, file) == style
    if style == "tf":
        assert known.styles["tf"](published(network).architecture).padding == "same"
