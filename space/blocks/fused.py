"""Fused-MBConv: the expansion and the depthwise convolution of MBConv fused into one dense convolution.

Source: google/automl efficientnetv2/effnetv2_model.py, class FusedMBConvBlock.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from space.blocks.dilations import groups
from space.blocks.family import READS, Family, Layers, Stage
from space.blocks.squeeze import excite, squeeze
from space.conv import Layer, conv

if TYPE_CHECKING:
    from torch import Tensor


def plan(stage: Stage, width_in: int, stride: int, keep: bool) -> tuple[Layer, ...]:
    """Return a dense expansion, squeeze-excitation (if any), and a projection without activation.

    At expand 1, a single dense convolution with an activation, "project", replaces expansion and projection, and
    squeeze-excitation acts on the block's input. With `keep`, expansion and projection are built at expand 1 too, as
    in timm's EdgeResidual.
    """
    hidden = max(1, round(width_in * stage.expand))
    weights = squeeze(stage, width_in, hidden)
    dense: dict[str, Any] = {"kernel": stage.kernel, "stride": stride, "act": stage.act}
    dense |= {"dilation": stage.dilation}
    dense |= {"dilations": groups(stage.dilations, stage.width if stage.expand == 1 and not keep else hidden)}
    if stage.expand == 1 and not keep:
        return (*weights, conv("project", width_in, stage.width, reads="input", **dense))
    expand = conv("expand", width_in, hidden, **dense)
    return (expand, *weights, conv("project", hidden, stage.width, reads="expand"))


def forward(layers: Layers, x: Tensor) -> Tensor:
    """Map x: (batch, width_in, h, w) to (batch, stage.width, ceil(h / stride), ceil(w / stride))."""
    y = layers["expand"](x) if "expand" in layers else x
    return layers["project"](excite(layers, y))


_READS = READS | {"dilation", "dilations"}
FUSED = Family(partial(plan, keep=False), forward, reads=_READS, slices=True)
FUSED_KEEP = Family(partial(plan, keep=True), forward, reads=_READS, slices=True)
