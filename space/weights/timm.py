"""The weight format of timm.models.efficientnet and mobilenetv3.

Module names depend on the class of a block: InvertedResidual, DepthwiseSeparableConv (MBConv without expansion,
MobileNetV1's), EdgeResidual (fused), ConvBnAct (fused without expansion), UniversalInvertedResidual (uib,
MobileNetV4).

Two styles have the same names: "plain" (weights trained in timm, `efficientnet_b0`) and "tf" (Google's weights,
`tf_efficientnet_b0`). timm's Inceptions and Xception are in `space.weights.inception`; their styles are equal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from space.architecture import Architecture, Head, Stage
from space.catalog import name_of
from space.plan import Block, plan
from space.weights.conventions import IMAGENET, INCEPTION, NORMALISATIONS, Conventions
from space.weights.inception import AUXILIARY, inception_resnet_v2, inception_v3, inception_v4, xception
from space.weights.weight_format import WeightFormat, expect, pair

_SQUEEZE = {"se_reduce": "se.conv_reduce", "se_expand": "se.conv_expand"}
_EXPANDED: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "mb": {"expand": ("conv_pw", "bn1"), "depthwise": ("conv_dw", "bn2"), "project": ("conv_pwl", "bn3")},
    "fused": {"expand": ("conv_exp", "bn1"), "project": ("conv_pwl", "bn2")},
    "uib": {
        "start": ("dw_start.conv", "dw_start.bn"),
        "expand": ("pw_exp.conv", "pw_exp.bn"),
        "depthwise": ("dw_mid.conv", "dw_mid.bn"),
        "project": ("pw_proj.conv", "pw_proj.bn"),
    },
}
_UNEXPANDED: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "dw": {"depthwise": ("conv_dw", "bn1"), "project": ("conv_pw", "bn2")},
    "mb": {"depthwise": ("conv_dw", "bn1"), "project": ("conv_pw", "bn2")},
    "fused": {"project": ("conv", "bn1")},
}


def modules(architecture: Architecture) -> dict[str, str]:
    """Return a mapping of our module names to timm's. Raises `UserError` for an architecture that timm lacks."""
    name = name_of(architecture)
    if name in _INCEPTIONS:
        return _INCEPTIONS[name](architecture)
    kinds = {stage.op for stage in architecture.stages}
    # The heads of MobileNetV3 and V4 (a hidden layer) and MobileNetV1 (no convolution) are treated below.
    head = architecture.head
    own = (
        is_mobilenet_v4(architecture)
        or (kinds == {"mbv3"} and not head.norm and bool(head.width or not head.hidden))
        or (kinds == {"dw"} and not head.hidden)
    )
    head = Head(1) if own and head.bias else head
    expect(replace(architecture, head=head), "timm's EfficientNet", _objection)
    places = _places(architecture)
    names = pair("stem.conv", "conv_stem", "bn1")
    for block in plan(architecture)[1:-1]:
        names |= _block(block, places[block.name])
    names["head.classifier"] = "classifier"
    if not architecture.head.width:
        return names
    v4 = is_mobilenet_v4(architecture)
    if not v4 and not (kinds == {"mbv3"} and architecture.head.hidden):
        return names | pair("head.conv", "conv_head", "bn2")
    # MobileNetV3 and V4: the 1x1 convolution is a stage of its own, and the layer after pooling is called conv_head.
    last = int(places[block.name].split(".")[1]) + 1
    names |= pair("head.conv", f"blocks.{last}.0.conv", f"blocks.{last}.0.bn1")
    return names | (
        pair("head.hidden", "conv_head", "norm_head") if v4 else {"head.hidden.conv": "conv_head"}
    )


def is_mobilenet_v4(architecture: Architecture) -> bool:
    """Return True if timm builds `architecture` by its MobileNetV3 class with a normalised head (`head_norm`)."""
    head = architecture.head
    kinds = {stage.op for stage in architecture.stages}
    return bool(kinds <= {"uib", "fused", "mb"} and head.width and head.hidden and head.norm)


def grouped(architecture: Architecture) -> list[list[Stage]]:
    """Return our stages in groups, each of which is one stage of timm.

    A stage of timm can have blocks of several kernels or expansions. In MobileNetV4, it has all blocks up to the next
    stride. In other networks, one of our stages is joined to the stage before it if it has the same width, stride 1,
    and either MobileNetV3's blocks or no shortcuts.
    """
    groups: list[list[Stage]] = []
    width = 0
    v4 = is_mobilenet_v4(architecture)
    for stage in architecture.stages:
        joins = (stage.op == "mbv3" or not stage.skip) and stage.width == width
        if (joins or (v4 and groups)) and stage.stride == 1:
            groups[-1].append(stage)
        else:
            groups.append([stage])
        width = stage.width
    return groups


def _places(architecture: Architecture) -> dict[str, str]:
    """Return a mapping of our name of each block to timm's name."""
    ours = (
        f"stages.{number}.{block}"
        for number, stage in enumerate(architecture.stages)
        for block in range(stage.depth)
    )
    theirs = (
        f"blocks.{number}.{block}"
        for number, stages in enumerate(grouped(architecture))
        for block in range(sum(stage.depth for stage in stages))
    )
    return dict(zip(ours, theirs, strict=True))


def _block(block: Block, place: str) -> dict[str, str]:
    expanded = any(conv.name == "expand" for conv in block.convs)
    op = "mb" if block.op == "mbv3" else block.op
    steps = (_EXPANDED if expanded else _UNEXPANDED)[op]
    names: dict[str, str] = {}
    for conv in block.convs:
        if conv.name in _SQUEEZE:
            names[f"{block.name}.{conv.name}.conv"] = f"{place}.{_SQUEEZE[conv.name]}"
        else:
            names |= pair(f"{block.name}.{conv.name}", *(f"{place}.{part}" for part in steps[conv.name]))
    return names


def _objection(stage: Stage) -> str:
    if stage.op not in ("mbv3", *_EXPANDED, *_UNEXPANDED):
        return f"{stage.op} blocks"
    if stage.dilation > 1 or stage.dilations:
        return "blocks with dilations"
    if stage.op == "fused" and stage.expand == 1 and stage.se:
        return "squeeze-excitation in fused blocks of expand 1"
    return ""


# Networks whose default weights in timm's `default_cfgs` have another normalisation than ImageNet's usual one.
_INCEPTION_PLAIN = ("b1", "mobilenet-v1")
_INCEPTION_TF = ("b8", "v2-b3", "v2-s", "v2-m", "v2-l", "v2-xl", "edgetpu-s", "edgetpu-m", "edgetpu-l")


def plain(architecture: Architecture) -> Conventions:
    """Return timm's default conventions, with the normalisation of its default weights.

    timm's "ra4" weights of b0 need the normalisation `inception`, and its "ft" weights of b1 `imagenet`.
    """
    name = name_of(architecture)
    if name in _INCEPTIONS:
        return Conventions("symmetric", 1e-5 if name == "xception" else 1e-3, 0.1, *INCEPTION)
    inception = name in _INCEPTION_PLAIN
    return Conventions("symmetric", 1e-5, 0.1, *(INCEPTION if inception else IMAGENET))


def tf(architecture: Architecture) -> Conventions:
    """Return the conventions of Google's weights in timm, as in its `BN_EPS_TF_DEFAULT` and `default_cfgs`.

    The momentum is torch's. AdvProp weights ("ap") and weights of 21,843 classes need the normalisation `inception`.
    Networks with ReLU6 are taken for EfficientNet-Lite. They get `lite`; timm's own configuration has `inception`,
    which is close to it.
    """
    if name_of(architecture) in _INCEPTIONS:
        return plain(architecture)
    if architecture.stem.act == "relu6":
        return Conventions("same", 1e-3, 0.1, *NORMALISATIONS["lite"])
    name = name_of(architecture)
    inception = name in _INCEPTION_TF or (name or "").startswith("mobilenet-v3")
    return Conventions("same", 1e-3, 0.1, *(INCEPTION if inception else IMAGENET))


_ONLY_TF = (
    *("b6", "b7", "b8", "l2"),
    *(f"v2-{size}" for size in ("b0", "b1", "b2", "b3", "s", "m", "l", "xl")),
    *("lite1", "lite2", "lite3", "lite4"),
    *("mobilenet-v3-large-0.75", "mobilenet-v3-large-minimal"),
)
"""The networks for which timm 1.0.31 has only Google's weights, according to its `default_cfgs`."""


def _usual(architecture: Architecture, file: str) -> str:
    named_tf = re.search(r"(?<![a-z])tf_(efficientnet|mobilenet)", file.casefold())
    return "tf" if named_tf or name_of(architecture) in _ONLY_TF else "plain"


_INCEPTIONS = {
    "inception-v3": inception_v3,
    "inception-v4": inception_v4,
    "inception-resnet-v2": inception_resnet_v2,
    "xception": xception,
}

TIMM = WeightFormat(
    modules,
    {"plain": plain, "tf": tf},
    _usual,
    # The first two are the stems of InceptionV4 and Inception-ResNet-v2. InceptionV3 has torchvision's names.
    # Xception is recognised by a block's shortcut convolution, since many other networks call their stem "conv1".
    stems=("features.0.conv", "conv2d_1a.conv", "block1.skip"),
    unused=AUXILIARY,
)
