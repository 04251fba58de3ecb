"""ShuffleNetV1's unit: grouped 1x1 convolutions with a channel shuffle between them.

Source: Zhang et al. 2018, arXiv:1707.01083; megvii-model/ShuffleNet-Series ShuffleNetV1/blocks.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from space.blocks.family import Family, Layers, Stage
from space.conv import Layer, Step, conv

if TYPE_CHECKING:
    from torch import Tensor


def plan(stage: Stage, width_in: int, stride: int) -> tuple[Layer, ...]:
    """Return the layers reduce (to a quarter of the output), depthwise, shuffle, expand and an activation.

    With a single group there is no shuffle. At stride 1 the input is added before the activation, if the block keeps
    its width. At stride 2 the average-pooled input is concatenated after the activation, if the block widens.
    "reduce" has one group where it widens, as in the first unit of the network, which reads the few channels of the
    stem. (The original code shuffles after the depthwise convolution, the paper before it.)
    """
    groups = stage.groups
    hidden = groups * max(1, round(stage.width / 4 / groups))
    appends = stride > 1 and stage.width > width_in
    width = stage.width - width_in if appends else stage.width
    added = stride == 1 and stage.width == width_in
    first = 1 if width_in < hidden else _dividing(groups, width_in)
    return (
        *((Step("pool", "avg", width_in, 3, stride),) if appends else ()),
        conv("reduce", width_in, hidden, groups=first, act=stage.act, reads="input"),
        conv(
            "depthwise", hidden, hidden, stage.kernel, stride=stride, groups=hidden, dilation=stage.dilation
        ),
        *((Step("shuffle", "shuffle", hidden, groups=groups),) if groups > 1 else ()),
        conv("expand", hidden, width, groups=_dividing(groups, width)),
        Step("sum" if added else "act", "act", width, act=stage.act),
    )


def _dividing(groups: int, width: int) -> int:
    return 1 if width % groups else groups


def forward(layers: Layers, x: Tensor) -> Tensor:
    """Map x: (batch, width_in, h, w) to (batch, stage.width, ceil(h / stride), ceil(w / stride))."""
    import torch

    y = layers["depthwise"](layers["reduce"](x))
    y = layers["expand"](layers["shuffle"](y) if "shuffle" in layers else y)
    if "sum" in layers:
        return layers["sum"](y + x)
    y = layers["act"](y)
    return torch.cat((layers["pool"](x), y), 1) if "pool" in layers else y


SHUFFLE = Family(plan, forward, shortcut=False, reads=frozenset({"kernel", "act", "groups", "dilation"}))
