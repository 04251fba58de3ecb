"""What every block family states about itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from space.conv import Conv

if TYPE_CHECKING:
    from torch import Tensor

    from space.architecture import Stage

Layers = Mapping[str, Callable[["Tensor"], "Tensor"]]
"""The planned convolutions of a block, each with its normalisation and activation, by name."""


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of block.

    plan: (stage, width_in, stride) -> the convolutions of one block with `width_in` input channels.
    forward: (layers, x) -> y. x: (batch, width_in, height, width);
        y: (batch, stage.width, ceil(height / stride), ceil(width / stride)). The identity shortcut is not
        its concern: see `shortcut`.
    shortcut: the block's input is added to its output where their shapes agree.
    """

    plan: Callable[[Stage, int, int], tuple[Conv, ...]]
    forward: Callable[[Layers, Tensor], Tensor]
    shortcut: bool = True
