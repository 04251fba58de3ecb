"""What a training of a network holds in memory, before it is built.

Two parts: for every parameter its weight, gradient and two moments (Adam's, or AdamW's), and for every image
of the batch the maps that automatic differentiation keeps from the forward pass for the backward pass. What a
device takes beyond that (gradients of maps on their way, work space of kernels, fragments) passes by and
depends on the device, so the true peak is higher: 1.4 times this for B0 and V2-B0, on a CPU, 8 images at a time.

The maps are derived from the plan, for float32, without dropout and drop path; `tests/space/test_memory.py`
compares them with what torch keeps, to the element. A family of blocks that joins its layers in another way
than one after the other, with squeeze-excitation between, is counted as if it did not.
"""

from __future__ import annotations

from functools import lru_cache

from space.architecture import Architecture, Head, Stage, Stem
from space.blocks import BLOCKS
from space.conv import Layer, Step
from space.cost.cost import FLOAT, cost
from space.plan import block_layers, head_layers, stem_layers

COPIES = 4
"""Floats for every parameter: weight, gradient, and the optimiser's two moments."""

_FROM_INPUT = ("silu", "relu6", "hardswish")
"""Activations whose derivative needs what they were given; that of the others needs what they returned."""


def training_memory(architecture: Architecture, batch: int) -> int:
    """Bytes that a training of `architecture` holds at the end of a forward pass of `batch` images, float32."""
    return memory(cost(architecture).params, saved_activations(architecture), batch)


def memory(params: int, saved: int, batch: int) -> int:
    """Bytes for so many parameters, and for so many elements saved of each image of a batch."""
    return FLOAT * (COPIES * params + batch * saved)


def saved_activations(architecture: Architecture) -> int:
    """Elements that are kept from the forward pass of one image, itself included, for the backward pass."""
    total, size = stem_saved(architecture.stem, architecture.channels, architecture.resolution)
    width = architecture.stem.width
    for stage in architecture.stages:
        spent, size = stage_saved(stage, width, size)
        total, width = total + spent, stage.width
    return total + head_saved(architecture.head, width, architecture.classes, size)


def stem_saved(stem: Stem, channels: int, resolution: int) -> tuple[int, int]:
    """What `stem` keeps of one image, and the side of its output in pixels."""
    return _saved(stem_layers(stem, channels), channels, resolution, False)


def stage_saved(stage: Stage, width_in: int, size: int) -> tuple[int, int]:
    """What `stage` keeps for one image, its input included, and the side of its output in pixels."""
    if not stage.depth:
        return 0, size
    first, size = _block(stage, width_in, stage.stride, size)
    further, size = _block(stage, stage.width, 1, size) if stage.depth > 1 else (0, size)
    return first + (stage.depth - 1) * further, size


def head_saved(head: Head, width_in: int, classes: int, size: int) -> int:
    """What `head` keeps for one image, its input and the logarithms of the probabilities included."""
    return _saved(head_layers(head, width_in, classes), width_in, size, False)[0] + classes


@lru_cache(maxsize=65_536)
def _block(stage: Stage, width_in: int, stride: int, size: int) -> tuple[int, int]:
    shortcut = BLOCKS[stage.op].shortcut and stage.skip and stride == 1 and width_in == stage.width
    return _saved(block_layers(stage, width_in, stride), width_in, size, shortcut)


def _saved(layers: tuple[Layer, ...], width_in: int, size: int, shortcut: bool) -> tuple[int, int]:
    """The elements that a chain of layers keeps for one image, its input included, and its output's side.

    shortcut: its input is added to its output, so that what follows keeps the sum, and not the output.
    """
    areas, sides = _areas(layers, size)
    width = {"input": width_in} | {layer.name: layer.width for layer in layers}
    total, whole, before, gated = 0, set[str](), "input", ""
    for layer in layers:
        sources, before = (layer.reads or before).split("+"), layer.name
        if isinstance(layer, Step):
            whole |= _saved_by(layer, sources)
            continue
        if layer.pooled:
            total += layer.width_in  # The mean is a tensor of its own.
        else:
            whole.update(sources)
        if layer.norm:
            total += areas[layer.name] * layer.width  # Normalisation needs what it was given.
        if layer.act in _FROM_INPUT:
            total += areas[layer.name] * layer.width
        elif layer.act:
            whole.add(layer.name)
        if layer.name == "se_expand":
            gated = layer.name
    # Squeeze-excitation multiplies what the last convolution reads: both factors are kept, and the product.
    if gated:
        source = layers[-1].reads
        total += areas[source] * width[source]
        whole.add(gated)
    if not shortcut:
        whole.discard(layers[-1].name)  # Counted as the input of what follows.
    return total + sum(areas[name] * width[name] for name in whole), sides[layers[-1].name]


def _saved_by(step: Step, sources: list[str]) -> set[str]:
    """What a step keeps: pooling what it was given, a shuffle nothing."""
    if step.kind in ("shuffle", "scale"):
        return set()
    return {step.name} if step.kind == "act" and step.act not in _FROM_INPUT else set(sources)


def _areas(layers: tuple[Layer, ...], size: int) -> tuple[dict[str, int], dict[str, int]]:
    """By name of a layer, and for "input": the pixels of its output, and the height of that."""
    sizes, before = {"input": (size, size)}, "input"
    for layer in layers:
        read = layer.reads.partition("+")[0] or before
        sizes[layer.name] = layer.size(*((1, 1) if layer.pooled else sizes[read]))
        before = layer.name
    return {name: h * w for name, (h, w) in sizes.items()}, {name: h for name, (h, _) in sizes.items()}
