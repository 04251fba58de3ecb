from dataclasses import replace
from importlib.metadata import EntryPoint, EntryPoints

import pytest
import torch

from space import extension_points
from space.architecture import Architecture, Head, Stage, Stem, decode
from space.blocks import BLOCKS
from space.catalog import published
from space.network.network import build
from space.refusal import UserError
from space.weights.conventions import Conventions
from space.weights.formats import WEIGHT_FORMATS, weight_format
from space.weights.names import format_of, from_ours, to_ours
from space.weights.ours import modules
from space.weights.weight_format import WeightFormat


def one_stage(stage):
    return Architecture(32, Stem(8), (stage,), Head(16), classes=3)


def refusal(format, stage):
    with pytest.raises(UserError) as refused:
        WEIGHT_FORMATS[format].modules(one_stage(stage))
    return str(refused.value)


def test_forks_of_efficientnet_pytorch_have_lite():
    known, lite0 = WEIGHT_FORMATS["efficientnet_pytorch"], published("lite0").architecture
    names = known.modules(lite0)
    assert names["stages.0.0.depthwise.conv"] == "_blocks.0._depthwise_conv"
    assert names["stages.1.0.expand.norm"] == "_blocks.1._bn0"
    assert not any("_se_" in name for name in names.values())
    assert known.style(lite0) == "tf"
    told = known.styles["tf"](lite0)
    assert (told.normalisation, told.padding, told.norm_eps) == ("lite", "same", 1e-3)


def test_v2_is_not_for_efficientnet_pytorch():
    with pytest.raises(UserError) as refused:
        WEIGHT_FORMATS["efficientnet_pytorch"].modules(published("v2-s").architecture)
    assert str(refused.value) == (
        "efficientnet_pytorch has no fused blocks (it has only EfficientNet V1); stages.0 is"
        " fused_d2_k3_s1_e1_w24."
    )


@pytest.mark.parametrize(
    ("format", "stage", "lacking"),
    [
        ("torchvision", Stage("mb", 1, 3, 1, 4, 8), "mb blocks with squeeze-excitation 0"),
        ("torchvision", Stage("fused", 1, 3, 1, 4, 8, se=0.25), "fused blocks with squeeze-excitation 0.25"),
        ("torchvision", Stage("mb", 1, 3, 1, 4, 8, se=0.25, act="relu"), "blocks with relu"),
        ("timm", Stage("fused", 1, 3, 1, 1, 8, se=0.25), "squeeze-excitation in fused blocks of expand 1"),
        ("efficientnet_pytorch", Stage("mb", 1, 3, 1, 4, 8, act="relu"), "blocks with relu"),
        ("efficientnet_pytorch", Stage("mb", 1, 3, 1, 4, 8, 0.25, act="relu6"), "blocks with relu6"),
    ],
)
def test_what_a_library_cannot_express_is_refused(format, stage, lacking):
    assert f" has no {lacking}; stages.0 is " in refusal(format, stage)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("resnet-18", {"hidden": 64}),
        ("resnet-18", {"width": 64}),
        ("resnet-18", {"bias": False}),
        ("mobilenet-v3-small", {"norm": True}),
        ("mobilenet-v3-small", {"hidden": 0}),
        ("mobilenet-v3-small", {"width": 0}),
    ],
)
def test_heads_that_torchvision_lacks_are_refused(name, head):
    architecture = published(name).architecture
    other = replace(architecture, head=replace(architecture.head, **head))
    assert WEIGHT_FORMATS["torchvision"].modules(architecture)
    with pytest.raises(UserError, match=f"and head {str(other).rpartition('/')[2]}"):
        WEIGHT_FORMATS["torchvision"].modules(other)


@pytest.mark.parametrize("format", ["torchvision", "timm", "efficientnet_pytorch"])
def test_blocks_of_other_families_are_refused(format, monkeypatch):
    monkeypatch.setitem(BLOCKS._ours, "other", BLOCKS["mb"])
    assert "has no other blocks" in refusal(format, Stage("other", 1, 3, 1, 4, 8, se=0.25))


@pytest.mark.parametrize("name", ["b0", "v2-b0"])
def test_our_modules_are_those_of_the_built_network(name):
    architecture = published(name).architecture
    built = build(architecture)
    assert set(modules(architecture)) == {tensor.rpartition(".")[0] for tensor in built.state_dict()}


def test_styles_and_formats_are_refused_by_name():
    with pytest.raises(UserError, match="Did you mean 'tf'"):
        weight_format("timm").style(published("b0").architecture, wanted="fd")
    with pytest.raises(UserError, match="Did you mean 'timm'"):
        weight_format("tim")


REVERSED = WeightFormat(
    lambda architecture: {name: name[::-1] for name in modules(architecture)},
    {"reversed": lambda architecture: Conventions()},
)


def test_another_package_adds_a_format(monkeypatch):
    entry = EntryPoint("reversed", f"{__name__}:REVERSED", WEIGHT_FORMATS.group)
    monkeypatch.setattr(EntryPoint, "load", lambda self: REVERSED)
    monkeypatch.setattr(WEIGHT_FORMATS, "_loaded", {})
    monkeypatch.setattr(extension_points, "installed", lambda path: EntryPoints([entry]))
    architecture = decode("r32_i8/mb_d1_k3_s1_e1_w8/h16_c3")
    tensors = from_ours(build(architecture).state_dict(), architecture, "reversed")
    assert "vnoc.vnoc.mets.weight" in tensors
    assert format_of(tensors) == "reversed"
    assert to_ours(tensors, architecture).keys() == build(architecture).state_dict().keys()


def _no_stem(architecture):
    raise UserError("Only networks without a stem.")


def test_formats_that_refuse_b0_or_cannot_be_imported_hide_no_other(monkeypatch):
    names = ("broken", "picky")
    entries = EntryPoints(EntryPoint(name, "no_such_package:X", WEIGHT_FORMATS.group) for name in names)
    monkeypatch.setattr(
        WEIGHT_FORMATS, "_loaded", {"picky": replace(REVERSED, modules=_no_stem, stems=("patches",))}
    )
    monkeypatch.setattr(extension_points, "installed", lambda path: entries)
    assert format_of({"conv_stem.weight": torch.zeros(1)}) == "timm"
    assert format_of({"patches.weight": torch.zeros(1)}) == "picky"
    with pytest.raises(UserError, match="no stem such as"):
        format_of({"patches.bias": torch.zeros(1)})
