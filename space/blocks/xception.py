"""Xception's block, and the separable convolutions at the end of its network.

Source: Chollet 2017, arXiv:1610.02357; keras-applications xception.py; timm.models.xception.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from space.blocks.family import Family, Layers, Stage
from space.conv import Conv, Layer, Step, conv

if TYPE_CHECKING:
    from torch import Tensor


def plan(stage: Stage, width_in: int, stride: int) -> tuple[Layer, ...]:
    """Return an activation and a separable convolution, three times.

    If the stride is 2 or the width changes, there are only two of these pairs, and a 1x1 convolution is the shortcut.
    At stride 2, max-pooling with that stride comes last. All separable convolutions but the last are `expand` times
    as wide as the input.
    """
    hidden = max(1, round(width_in * stage.expand))
    changes = stride > 1 or width_in != stage.width
    layers: list[Layer] = []
    if changes:
        layers.append(conv("side", width_in, stage.width, stride=stride))
    width, before = width_in, "input"
    for number, after in enumerate((hidden, stage.width) if changes else (hidden, hidden, stage.width)):
        layers.append(Step(f"act_{number}", "act", width, act=stage.act, reads=before))
        layers.append(_depthwise(stage, f"depthwise_{number}", width))
        layers.append(conv(f"project_{number}", width, after))
        width, before = after, ""
    return (*layers, Step("pool", "max", stage.width, 3, stride)) if stride > 1 else tuple(layers)


def _depthwise(stage: Stage, name: str, width: int, stride: int = 1) -> Conv:
    """Plan a depthwise convolution without normalisation: only the 1x1 convolution that follows is normalised."""
    more = {"groups": width, "stride": stride, "dilation": stage.dilation}
    return conv(name, width, width, stage.kernel, norm=False, **more)


def forward(layers: Layers, x: Tensor) -> Tensor:
    """Map x: (batch, width_in, h, w) to (batch, stage.width, ceil(h / stride), ceil(w / stride))."""
    side = layers["side"](x) if "side" in layers else x
    y = layers["project_0"](layers["depthwise_0"](layers["act_0"](x)))
    y = layers["project_1"](layers["depthwise_1"](layers["act_1"](y)))
    if "project_2" in layers:
        y = layers["project_2"](layers["depthwise_2"](layers["act_2"](y)))
    return side + (layers["pool"](y) if "pool" in layers else y)


def plan_end(stage: Stage, width_in: int, stride: int) -> tuple[Layer, ...]:
    """Return a depthwise and a 1x1 convolution. Normalisation and activation follow only the second."""
    depthwise = _depthwise(stage, "depthwise", width_in, stride)
    return depthwise, conv("project", width_in, stage.width, act=stage.act)


def forward_end(layers: Layers, x: Tensor) -> Tensor:
    """Map x: (batch, width_in, h, w) to (batch, stage.width, ceil(h / stride), ceil(w / stride))."""
    return layers["project"](layers["depthwise"](x))


XCEPTION = Family(plan, forward, shortcut=False, reads=frozenset({"kernel", "expand", "act", "dilation"}))
XCEPTION_END = Family(plan_end, forward_end, shortcut=False, reads=frozenset({"kernel", "act", "dilation"}))
