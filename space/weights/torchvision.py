"""torchvision.models.efficientnet, mobilenetv2 and mobilenetv3: stem, stages (or blocks) and head are numbered
in "features", and so are the steps of a block, of which squeeze-excitation is one ("fc1", "fc2").
"""

from __future__ import annotations

from space.architecture import Architecture, Stage
from space.catalog import name_of
from space.plan import Block, plan
from space.weights.conventions import IMAGENET, INCEPTION, Conventions
from space.weights.weight_format import WeightFormat, expect, pair


def modules(architecture: Architecture) -> dict[str, str]:
    """Our module -> torchvision's."""
    ops, acts = {stage.op for stage in architecture.stages}, {stage.act for stage in architecture.stages}
    if ops == {"mbv3"}:
        return _mobilenet_v3(architecture)
    return _mobilenet_v2(architecture) if ops == {"mb"} and acts == {"relu6"} else _efficientnet(architecture)


def _mobilenet_v3(architecture: Architecture) -> dict[str, str]:
    names = pair("stem.conv", "features.0.0", "features.0.1")
    blocks = plan(architecture)[1:-1]
    for number, block in enumerate(blocks, 1):
        names |= _block(block, f"features.{number}.block")
    last = f"features.{len(blocks) + 1}"
    names |= pair("head.conv", f"{last}.0", f"{last}.1")
    return names | {"head.hidden.conv": "classifier.0", "head.classifier": "classifier.3"}


def _mobilenet_v2(architecture: Architecture) -> dict[str, str]:
    """The last step of a block is not numbered inside."""
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


def _efficientnet(architecture: Architecture) -> dict[str, str]:
    expect(architecture, "torchvision's EfficientNet", _objection)
    names = pair("stem.conv", "features.0.0", "features.0.1")
    for block in plan(architecture)[1:-1]:
        _, stage, index = block.name.split(".")
        names |= _block(block, f"features.{int(stage) + 1}.{index}.block")
    last = f"features.{len(architecture.stages) + 1}"
    return names | pair("head.conv", f"{last}.0", f"{last}.1") | {"head.classifier": "classifier.1"}


def _block(block: Block, place: str) -> dict[str, str]:
    names: dict[str, str] = {}
    # Shared steps, such as the two convolutions of squeeze-excitation, bear one number.
    steps = list(dict.fromkeys(conv.name.split("_")[0] for conv in block.convs))
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
    if stage.op not in ("mb", "fused"):
        return f"{stage.op} blocks"
    if stage.act != "silu":
        return f"blocks with {stage.act}"
    if stage.se != (0.25 if stage.op == "mb" else 0):
        return f"{stage.op} blocks with squeeze-excitation {stage.se}"
    return ""


def conventions(architecture: Architecture) -> Conventions:
    """Those of torchvision's builders (norm_layer) and of the transforms of its weights."""
    name = name_of(architecture)
    mean, std = INCEPTION if name == "v2-l" else IMAGENET
    if name in ("b5", "b6", "b7"):
        eps, momentum = 1e-3, 0.01
    else:
        fused = any(stage.op == "fused" for stage in architecture.stages)
        v3 = architecture.stages[0].op == "mbv3"
        eps, momentum = (1e-3 if fused or v3 else 1e-5), (0.01 if v3 else 0.1)
    return Conventions("symmetric", eps, momentum, mean, std)


TORCHVISION = WeightFormat(modules, {"torchvision": conventions})
