import re
from dataclasses import replace

import pytest
import timm
import torch
from helpers.libraries import NAMES, OTHERS, empty, other

from space.architecture import decode
from space.catalog import published
from space.network.network import build
from space.refusal import UserError
from space.weights.inception import AUXILIARY
from space.weights.names import format_of, from_ours, to_ours

# timm's two styles have the same names: of "plain", some are enough.
EACH = [
    (library, name)
    for library, names in NAMES.items()
    for name in names
    if library != "timm" or name in ("b0", "b7", "v2-s")
]
LITE0 = (
    "r224_i32_relu6/mb_d1_k3_s1_e1_w16_relu6/mb_d2_k3_s2_e6_w24_relu6/mb_d2_k5_s2_e6_w40_relu6"
    "/mb_d3_k3_s2_e6_w80_relu6/mb_d3_k5_s1_e6_w112_relu6/mb_d4_k5_s2_e6_w192_relu6"
    "/mb_d1_k3_s1_e6_w320_relu6/h1280_c1000_relu6"
)


@pytest.mark.parametrize(("library", "name"), EACH)
def test_names_and_shapes_match_and_the_round_trip_is_exact(library, name):
    architecture, format = published(name).architecture, library.split()[0]
    weights = empty(library, name)
    assert format_of(weights) == format
    ours = to_ours(weights, architecture)
    back = from_ours(ours, architecture, format)
    assert back.keys() == weights.keys()
    # The very same tensors: no bit can have changed.
    assert all(back[key] is weights[key] for key in weights)


@pytest.mark.parametrize("name", ["b0", "v2-s"])
def test_our_names_are_those_of_the_network(name):
    architecture = published(name).architecture
    with torch.device("meta"):
        network = build(architecture)
    state_dict = network.state_dict()
    ours = to_ours(empty("torchvision", name), architecture)
    assert list(ours) == list(state_dict)
    network.load_state_dict(ours, assign=True)
    assert format_of(state_dict) == "ours"
    assert to_ours(state_dict, architecture).keys() == state_dict.keys()


def test_networks_that_are_not_published_have_names_too():
    with torch.device("meta"):
        lite0 = timm.create_model("tf_efficientnet_lite0").state_dict()
    assert from_ours(to_ours(lite0, decode(LITE0)), decode(LITE0), "timm").keys() == lite0.keys()


@pytest.mark.parametrize(
    ("library", "name"), [(library, name) for library in OTHERS for name in OTHERS[library]]
)
def test_other_families_match_in_names_and_shapes_and_come_back(library, name):
    architecture = published(name).architecture
    with torch.device("meta"):
        weights = other(library, name).state_dict()
    # torchvision and timm name InceptionV3 alike.
    assert format_of(weights) == ("torchvision" if name == "inception-v3" else library)
    ours = to_ours(weights, architecture, library)
    back = from_ours(ours, architecture, library)
    helpers = {tensor for tensor in weights if tensor.startswith(AUXILIARY)}
    assert bool(helpers) == (library == "torchvision" and name in ("googlenet", "inception-v3"))
    assert back.keys() == weights.keys() - helpers
    assert all(back[key].shape == weights[key].shape for key in back)


def test_linear_layers_come_back_as_they_were():
    architecture = published("mobilenet-v3-small").architecture
    weights = other("torchvision", "mobilenet-v3-small").state_dict()
    ours = to_ours(weights, architecture)
    assert ours["head.hidden.conv.weight"].shape == (1024, 576, 1, 1)
    back = from_ours(ours, architecture, "torchvision")
    assert torch.equal(back["classifier.0.weight"], weights["classifier.0.weight"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "r64_i16_relu/mb_d2_k3_s1_e1_w8_relu/h16_c5_relu",
            "MnasNet begins with one block of expand 1 that",
        ),
        (
            "r64_i16_relu/mb_d1_k3_s1_e1_w8_relu/mb_d2_k3_s2_e3_w8_relu_noskip/h16_c5_relu",
            "MnasNet has no blocks without shortcuts",
        ),
        ("r64_i16_relu/mb_d1_k3_s1_e1_w8_relu_di2/h16_c5_relu", "MnasNet has no blocks with dilations"),
        (
            "r64_i16_relu/mb_d1_k3_s1_e1_w8_relu/mb_d2_k3_s2_e1_w8_relu/h16_c5_relu",
            "MnasNet only the first block has expand 1; stages.1 is",
        ),
        (
            "r64_i8_pool_relu/shufflev2_d4_k3_s2_w48_relu/h16_c5_relu",
            "three stages; this network has stem 'pool', 1 stage(s) and head h16_c5_relu.",
        ),
        (
            "r64_i8_relu/basic_d1_k3_s1_w8_relu/h0_c5",
            "classifier as head, with a bias; this network has stem 'conv', 1 stage(s) and head h0_c5.",
        ),
    ],
)
def test_what_torchvisions_classes_cannot_be_is_refused(text, said):
    with pytest.raises(UserError, match=re.escape(said)):
        from_ours({}, decode(text), "torchvision")


@pytest.mark.parametrize("name", ["shufflenet-v1-1.0-g3", "mobilenext-1.0", "blazeface-front"])
def test_what_no_library_has_a_name_for_is_refused(name):
    for format in ("torchvision", "timm", "efficientnet_pytorch"):
        with pytest.raises(UserError, match=r"^(torchvision|timm|efficientnet_pytorch)\S* "):
            from_ours({}, published(name).architecture, format)


def test_other_classes_are_loaded_too():
    architecture = replace(published("b0").architecture, classes=7, resolution=64)
    weights = empty("torchvision", "b0", num_classes=7)
    assert to_ours(weights, architecture)["head.classifier.weight"].shape == (7, 1280)


def test_counters_of_batches_may_be_missing():
    weights = empty("timm", "b0")
    old = {name: tensor for name, tensor in weights.items() if not name.endswith("num_batches_tracked")}
    assert len(weights) - len(old) == 49
    ours = to_ours(old, published("b0").architecture)
    counter = ours["stem.conv.norm.num_batches_tracked"]
    assert counter == 0 and counter.dtype == torch.int64
    assert len(ours) == len(weights)


@pytest.fixture
def weights():
    return empty("torchvision", "b0")


def refusal(weights, **options):
    with pytest.raises(UserError) as refused:
        to_ours(weights, published("b0").architecture, **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_missing_tensors_are_refused(weights):
    del weights["features.2.1.block.0.1.running_var"]
    said = "These are not torchvision weights of this architecture: they lack"
    assert refusal(weights) == f"{said} 'features.2.1.block.0.1.running_var'."
    assert refusal({}, format="torchvision") == f"{said} 'features.0.0.weight' and 310 more."


def test_unexpected_tensors_are_refused(weights):
    weights["module.extra"] = torch.zeros(1)
    assert refusal(weights) == (
        "This architecture has no place for 'module.extra' of these torchvision weights."
    )


def test_tensors_of_another_shape_are_refused(weights):
    weights["classifier.1.weight"] = torch.zeros(10, 1280)
    assert refusal(weights) == (
        "classifier.1.weight has shape (10, 1280) in these torchvision weights; it must be (1000, 1280)."
    )


def test_the_weights_of_another_network_are_refused(weights):
    with pytest.raises(UserError, match=r"they lack 'features\.1\.1\.block\.0\.0\.weight' and"):
        to_ours(weights, published("b1").architecture)
    with pytest.raises(UserError, match="not our weights"):
        from_ours(weights, published("b0").architecture, "torchvision")


def test_unknown_names_are_refused():
    assert refusal({}) == "No weights: there is no tensor."
    assert refusal({"conv1.weight": torch.zeros(1), "fc.bias": torch.zeros(1)}) == (
        "Weights of an unknown network: they have no stem such as stem.conv.conv.weight (ours),"
        " features.0.0.weight (torchvision), conv_stem.weight (timm), _conv_stem.weight (efficientnet_pytorch)."
        " Their tensors: 'conv1.weight' and 1 more."
    )


def test_an_unknown_format_is_refused(weights):
    assert refusal(weights, format="torchvison") == (
        "Unknown weight format 'torchvison'. Did you mean 'torchvision'?"
        " Permitted: ours, torchvision, timm, efficientnet_pytorch."
    )


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("torchvision", "r32_i16_relu6/mb_d1_k3_s1_e6_w16_relu6/h64_f32_c10_relu6"),
        ("torchvision", "r32_i16_relu6/mb_d1_k3_s1_e6_w16_se0.25_relu6/h64_c10_relu6"),
        ("torchvision", "r32_i16/mb_d2_k3_s1_e4_w16_se0.25_noskip/h64_c10"),
        ("timm", "r32_i16_relu/dw_d1_k3_s1_w16_relu/h0_f32_c10_relu"),
        ("timm", "r32_i16_hardswish/mbv3_d1_k3_s1_e4_w16_hardswish/h0_f32_c10_hardswish"),
        ("timm", "r32_i16_hardswish/mbv3_d1_k3_s1_e4_w16_hardswish/h64_f32_c10_hardswish_norm"),
        ("efficientnet_pytorch", "r32_i16/mb_d1_k3_s1_e4_w16_se0.25_di2/h64_c10"),
        ("efficientnet_pytorch", "r32_i16/mb_d2_k3_s1_e4_w16_se0.25_noskip/h64_c10"),
    ],
)
def test_a_feature_that_a_library_would_compute_otherwise_is_refused(format, text):
    network = decode(text)
    with pytest.raises(UserError):
        from_ours(build(network).state_dict(), network, format)
