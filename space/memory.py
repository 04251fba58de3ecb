"""What a training of a network holds in memory, before it is built.

Two parts: for every parameter its weight, gradient and two moments (Adam's, or AdamW's), and for every image
of the batch the maps that automatic differentiation keeps from the forward pass for the backward pass. What a
device takes beyond that (gradients of maps on their way, work space of kernels, fragments) passes by and
depends on the device, so the true peak is higher: 1.4 times this for B0 and V2-B0, on a CPU, 8 images at a time.

The maps are derived from the plan, for float32, without dropout and drop path; `tests/space/test_memory.py`
compares them with what torch keeps, to the element. A family of blocks that joins its convolutions in another
way than one after the other, with squeeze-excitation between, is counted as if it did not.
"""

from __future__ import annotations

from functools import lru_cache

from space.architecture import Architecture, Head, Stage, Stem
from space.blocks import BLOCKS
from space.conv import Conv
from space.cost import cost
from space.plan import block_convs, head_convs, stem_convs

FLOAT = 4
"""Bytes of a float32."""
COPIES = 4
"""Floats for every parameter: weight, gradient, and the optimiser's two moments."""

_FROM_INPUT = ("silu", "relu6", "hardswish")
"""Activations whose derivative needs what they were given; that of the others needs what they returned."""


def training_memory(architecture: Architecture, batch: int) -> int:
    """Bytes that a training of `architecture` holds at the end of a forward pass of `batch` images, float32."""
    return memory(cost(architecture).params, kept(architecture), batch)


def memory(params: int, kept: int, batch: int) -> int:
    """Bytes for so many parameters, and for so many elements kept of each image of a batch."""
    return FLOAT * (COPIES * params + batch * kept)


def kept(architecture: Architecture) -> int:
    """Elements that are kept from the forward pass of one image, itself included, for the backward pass."""
    total, size = stem_kept(architecture.stem, architecture.channels, architecture.resolution)
    width = architecture.stem.width
    for stage in architecture.stages:
        spent, size = stage_kept(stage, width, size)
        total, width = total + spent, stage.width
    return total + head_kept(architecture.head, width, architecture.classes, size)


def stem_kept(stem: Stem, channels: int, resolution: int) -> tuple[int, int]:
    """What `stem` keeps of one image, and the side of its output in pixels."""
    return _kept(stem_convs(stem, channels), resolution, False)


def stage_kept(stage: Stage, width_in: int, size: int) -> tuple[int, int]:
    """What `stage` keeps for one image, its input included, and the side of its output in pixels."""
    if not stage.depth:
        return 0, size
    first, size = _block(stage, width_in, stage.stride, size)
    further, size = _block(stage, stage.width, 1, size) if stage.depth > 1 else (0, size)
    return first + (stage.depth - 1) * further, size


def head_kept(head: Head, width_in: int, classes: int, size: int) -> int:
    """What `head` keeps for one image, its input and the logarithms of the probabilities included."""
    return _kept(head_convs(head, width_in, classes), size, False)[0] + classes


@lru_cache(maxsize=65_536)
def _block(stage: Stage, width_in: int, stride: int, size: int) -> tuple[int, int]:
    shortcut = BLOCKS[stage.op].shortcut and stride == 1 and width_in == stage.width
    return _kept(block_convs(stage, width_in, stride), size, shortcut)


def _kept(convs: tuple[Conv, ...], size: int, shortcut: bool) -> tuple[int, int]:
    """The elements that a chain of convolutions keeps for one image, its input included, and its output's side.

    shortcut: its input is added to its output, so that what follows keeps the sum, and not the output.
    """
    areas, sides = _areas(convs, size)
    width = {"input": convs[0].width_in} | {conv.name: conv.width for conv in convs}
    total, whole, read, before = 0, set[str](), set[str](), "input"
    for conv in convs:
        source, before = conv.reads or before, conv.name
        read.add(source)
        if conv.pooled:
            total += conv.width_in  # The mean is a tensor of its own.
        else:
            whole.add(source)
        if conv.norm:
            total += areas[conv.name] * conv.width  # Normalisation needs what it was given.
        if conv.act in _FROM_INPUT:
            total += areas[conv.name] * conv.width
        elif conv.act:
            whole.add(conv.name)
    # What no convolution reads multiplies what the last one reads: both factors are kept, and the product.
    factors = {conv.name for conv in convs[:-1]} - read
    if factors:
        source = convs[-1].reads
        total += areas[source] * width[source]
        whole |= factors
    if not shortcut:
        whole.discard(convs[-1].name)  # Counted as the input of what follows.
    return total + sum(areas[name] * width[name] for name in whole), sides[convs[-1].name]


def _areas(convs: tuple[Conv, ...], size: int) -> tuple[dict[str, int], dict[str, int]]:
    """By name of a convolution, and for "input": the pixels of its output, and the height of that."""
    sizes, before = {"input": (size, size)}, "input"
    for conv in convs:
        sizes[conv.name] = conv.size(*((1, 1) if conv.pooled else sizes[conv.reads or before]))
        before = conv.name
    return {name: h * w for name, (h, w) in sizes.items()}, {name: h for name, (h, _) in sizes.items()}
