"""MBConv: the inverted residual of MobileNetV2 with EfficientNet's squeeze-excitation.

Source: tensorflow/tpu models/official/efficientnet/efficientnet_model.py, class MBConvBlock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from space.blocks.dilations import groups
from space.blocks.family import READS, Family, Layers, Stage
from space.blocks.squeeze import excite, squeeze
from space.conv import Layer, conv

if TYPE_CHECKING:
    from torch import Tensor


def plan(stage: Stage, width_in: int, stride: int) -> tuple[Layer, ...]:
    """Return the layers of the block: expand, depthwise, squeeze-excitation and project, which has no activation.

    "expand" is left out at expand 1, and squeeze-excitation if `se` is 0.
    """
    hidden = max(1, round(width_in * stage.expand))
    expand = () if stage.expand == 1 else (conv("expand", width_in, hidden, act=stage.act),)
    spatial: dict[str, Any] = {"stride": stride, "dilation": stage.dilation, "act": stage.act}
    spatial["dilations"] = groups(stage.dilations, hidden)
    depthwise = conv("depthwise", hidden, hidden, stage.kernel, groups=hidden, **spatial)
    project = conv("project", hidden, stage.width, reads="depthwise")
    return (*expand, depthwise, *squeeze(stage, width_in, hidden), project)


def forward(layers: Layers, x: Tensor) -> Tensor:
    """Map x: (batch, width_in, h, w) to (batch, stage.width, ceil(h / stride), ceil(w / stride))."""
    y = layers["expand"](x) if "expand" in layers else x
    y = layers["depthwise"](y)
    return layers["project"](excite(layers, y))


MBCONV = Family(plan, forward, reads=READS | {"dilation", "dilations"}, slices=True)
