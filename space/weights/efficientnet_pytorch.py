"""EfficientNet-PyTorch by Luke Melas-Kyriazi (lukemelas), package efficientnet_pytorch: Google's V1 weights.

Forks of it have EfficientNet-Lite (package efficientnet_lite_pytorch) under the same names.

Its blocks are numbered through all stages. It pads as TensorFlow does, but for one image size, the network's
own unless `image_size=` says otherwise: other images are another function there, not here.
"""

from __future__ import annotations

from space.architecture import Architecture, Stage
from space.plan import plan
from space.weights.conventions import IMAGENET, NORMALISATIONS, Conventions
from space.weights.weight_format import WeightFormat, expect, pair

_STEPS = {
    "expand": ("_expand_conv", "_bn0"),
    "depthwise": ("_depthwise_conv", "_bn1"),
    "project": ("_project_conv", "_bn2"),
}


def modules(architecture: Architecture) -> dict[str, str]:
    """Our module -> theirs."""
    expect(architecture, "efficientnet_pytorch", _objection)
    names = pair("stem.conv", "_conv_stem", "_bn0")
    for number, block in enumerate(plan(architecture)[1:-1]):
        place = f"_blocks.{number}"
        for conv in block.convs:
            if conv.name in _STEPS:
                names |= pair(f"{block.name}.{conv.name}", *(f"{place}.{s}" for s in _STEPS[conv.name]))
            else:
                names[f"{block.name}.{conv.name}.conv"] = f"{place}._{conv.name}"
    return names | pair("head.conv", "_conv_head", "_bn1") | {"head.classifier": "_fc"}


def _objection(stage: Stage) -> str:
    if stage.op != "mb":
        return f"{stage.op} blocks (it knows EfficientNet V1 alone)"
    lite = stage.act == "relu6" and not stage.se
    return "" if stage.act == "silu" or lite else f"blocks with {stage.act}"


def conventions(architecture: Architecture) -> Conventions:
    """Those of its `efficientnet()` parameters. Its `advprop=True` weights want `inception` normalisation.

    Networks with ReLU6 are EfficientNet-Lite's.
    """
    lite = architecture.stem.act == "relu6"
    return Conventions("same", 1e-3, 0.01, *(NORMALISATIONS["lite"] if lite else IMAGENET))


EFFICIENTNET_PYTORCH = WeightFormat(modules, {"tf": conventions})
