"""MobileNetV3's inverted residual: MBConv with another squeeze-excitation and rounded widths.

Source: Howard et al. 2019, arXiv:1905.02244; tensorflow/models slim/nets/mobilenet/conv_blocks.py.
"""

from __future__ import annotations

from typing import Any

from space.blocks.family import READS, Family, Stage
from space.blocks.mbconv import forward
from space.conv import Layer, conv, divisible


def plan(stage: Stage, width_in: int, stride: int) -> tuple[Layer, ...]:
    """Return MBConv's layers, with the hidden width and the squeeze-excitation bottleneck rounded to multiples of 8.

    The bottleneck is `se` times the hidden width. At expand 1 the hidden width is the input's, not rounded.
    """
    hidden = width_in if stage.expand == 1 else divisible(width_in * stage.expand)
    expand = () if stage.expand == 1 else (conv("expand", width_in, hidden, act=stage.act),)
    spatial: dict[str, Any] = {"stride": stride, "dilation": stage.dilation, "act": stage.act}
    depthwise = conv("depthwise", hidden, hidden, stage.kernel, groups=hidden, **spatial)
    project = conv("project", hidden, stage.width, reads="depthwise")
    return (*expand, depthwise, *_squeeze(stage, hidden), project)


def _squeeze(stage: Stage, hidden: int) -> tuple[Layer, ...]:
    """Plan squeeze-excitation: its activation is ReLU, not the block's, and its gate is a hard sigmoid."""
    if not stage.se:
        return ()
    bottleneck = divisible(hidden * stage.se)
    return (
        conv("se_reduce", hidden, bottleneck, bias=True, norm=False, act="relu", pooled=True),
        conv("se_expand", bottleneck, hidden, bias=True, norm=False, act="hardsigmoid"),
    )


MOBILENET_V3 = Family(plan, forward, reads=READS | {"dilation"}, slices=True)
