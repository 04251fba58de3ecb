"""MobileNeXt's SandGlass: wide at its ends and narrow in the middle, the reverse of MBConv.

Source: Zhou et al. 2020, arXiv:2007.02269; zhoudaquan/rethinking_bottleneck_design, mnext.py, class SGBlock.
"""

from __future__ import annotations

from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Any

from space.blocks.family import Family, Layers, Stage
from space.conv import Layer, conv, divisible

if TYPE_CHECKING:
    from torch import Tensor


def plan(stage: Stage, width_in: int, stride: int, keep: bool) -> tuple[Layer, ...]:
    """Return the layers depthwise, reduce, expand and spread (depthwise); reduce and spread have no activation.

    The middle has the input's width divided by `expand`. If that is below a sixth of the output's width, it has about
    a sixth of the output's width, as a multiple of 16. Without `keep`, a block that changes the width has no first
    depthwise convolution, and at stride 1 no spread either. (`keep` is keep_3x3 in the original code. The published
    networks set it in stages of a single block that changes the width.)
    """
    hidden = int(width_in / stage.expand)
    if hidden < stage.width / 6:
        hidden = divisible(ceil(stage.width / 6), 16)
    whole = keep or width_in == stage.width
    spatial: dict[str, Any] = {"kernel": stage.kernel, "dilation": stage.dilation}
    layers = (
        conv("depthwise", width_in, width_in, groups=width_in, act=stage.act, **spatial),
        conv("reduce", width_in, hidden),
        conv("expand", hidden, stage.width, act=stage.act),
        conv("spread", stage.width, stage.width, groups=stage.width, stride=stride, **spatial),
    )
    return layers[0 if whole else 1 : 4 if whole or stride > 1 else 3]


def forward(layers: Layers, x: Tensor) -> Tensor:
    """Map x: (batch, width_in, h, w) to (batch, stage.width, ceil(h / stride), ceil(w / stride))."""
    y = layers["depthwise"](x) if "depthwise" in layers else x
    y = layers["expand"](layers["reduce"](y))
    return layers["spread"](y) if "spread" in layers else y


_READS = frozenset({"kernel", "expand", "act", "skip", "dilation"})
SANDGLASS = Family(partial(plan, keep=False), forward, reads=_READS)
SANDGLASS_KEEP = Family(partial(plan, keep=True), forward, reads=_READS)
