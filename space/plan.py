"""The plan of a network: its blocks and layers, from which both its costs and its torch modules are derived."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from space.architecture import Architecture, Head, Stage, Stem
from space.blocks import BLOCKS
from space.conv import Conv, Layer, conv
from space.stems import STEMS


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a network: its layers in the order in which they run.

    name: "stem", "stages.2.0" (the first block of the third stage) or "head". op: the block family, a key of
    `space.blocks.BLOCKS`, or "" for stem and head, whose layers run one after another. shortcut: True if the network
    adds the block's input to its output.
    """

    name: str
    op: str
    layers: tuple[Layer, ...]
    shortcut: bool = False

    @property
    def convs(self) -> tuple[Conv, ...]:
        """The convolutions of the block. Its other layers have no parameters."""
        return tuple(layer for layer in self.layers if isinstance(layer, Conv))


def plan(architecture: Architecture) -> tuple[Block, ...]:
    """Return the blocks of `architecture` from stem to head. The classifier is the last convolution of the head.

    Raises `UserError` for a block with too few channels for its branches or its groups of dilations.

    >>> from space import decode
    >>> [block.name for block in plan(decode("r32_i16/mb_d2_k3_s2_e4_w24_se0.25/h64_c10"))]
    ['stem', 'stages.0.0', 'stages.0.1', 'head']
    """
    width = architecture.stem.width
    blocks = [Block("stem", "", stem_layers(architecture.stem, architecture.channels))]
    for number, stage in enumerate(architecture.stages):
        for index in range(stage.depth):
            stride = 1 if index else stage.stride
            layers = block_layers(stage, width, stride)
            shortcut = BLOCKS[stage.op].shortcut and stage.skip and stride == 1 and width == stage.width
            blocks.append(Block(f"stages.{number}.{index}", stage.op, layers, shortcut))
            width = stage.width
    return (*blocks, Block("head", "", head_layers(architecture.head, width, architecture.classes)))


T = TypeVar("T")


def repeated(
    stage: Stage,
    width: int,
    side: int,
    block: Callable[[Stage, int, int, int], T],
    side_of: Callable[[T], int],
) -> Iterator[tuple[T, int]]:
    """Yield (value of `block`, number of occurrences) for the distinct blocks of a stage, in order.

    After a block whose output has the shape of its input, all further blocks are equal to it. Without padding, each
    block of a stage can have an input of another size. width, side: the channels and the side in pixels of the
    stage's input. block: a function of (stage, input channels, stride, input side) to any value. side_of: the
    function from such a value to the side of the block's output.
    """
    stride, left = stage.stride, stage.depth
    while left:
        value = block(stage, width, stride, side)
        after = side_of(value)
        times = left if after == side and width == stage.width and stride == 1 else 1
        yield value, times
        width, side, stride, left = stage.width, after, 1, left - times


def stem_layers(stem: Stem, channels: int) -> tuple[Layer, ...]:
    """Return the layers of the stem for images of `channels` channels."""
    return STEMS[stem.op](stem, channels)


@lru_cache(maxsize=65_536)
def block_layers(stage: Stage, width_in: int, stride: int) -> tuple[Layer, ...]:
    """Return the layers of one block of `stage` with `width_in` input channels and this `stride`."""
    return BLOCKS[stage.op].plan(stage, width_in, stride)


def head_layers(head: Head, width_in: int, classes: int) -> tuple[Layer, ...]:
    """Return the convolution and the hidden layer of `head`, if it has them, and the classifier.

    The hidden layer and the classifier read the spatial mean of their input.
    """
    layers: list[Layer] = []
    width = width_in
    if head.width:
        layers.append(conv("conv", width, head.width, act=head.act))
        width = head.width
    if head.hidden:
        layers.append(
            conv("hidden", width, head.hidden, bias=not head.norm, norm=head.norm, act=head.act, pooled=True)
        )
        width = head.hidden
    return (*layers, conv("classifier", width, classes, bias=head.bias, norm=False, pooled=True))
