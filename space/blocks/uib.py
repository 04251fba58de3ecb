"""MobileNetV4's universal inverted bottleneck, with an optional depthwise convolution before and after the expansion.

The paper has a name for each case: with only the second convolution (inverted bottleneck), with only the first
(ConvNext-like), with both (extra depthwise), and with none (feed-forward network).

Source: Qin et al. 2024, arXiv:2404.10518; tensorflow/models official/vision/modeling/layers/nn_blocks.py;
timm.models._efficientnet_blocks, class UniversalInvertedResidual.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from space.blocks.family import Family, Layers, Stage
from space.conv import Layer, conv, divisible

if TYPE_CHECKING:
    from torch import Tensor


def plan(stage: Stage, width_in: int, stride: int) -> tuple[Layer, ...]:
    """Return the layers start, expand, depthwise and project; start and project have no activation.

    "start" and "depthwise" are left out if their kernel is 0. "depthwise" has the stride if it exists, else "start".
    The hidden width is a multiple of 8.
    """
    hidden = divisible(width_in * stage.expand)
    first = stride if not stage.kernel else 1
    layers: list[Layer] = []
    if stage.start:
        layers.append(conv("start", width_in, width_in, stage.start, stride=first, groups=width_in))
    layers.append(conv("expand", width_in, hidden, act=stage.act))
    if stage.kernel:
        layers.append(
            conv("depthwise", hidden, hidden, stage.kernel, stride=stride, groups=hidden, act=stage.act)
        )
    return (*layers, conv("project", hidden, stage.width))


def forward(layers: Layers, x: Tensor) -> Tensor:
    """Map x: (batch, width_in, h, w) to (batch, stage.width, ceil(h / stride), ceil(w / stride))."""
    y = layers["start"](x) if "start" in layers else x
    y = layers["expand"](y)
    y = layers["depthwise"](y) if "depthwise" in layers else y
    return layers["project"](y)


UIB = Family(
    plan,
    forward,
    reads=frozenset({"kernel", "expand", "act", "skip", "start"}),
    kernel_optional=True,
    slices=True,
)
