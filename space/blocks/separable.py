"""The depthwise-separable convolution of MobileNetV1, without a shortcut.

Source: Howard et al. 2017, arXiv:1704.04861; tensorflow/models slim/nets/mobilenet_v1.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from space.blocks.family import Family, Layers, Stage
from space.conv import Layer, conv

if TYPE_CHECKING:
    from torch import Tensor


def plan(stage: Stage, width_in: int, stride: int) -> tuple[Layer, ...]:
    """Return the layers of the block: a depthwise and a 1x1 convolution, both with an activation."""
    spatial: dict[str, Any] = {"stride": stride, "dilation": stage.dilation, "act": stage.act}
    depthwise = conv("depthwise", width_in, width_in, stage.kernel, groups=width_in, **spatial)
    return depthwise, conv("project", width_in, stage.width, act=stage.act)


def forward(layers: Layers, x: Tensor) -> Tensor:
    """Map x: (batch, width_in, h, w) to (batch, stage.width, ceil(h / stride), ceil(w / stride))."""
    return layers["project"](layers["depthwise"](x))


SEPARABLE = Family(plan, forward, shortcut=False, reads=frozenset({"kernel", "act", "dilation"}), slices=True)
