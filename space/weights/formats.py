"""The registry of weight formats, to which other packages can add."""

from __future__ import annotations

from space.extension_points import Registry
from space.refusal import unknown_name
from space.weights.efficientnet_pytorch import EFFICIENTNET_PYTORCH
from space.weights.ours import OURS
from space.weights.timm import TIMM
from space.weights.torchvision import TORCHVISION
from space.weights.weight_format import WeightFormat

WEIGHT_FORMATS: Registry[WeightFormat] = Registry(
    "compound_nas.weight_formats",
    {"ours": OURS, "torchvision": TORCHVISION, "timm": TIMM, "efficientnet_pytorch": EFFICIENTNET_PYTORCH},
)


def weight_format(name: str) -> WeightFormat:
    """Return the format called `name`. Raises a `UserError` with the nearest name for an unknown one."""
    if name not in WEIGHT_FORMATS:
        raise unknown_name("weight format", name, WEIGHT_FORMATS)
    return WEIGHT_FORMATS[name]
