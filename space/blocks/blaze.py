"""BlazeFace's blocks as released: with biases, into which normalisation has been folded.

Source: Bazarevsky et al. 2019, arXiv:1907.05047, section 3; MediaPipe's networks in hollance/BlazeFace-PyTorch,
which consist of single blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from space.blocks.family import Family, Layers, Stage
from space.conv import Layer, Step, conv

if TYPE_CHECKING:
    from torch import Tensor


def plan(stage: Stage, width_in: int, stride: int) -> tuple[Layer, ...]:
    """Return the layers of the block: a depthwise and a 1x1 convolution, the sum with the input, and an activation.

    For the sum, the input is max-pooled at stride 2, and padded with zero channels where the block widens. In a block
    that narrows, or whose `skip` is False, the activation follows without a sum.
    """
    return _joined(stage, width_in, stride, _pair(stage, "", width_in, stage.width, stride))


def plan_double(stage: Stage, width_in: int, stride: int) -> tuple[Layer, ...]:
    """Return the layers of a double block: two pairs of a depthwise and a 1x1 convolution, then the sum as in `plan`.

    The first pair has the stride and an activation. Between the pairs there are `stage.width / expand` channels,
    rounded, at least 1.
    """
    narrow = max(1, round(stage.width / stage.expand))
    first = _pair(stage, "_in", width_in, narrow, stride, act=stage.act)
    return _joined(stage, width_in, stride, (*first, *_pair(stage, "", narrow, stage.width, 1)))


def _pair(
    stage: Stage, name: str, width_in: int, width: int, stride: int, act: str = ""
) -> tuple[Layer, ...]:
    spatial: dict[str, Any] = {"stride": stride, "groups": width_in, "dilation": stage.dilation}
    return (
        conv(f"depthwise{name}", width_in, width_in, stage.kernel, bias=True, norm=False, **spatial),
        conv(f"project{name}", width_in, width, bias=True, norm=False, act=act),
    )


def _joined(stage: Stage, width_in: int, stride: int, layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    added = stage.skip and stage.width >= width_in
    pool = (Step("pool", "max", width_in, 2, stride, "same", reads="input"),) if added and stride > 1 else ()
    end = Step("sum" if added else "act", "act", stage.width, act=stage.act, reads=layers[-1].name)
    return (*layers, *pool, end)


def forward(layers: Layers, x: Tensor) -> Tensor:
    """Map x: (batch, width_in, h, w) to (batch, stage.width, ceil(h / stride), ceil(w / stride))."""
    import torch

    y = layers["project_in"](layers["depthwise_in"](x)) if "project_in" in layers else x
    y = layers["project"](layers["depthwise"](y))
    if "sum" not in layers:
        return layers["act"](y)
    x = layers["pool"](x) if "pool" in layers else x
    missing = y.shape[1] - x.shape[1]
    if missing:
        x = torch.cat((x, torch.zeros_like(y[:, :missing])), 1)
    return layers["sum"](y + x)


_READS = frozenset({"kernel", "act", "dilation", "skip"})
BLAZE = Family(plan, forward, shortcut=False, reads=_READS)
BLAZE_DOUBLE = Family(plan_double, forward, shortcut=False, reads=_READS | {"expand"})
