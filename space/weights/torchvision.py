"""torchvision.models.efficientnet: stem, stages and head are numbered in "features", and so are the steps of
a block, of which squeeze-excitation is one ("fc1", "fc2").
"""

from __future__ import annotations

from space.architecture import Architecture, Stage
from space.catalog import name_of
from space.plan import plan
from space.weights.conventions import IMAGENET, INCEPTION, Conventions
from space.weights.weight_format import WeightFormat, expect, pair


def modules(architecture: Architecture) -> dict[str, str]:
    """Our module -> torchvision's."""
    expect(architecture, "torchvision's EfficientNet", _objection)
    names = pair("stem.conv", "features.0.0", "features.0.1")
    for block in plan(architecture)[1:-1]:
        _, stage, index = block.name.split(".")
        # Shared steps, such as the two convolutions of squeeze-excitation, bear one number.
        steps = list(dict.fromkeys(conv.name.split("_")[0] for conv in block.convs))
        for conv in block.convs:
            step = f"features.{int(stage) + 1}.{index}.block.{steps.index(conv.name.split('_')[0])}"
            if conv.name in ("se_reduce", "se_expand"):
                fully_connected = "fc1" if conv.name == "se_reduce" else "fc2"
                names[f"{block.name}.{conv.name}.conv"] = f"{step}.{fully_connected}"
            else:
                names |= pair(f"{block.name}.{conv.name}", f"{step}.0", f"{step}.1")
    last = f"features.{len(architecture.stages) + 1}"
    return names | pair("head.conv", f"{last}.0", f"{last}.1") | {"head.classifier": "classifier.1"}


def _objection(stage: Stage) -> str:
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
        eps, momentum = (1e-3 if fused else 1e-5), 0.1
    return Conventions("symmetric", eps, momentum, mean, std)


TORCHVISION = WeightFormat(modules, {"torchvision": conventions})
