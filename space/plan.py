"""What a network is made of, said in one place: costs are summed over it and models are built from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from space.architecture import Architecture, Head, Stage, Stem
from space.blocks import BLOCKS
from space.conv import Conv, conv


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a network: its convolutions in the order they are run.

    name: "stem", "stages.2.0" (the first block of the third stage) or "head". op: a key of
    `space.blocks.BLOCKS`, or "" for stem and head, whose convolutions simply follow one another.
    shortcut: the block's input is added to its output.
    """

    name: str
    op: str
    convs: tuple[Conv, ...]
    shortcut: bool = False


def plan(architecture: Architecture) -> tuple[Block, ...]:
    """The blocks of `architecture` from stem to head; the last convolution is the classifier."""
    width = architecture.stem.width
    blocks = [Block("stem", "", stem_convs(architecture.stem, architecture.channels))]
    for number, stage in enumerate(architecture.stages):
        for index in range(stage.depth):
            stride = 1 if index else stage.stride
            convs = block_convs(stage, width, stride)
            shortcut = BLOCKS[stage.op].shortcut and stride == 1 and width == stage.width
            blocks.append(Block(f"stages.{number}.{index}", stage.op, convs, shortcut))
            width = stage.width
    return (*blocks, Block("head", "", head_convs(architecture.head, width, architecture.classes)))


def stem_convs(stem: Stem, channels: int) -> tuple[Conv, ...]:
    """The stem's convolution for images of `channels` channels."""
    return (conv("conv", channels, stem.width, stem.kernel, stride=stem.stride, act=stem.act),)


@lru_cache(maxsize=65_536)
def block_convs(stage: Stage, width_in: int, stride: int) -> tuple[Conv, ...]:
    """The convolutions of one block of `stage` that has `width_in` input channels and this `stride`."""
    return BLOCKS[stage.op].plan(stage, width_in, stride)


def head_convs(head: Head, width_in: int, classes: int) -> tuple[Conv, ...]:
    """The head's convolution, and the classifier, which reads its spatial mean."""
    features = conv("conv", width_in, head.width, act=head.act)
    return features, conv("classifier", head.width, classes, bias=True, norm=False, pooled=True)
