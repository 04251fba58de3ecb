"""The interface of a block family.

To add a family, write a file with a `Family` value, and add one line to `BLOCKS` in `space/blocks/registry.py`.
Another package can add a family by an entry point instead, see `space.extension_points`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from space.conv import Layer

if TYPE_CHECKING:
    from torch import Tensor

Layers = Mapping[str, Callable[["Tensor"], "Tensor"]]
"""The modules of a block's planned layers by name. A convolution's module includes normalisation and activation."""

READS = frozenset({"kernel", "expand", "se", "act", "skip"})
"""The fields of a stage that MBConv and similar families read, in addition to op, depth, stride and width."""


class Stage(Protocol):
    """The fields of a stage that a family may read; `space.stage.Stage` explains them."""

    @property
    def op(self) -> str: ...
    @property
    def kernel(self) -> int: ...
    @property
    def expand(self) -> float: ...
    @property
    def width(self) -> int: ...
    @property
    def se(self) -> float: ...
    @property
    def act(self) -> str: ...
    @property
    def groups(self) -> int: ...
    @property
    def dilation(self) -> int: ...
    @property
    def skip(self) -> bool: ...
    @property
    def branches(self) -> str: ...
    @property
    def dilations(self) -> str: ...
    @property
    def start(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of block.

    plan: a function of (stage, width_in, stride) that returns the layers of a block with `width_in` input channels.
    forward: a function of (layers, x) that returns y. x: (batch, width_in, height, width);
        y: (batch, stage.width, ceil(height / stride), ceil(width / stride)), or smaller maps without padding.
        The identity shortcut is not part of y: the network adds it.
    shortcut: True if the network adds a block's input to its output, where their shapes agree and the stage's `skip`
        is True. A family with another kind of shortcut computes it in its `forward`, and has False here.
    reads: the fields of a stage that the plan reads, in addition to op, depth, stride and width. The others are set
        to their defaults when a stage is made, so that stages which differ only in such fields are equal.
    multiple: the number that must divide every width.
    kernel_optional: True if `kernel` may be 0, in which case the block lacks its spatial convolution.
    slices: True if the first channels of a block's layers form a narrower block of this family, so that narrower
        networks can inherit its weights (`space.choices.inside`). All convolutions must be dense or depthwise and
        read whole layers, and "se_expand" must weight the channels that "se_reduce" reads.
    """

    plan: Callable[[Stage, int, int], tuple[Layer, ...]]
    forward: Callable[[Layers, Tensor], Tensor]
    shortcut: bool = True
    reads: frozenset[str] = READS
    multiple: int = 1
    kernel_optional: bool = False
    slices: bool = False
