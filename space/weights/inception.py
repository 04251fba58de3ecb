"""The module names of torchvision's GoogLeNet and InceptionV3, and of timm's InceptionV3, InceptionV4,
Inception-ResNet-v2 and Xception. Each of these is one network, not a family, so its names are listed one by one.

Our networks lack auxiliary classifiers (`AUXILIARY`), which serve only for training.
"""

from __future__ import annotations

from collections.abc import Mapping

from space.architecture import Architecture
from space.plan import Block, plan
from space.weights.weight_format import pair

AUXILIARY = ("AuxLogits.", "aux1.", "aux2.")
"""The prefixes of the tensors of auxiliary classifiers."""

_GOOGLENET = tuple(f"inception{module}" for module in ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"))
_GOOGLENET_BRANCHES = {
    "b0_0": "branch1",
    "b1_0": "branch2.0",
    "b1_1": "branch2.1",
    "b2_0": "branch3.0",
    "b2_1": "branch3.1",
    "b3_1": "branch4.1",
}

_V3_STEM = ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3")
_V3_A = {
    "b0_0": "branch1x1",
    "b1_0": "branch5x5_1",
    "b1_1": "branch5x5_2",
    "b2_0": "branch3x3dbl_1",
    "b2_1": "branch3x3dbl_2",
    "b2_2": "branch3x3dbl_3",
    "b3_1": "branch_pool",
}
_V3_B = {"b0_0": "branch3x3"} | {f"b1_{n}": f"branch3x3dbl_{n + 1}" for n in range(3)}
_V3_C = {
    "b0_0": "branch1x1",
    **{f"b1_{n}": f"branch7x7_{n + 1}" for n in range(3)},
    **{f"b2_{n}": f"branch7x7dbl_{n + 1}" for n in range(5)},
    "b3_1": "branch_pool",
}
_V3_D = {
    "b0_0": "branch3x3_1",
    "b0_1": "branch3x3_2",
    **{f"b1_{n}": f"branch7x7x3_{n + 1}" for n in range(4)},
}
_V3_E = {
    "b0_0": "branch1x1",
    "b1_0": "branch3x3_1",
    "b1_1_0": "branch3x3_2a",
    "b1_1_1": "branch3x3_2b",
    "b2_0": "branch3x3dbl_1",
    "b2_1": "branch3x3dbl_2",
    "b2_2_0": "branch3x3dbl_3a",
    "b2_2_1": "branch3x3dbl_3b",
    "b3_1": "branch_pool",
}
_V3 = {
    **dict.fromkeys(("Mixed_5b", "Mixed_5c", "Mixed_5d"), _V3_A),
    "Mixed_6a": _V3_B,
    **dict.fromkeys(("Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"), _V3_C),
    "Mixed_7a": _V3_D,
    **dict.fromkeys(("Mixed_7b", "Mixed_7c"), _V3_E),
}

_RESNET_STEM = ("conv2d_1a", "conv2d_2a", "conv2d_2b", "conv2d_3b", "conv2d_4a")
_RESNET = (
    "mixed_5b",
    *(f"repeat.{number}" for number in range(10)),
    "mixed_6a",
    *(f"repeat_1.{number}" for number in range(20)),
    "mixed_7a",
    *(f"repeat_2.{number}" for number in range(9)),
    "block8",
)


def googlenet(architecture: Architecture) -> dict[str, str]:
    """Return a mapping of our module names to torchvision's, for the published GoogLeNet."""
    names = _stem(architecture, ("conv1", "conv2", "conv3"))
    for block, place in zip(_blocks(architecture), _GOOGLENET, strict=True):
        names |= _normalised(block, place, _GOOGLENET_BRANCHES)
    return names | {"head.classifier": "fc"}


def inception_v3(architecture: Architecture) -> dict[str, str]:
    """Return a mapping of our module names to the library's, for the published InceptionV3.

    torchvision and timm have the same names.
    """
    names = _stem(architecture, _V3_STEM)
    for block, (place, steps) in zip(_blocks(architecture), _V3.items(), strict=True):
        names |= _normalised(block, place, steps)
    return names | {"head.classifier": "fc"}


def inception_v4(architecture: Architecture) -> dict[str, str]:
    """Return a mapping of our module names to timm's, numbered in "features", for the published InceptionV4."""
    names = _stem(architecture, ("features.0", "features.1", "features.2"))
    for number, block in enumerate(_blocks(architecture), 3):
        # Two of the modules have only one convolution, in parallel with pooling.
        steps = {block.convs[0].name: "conv"} if len(block.convs) == 1 else _branches(block)
        names |= _normalised(block, f"features.{number}", steps)
    return names | {"head.classifier": "last_linear"}


def inception_resnet_v2(architecture: Architecture) -> dict[str, str]:
    """Return a mapping of our module names to timm's, for the published Inception-ResNet-v2."""
    names = _stem(architecture, _RESNET_STEM)
    for block, place in zip(_blocks(architecture), _RESNET, strict=True):
        names |= _normalised(block, place, _branches(block))
        if block.convs[-1].name == "merge":
            names[f"{block.name}.merge.conv"] = f"{place}.conv2d"
    return names | pair("head.conv", "conv2d_7b.conv", "conv2d_7b.bn") | {"head.classifier": "classif"}


def xception(architecture: Architecture) -> dict[str, str]:
    """Return a mapping of our module names to timm's (legacy_xception), for the published Xception.

    A block's activations, separable convolutions and normalisations are numbered in "rep". The first block of the
    network does not begin with an activation.
    """
    names = pair("stem.conv", "conv1", "bn1") | pair("stem.conv_2", "conv2", "bn2")
    *blocks, third, fourth = _blocks(architecture)
    for number, block in enumerate(blocks, 1):
        place = f"block{number}"
        for conv in block.convs:
            if conv.name == "side":
                names |= pair(f"{block.name}.side", f"{place}.skip", f"{place}.skipbn")
                continue
            kind, step = conv.name.split("_")
            within = 3 * int(step) + (number > 1)
            if kind == "depthwise":
                names[f"{block.name}.{conv.name}.conv"] = f"{place}.rep.{within}.conv1"
            else:
                both = f"{place}.rep.{within}.pointwise", f"{place}.rep.{within + 1}"
                names |= pair(f"{block.name}.{conv.name}", *both)
    for number, block in ((3, third), (4, fourth)):
        names[f"{block.name}.depthwise.conv"] = f"conv{number}.conv1"
        names |= pair(f"{block.name}.project", f"conv{number}.pointwise", f"bn{number}")
    return names | {"head.classifier": "fc"}


def _blocks(architecture: Architecture) -> tuple[Block, ...]:
    return plan(architecture)[1:-1]


def _stem(architecture: Architecture, places: tuple[str, ...]) -> dict[str, str]:
    names: dict[str, str] = {}
    for conv, place in zip(plan(architecture)[0].convs, places, strict=True):
        names |= pair(f"stem.{conv.name}", f"{place}.conv", f"{place}.bn")
    return names


def _normalised(block: Block, place: str, steps: Mapping[str, str]) -> dict[str, str]:
    """Map our names to the library's, for the block's convolutions with normalisation.

    place: the library's name of the block. steps: a mapping of our names of the convolutions to the library's.
    """
    names: dict[str, str] = {}
    for conv in block.convs:
        if conv.norm:
            step = f"{place}.{steps[conv.name]}"
            names |= pair(f"{block.name}.{conv.name}", f"{step}.conv", f"{step}.bn")
    return names


def _branches(block: Block) -> dict[str, str]:
    """Map our names of a block's convolutions to those of timm's InceptionV4 and Inception-ResNet.

    "branch1.2" is the third step of the second branch; pooling counts as a step. If a branch has only one step, it
    has no number. In a branch that ends with two parallel convolutions, these are "branch1_2a" and "branch1_2b".
    """
    numbered = [conv.name for conv in block.convs if conv.norm]
    split = {name.split("_")[0] for name in numbered if name.count("_") == 2}
    several = {name.split("_")[0] for name in numbered if not name.endswith("_0")}
    steps: dict[str, str] = {}
    for name in numbered:
        branch, position, *side = name.split("_")
        place = f"branch{branch[1:]}"
        if branch in split:
            steps[name] = f"{place}_{position}" + "".join("ab"[int(which)] for which in side)
        else:
            steps[name] = f"{place}.{position}" if branch in several else place
    return steps
