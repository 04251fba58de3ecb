"""EfficientNet's squeeze-and-excitation, shared by the blocks that use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from space.blocks.family import Layers, Stage
from space.conv import Layer, conv

if TYPE_CHECKING:
    from torch import Tensor


def squeeze(stage: Stage, width_in: int, hidden: int) -> tuple[Layer, ...]:
    """Return the two 1x1 convolutions that compute weights for `hidden` channels; () if `stage.se` is 0.

    The bottleneck is `stage.se` times the *block's input* width, not the expanded width
    (efficientnet_model.py: `max(1, int(input_filters * se_ratio))`).
    """
    if not stage.se:
        return ()
    bottleneck = max(1, int(width_in * stage.se))
    return (
        conv("se_reduce", hidden, bottleneck, bias=True, norm=False, act=stage.act, pooled=True),
        conv("se_expand", bottleneck, hidden, bias=True, norm=False, act="sigmoid"),
    )


def excite(layers: Layers, x: Tensor) -> Tensor:
    """Return x: (batch, hidden, h, w), each channel multiplied by its weight; x itself without squeeze-excitation."""
    if "se_reduce" not in layers:
        return x
    return x * layers["se_expand"](layers["se_reduce"](x))
