"""The weight format of EfficientNet-PyTorch, package efficientnet_pytorch, by Luke Melas-Kyriazi (lukemelas).

It has Google's weights of EfficientNet V1. A fork (package efficientnet_lite_pytorch) has EfficientNet-Lite under the
same names.

The library numbers blocks consecutively across stages. It computes TensorFlow's padding once, for the image size of
the network or `image_size=`. For images of another size its logits therefore differ from ours, since our networks pad
for the actual size.
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
    """Return a mapping of our module names to the library's. Raises `UserError` for an architecture that it lacks."""
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
        return f"{stage.op} blocks (it has only EfficientNet V1)"
    if stage.dilation > 1 or stage.dilations:
        return "blocks with dilations"
    if not stage.skip:
        return "blocks that leave out their shortcut"
    lite = stage.act == "relu6" and not stage.se
    return "" if stage.act == "silu" or lite else f"blocks with {stage.act}"


def conventions(architecture: Architecture) -> Conventions:
    """Return the constants of the library's `efficientnet()`. `advprop=True` weights need `inception` normalisation.

    Networks with ReLU6 are taken for EfficientNet-Lite.
    """
    lite = architecture.stem.act == "relu6"
    return Conventions("same", 1e-3, 0.01, *(NORMALISATIONS["lite"] if lite else IMAGENET))


EFFICIENTNET_PYTORCH = WeightFormat(modules, {"tf": conventions})
