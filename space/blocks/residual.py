"""ResNet's basic block: two convolutions, a shortcut around them, and an activation after the sum.

Source: He et al. 2016, arXiv:1512.03385; torchvision.models.resnet, class BasicBlock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from space.blocks.family import Family, Layers, Stage
from space.conv import Layer, Step, conv

if TYPE_CHECKING:
    from torch import Tensor


def plan(stage: Stage, width_in: int, stride: int) -> tuple[Layer, ...]:
    """Return two convolutions, and an activation that follows the sum with the shortcut.

    If the stride is 2 or the width changes, the shortcut is a 1x1 convolution, which comes first.
    """
    changes = stride > 1 or width_in != stage.width
    side = (conv("side", width_in, stage.width, stride=stride),) if changes else ()
    return (
        *side,
        conv("first", width_in, stage.width, stage.kernel, stride=stride, act=stage.act, reads="input"),
        conv("second", stage.width, stage.width, stage.kernel),
        Step("act", "act", stage.width, act=stage.act),
    )


def forward(layers: Layers, x: Tensor) -> Tensor:
    """Map x: (batch, width_in, h, w) to (batch, stage.width, ceil(h / stride), ceil(w / stride))."""
    side = layers["side"](x) if "side" in layers else x
    return layers["act"](layers["second"](layers["first"](x)) + side)


BASIC = Family(plan, forward, shortcut=False, reads=frozenset({"kernel", "act"}))
