"""ShuffleNetV2's unit: half of the channels pass unchanged, half are transformed, and both are shuffled.

Source: Ma et al. 2018, arXiv:1807.11164; torchvision.models.shufflenetv2, class InvertedResidual.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from space.blocks.family import Family, Layers, Stage
from space.conv import Layer, Step, conv

if TYPE_CHECKING:
    from torch import Tensor


def plan(stage: Stage, width_in: int, stride: int) -> tuple[Layer, ...]:
    """Return the layers expand, depthwise and project, which compute one half of the output, and the shuffle.

    The first three read half of the input, and the other half passes unchanged. If the stride is 2 or the width
    changes, they read the whole input, and so do two further convolutions that compute the other half of the output.
    """
    half, act, kernel, dilation = stage.width // 2, stage.act, stage.kernel, stage.dilation
    split = stride == 1 and width_in == stage.width

    def depthwise(name: str, width: int, reads: str = "") -> Layer:
        more = {"stride": stride, "groups": width, "dilation": dilation}
        return conv(name, width, width, kernel, reads=reads, **more)

    other = (depthwise("other_depthwise", width_in), conv("other_project", width_in, half, act=act))
    return (
        *(() if split else other),
        conv("expand", half if split else width_in, half, act=act, reads="input"),
        depthwise("depthwise", half),
        conv("project", half, half, act=act),
        Step("shuffle", "shuffle", stage.width, groups=2),
    )


def forward(layers: Layers, x: Tensor) -> Tensor:
    """Map x: (batch, width_in, h, w) to (batch, stage.width, ceil(h / stride), ceil(w / stride))."""
    import torch

    if "other_project" in layers:
        other = layers["other_project"](layers["other_depthwise"](x))
    else:
        other, x = x.chunk(2, 1)
    y = layers["project"](layers["depthwise"](layers["expand"](x)))
    return layers["shuffle"](torch.cat((other, y), 1))


SHUFFLE_V2 = Family(plan, forward, shortcut=False, reads=frozenset({"kernel", "act", "dilation"}), multiple=2)
