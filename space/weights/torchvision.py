"""The weight format of torchvision.models.

efficientnet, mobilenetv2 and mobilenetv3 number stem, stages (or blocks) and head in "features". The steps of a
block are numbered too; squeeze-excitation ("fc1", "fc2") is one step. mnasnet numbers its parts in "layers",
shufflenetv2 in "stage2" to "stage4", resnet in "layer1" to "layer4". googlenet and inception are in
`space.weights.inception`.
"""

from __future__ import annotations

from dataclasses import replace

from space.architecture import Architecture, Stage, Stem, encode_stage
from space.catalog import name_of
from space.plan import Block, plan
from space.refusal import UserError
from space.weights.conventions import IMAGENET, INCEPTION, Conventions
from space.weights.inception import AUXILIARY, googlenet, inception_v3
from space.weights.weight_format import WeightFormat, expect, pair


def modules(architecture: Architecture) -> dict[str, str]:
    """Return a mapping of our module names to torchvision's.

    Raises `UserError` for an architecture that torchvision lacks.
    """
    ops, acts = {stage.op for stage in architecture.stages}, {stage.act for stage in architecture.stages}
    name = name_of(architecture)
    if name in _INCEPTIONS:
        return _INCEPTIONS[name](architecture)
    if ops == {"mbv3"}:
        return _mobilenet_v3(architecture)
    if ops == {"shufflev2"}:
        return _shufflenet_v2(architecture)
    if ops == {"basic"}:
        return _resnet(architecture)
    if ops == {"mb"} and acts == {"relu"} and not any(stage.se for stage in architecture.stages):
        return _mnasnet(architecture)
    return _mobilenet_v2(architecture) if ops == {"mb"} and acts == {"relu6"} else _efficientnet(architecture)


def _mobilenet_v3(architecture: Architecture) -> dict[str, str]:
    head = architecture.head
    if architecture.stem.op != "conv" or not head.width or not head.hidden or head.norm or not head.bias:
        raise UserError(
            "torchvision's MobileNetV3 has a stem of one convolution, and a head of a convolution, a hidden layer"
            f" without normalisation and a classifier with a bias; {_kind(architecture)}."
        )
    names = pair("stem.conv", "features.0.0", "features.0.1")
    blocks = plan(architecture)[1:-1]
    for number, block in enumerate(blocks, 1):
        names |= _block(block, f"features.{number}.block")
    last = f"features.{len(blocks) + 1}"
    names |= pair("head.conv", f"{last}.0", f"{last}.1")
    return names | {"head.hidden.conv": "classifier.0", "head.classifier": "classifier.3"}


def _mobilenet_v2(architecture: Architecture) -> dict[str, str]:
    """Return a mapping of our module names to torchvision's for MobileNetV2.

    There the projection of a block and its normalisation are two steps.
    """
    expect(architecture, "torchvision's MobileNetV2", _mobilenet_v2_objection)
    names = pair("stem.conv", "features.0.0", "features.0.1")
    blocks = plan(architecture)[1:-1]
    for number, block in enumerate(blocks, 1):
        for step, conv in enumerate(block.convs):
            place = f"features.{number}.conv.{step}"
            after = f"features.{number}.conv.{step + 1}"
            inside = (place, after) if conv.name == "project" else (f"{place}.0", f"{place}.1")
            names |= pair(f"{block.name}.{conv.name}", *inside)
    last = f"features.{len(blocks) + 1}"
    return names | pair("head.conv", f"{last}.0", f"{last}.1") | {"head.classifier": "classifier.1"}


def _mobilenet_v2_objection(stage: Stage) -> str:
    if stage.se:
        return f"blocks with squeeze-excitation {stage.se}"
    if not stage.skip:
        return "blocks that leave out their shortcut"
    return "blocks with dilations" if stage.dilation > 1 or stage.dilations else ""


def _mnasnet(architecture: Architecture) -> dict[str, str]:
    """Return the names of MnasNet: "layers.0" to "layers.7" are the steps of the stem and of the first block.

    The stages after the first follow as "layers.8", "layers.9", ... and then the head.
    """
    expect(architecture, "torchvision's MnasNet", _mnasnet_objection)
    first, *blocks = plan(architecture)[1:-1]
    start, *others = architecture.stages
    if start.depth > 1 or start.expand != 1 or first.shortcut:
        required = "one block of expand 1 that changes the width"
        raise UserError(f"torchvision's MnasNet begins with {required}, which {encode_stage(start)} is not.")
    for number, other in enumerate(others, 1):
        if other.expand == 1:
            raise UserError(
                f"In torchvision's MnasNet only the first block has expand 1; stages.{number} is"
                f" {encode_stage(other)}."
            )
    names = pair("stem.conv", "layers.0", "layers.1")
    names |= pair(f"{first.name}.depthwise", "layers.3", "layers.4")
    names |= pair(f"{first.name}.project", "layers.6", "layers.7")
    for block in blocks:
        _, stage, index = block.name.split(".")
        place = f"layers.{int(stage) + 7}.{index}.layers"
        for conv, number in zip(block.convs, (0, 3, 6), strict=True):
            names |= pair(f"{block.name}.{conv.name}", f"{place}.{number}", f"{place}.{number + 1}")
    last = len(architecture.stages) + 7
    names |= pair("head.conv", f"layers.{last}", f"layers.{last + 1}")
    return names | {"head.classifier": "classifier.1"}


def _mnasnet_objection(stage: Stage) -> str:
    if stage.dilation > 1 or stage.dilations:
        return "blocks with dilations"
    return "" if stage.skip else "blocks without shortcuts"


_SHUFFLE = {
    "other_depthwise": ("branch1.0", "branch1.1"),
    "other_project": ("branch1.2", "branch1.3"),
    "expand": ("branch2.0", "branch2.1"),
    "depthwise": ("branch2.3", "branch2.4"),
    "project": ("branch2.5", "branch2.6"),
}


def _shufflenet_v2(architecture: Architecture) -> dict[str, str]:
    library = "torchvision's ShuffleNetV2"
    if architecture.stem.op != "pool" or len(architecture.stages) != 3:
        raise UserError(f"{library} has a stem that pools and three stages; {_kind(architecture)}.")
    expect(replace(architecture, stem=Stem(1)), library, _shuffle_objection)
    names = pair("stem.conv", "conv1.0", "conv1.1")
    for block in plan(architecture)[1:-1]:
        _, stage, index = block.name.split(".")
        place = f"stage{int(stage) + 2}.{index}"
        for conv in block.convs:
            names |= pair(f"{block.name}.{conv.name}", *(f"{place}.{part}" for part in _SHUFFLE[conv.name]))
    return names | pair("head.conv", "conv5.0", "conv5.1") | {"head.classifier": "fc"}


def _shuffle_objection(stage: Stage) -> str:
    if stage.dilation > 1:
        return "blocks with dilations"
    if (stage.kernel, stage.act) != (3, "relu"):
        return f"blocks with kernel {stage.kernel} and {stage.act}"
    return "" if stage.stride == 2 else f"stages of stride {stage.stride}"


_BASIC = {"first": ("conv1", "bn1"), "second": ("conv2", "bn2"), "side": ("downsample.0", "downsample.1")}


def _resnet(architecture: Architecture) -> dict[str, str]:
    head = architecture.head
    only_classifier = head.bias and not head.width and not head.hidden
    if architecture.stem.op != "pool" or len(architecture.stages) != 4 or not only_classifier:
        raise UserError(
            "torchvision's ResNet has a stem that pools, four stages, and only a classifier as head, with a bias;"
            f" {_kind(architecture)}."
        )
    names = pair("stem.conv", "conv1", "bn1")
    for block in plan(architecture)[1:-1]:
        _, stage, index = block.name.split(".")
        place = f"layer{int(stage) + 1}.{index}"
        for conv in block.convs:
            names |= pair(f"{block.name}.{conv.name}", *(f"{place}.{part}" for part in _BASIC[conv.name]))
    return names | {"head.classifier": "fc"}


def _kind(architecture: Architecture) -> str:
    """Return words on the stem, the number of stages and the head of a refused network, for an error message."""
    head = str(architecture).rpartition("/")[2]
    return (
        f"this network has stem {architecture.stem.op!r}, {len(architecture.stages)} stage(s) and head {head}"
    )


def _efficientnet(architecture: Architecture) -> dict[str, str]:
    expect(architecture, "torchvision's EfficientNet", _objection)
    return efficientnet(architecture)


def efficientnet(architecture: Architecture) -> dict[str, str]:
    """Return a mapping of our module names to torchvision's, for MBConv and Fused-MBConv with any squeeze-excitation.

    torchvision's own networks have a single squeeze-excitation ratio. In an MBConv without squeeze-excitation, the
    step number of squeeze-excitation is skipped, as if torchvision's block had an identity as `se_layer`.
    """
    names = pair("stem.conv", "features.0.0", "features.0.1")
    for block in plan(architecture)[1:-1]:
        _, stage, index = block.name.split(".")
        names |= _block(block, f"features.{int(stage) + 1}.{index}.block", squeezed=block.op == "mb")
    last = f"features.{len(architecture.stages) + 1}"
    return names | pair("head.conv", f"{last}.0", f"{last}.1") | {"head.classifier": "classifier.1"}


def _block(block: Block, place: str, squeezed: bool = False) -> dict[str, str]:
    """Return a mapping of our module names in a block to torchvision's, which begin with `place`.

    squeezed: True to number squeeze-excitation as a step even if the block has none.
    """
    names: dict[str, str] = {}
    # The two convolutions of squeeze-excitation share one number.
    steps = list(dict.fromkeys(conv.name.split("_")[0] for conv in block.convs))
    if squeezed and "se" not in steps:
        steps.insert(steps.index("project"), "se")
    for conv in block.convs:
        step = f"{place}.{steps.index(conv.name.split('_')[0])}"
        if conv.name in ("se_reduce", "se_expand"):
            fully_connected = "fc1" if conv.name == "se_reduce" else "fc2"
            names[f"{block.name}.{conv.name}.conv"] = f"{step}.{fully_connected}"
        else:
            names |= pair(f"{block.name}.{conv.name}", f"{step}.0", f"{step}.1")
    return names


def _objection(stage: Stage) -> str:
    if stage.dilation > 1 or stage.dilations:
        return "blocks with dilations"
    if not stage.skip:
        return "blocks that leave out their shortcut"
    if stage.op not in ("mb", "fused"):
        return f"{stage.op} blocks"
    if stage.act != "silu":
        return f"blocks with {stage.act}"
    if stage.se != (0.25 if stage.op == "mb" else 0):
        return f"{stage.op} blocks with squeeze-excitation {stage.se}"
    return ""


def conventions(architecture: Architecture) -> Conventions:
    """Return the batch-norm constants of torchvision's builders (norm_layer) and its normalisation of images."""
    name = name_of(architecture)
    # With torchvision's weights, GoogLeNet and InceptionV3 undo ImageNet's normalisation themselves
    # (transform_input).
    mean, std = INCEPTION if name in ("v2-l", *_INCEPTIONS) else IMAGENET
    ops, acts = {stage.op for stage in architecture.stages}, {stage.act for stage in architecture.stages}
    if name in ("b5", "b6", "b7"):
        eps, momentum = 1e-3, 0.01
    elif name in _INCEPTIONS:
        eps, momentum = 1e-3, 0.1
    elif ops == {"mb"} and acts == {"relu"}:
        eps, momentum = 1e-5, 1 - 0.9997
    else:
        fused = any(stage.op == "fused" for stage in architecture.stages)
        v3 = architecture.stages[0].op == "mbv3"
        eps, momentum = (1e-3 if fused or v3 else 1e-5), (0.01 if v3 else 0.1)
    return Conventions("symmetric", eps, momentum, mean, std)


_INCEPTIONS = {"googlenet": googlenet, "inception-v3": inception_v3}

TORCHVISION = WeightFormat(
    modules,
    {"torchvision": conventions},
    # MnasNet, ShuffleNetV2, GoogLeNet and InceptionV3. ResNet is recognised by a block, since other networks share
    # the name of its stem.
    stems=("layers.0", "conv1.0", "conv1.conv", "Conv2d_1a_3x3.conv", "layer1.0.conv1"),
    linear=("head.hidden.conv",),
    unused=AUXILIARY,
)
