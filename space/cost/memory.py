"""The memory of a network in training or inference, computed without building the network.

The memory of a training has two parts: for every parameter its weight, gradient and two moments (Adam, AdamW), and
for every image of the batch the maps that automatic differentiation saves in the forward pass for the backward pass.
Devices use further memory for a short time (gradients of maps, work space of kernels, fragments), so the true peak is
higher: 1.4 times this for B0 and V2-B0 on a CPU with 8 images.

The maps are derived from the plan, for float32, without dropout and drop path. For "mb", "fused" and "mbv3" blocks,
`tests/space/cost/test_memory.py` checks that their number of elements is exactly what torch saves. All blocks are
counted as a chain of layers with squeeze-excitation in between, even if their family joins its layers differently.
"""

from __future__ import annotations

from functools import lru_cache
from operator import itemgetter

from space.architecture import Architecture, Head, Stage, Stem
from space.blocks import BLOCKS
from space.conv import Layer, Step
from space.cost.cost import FLOAT, cost
from space.plan import block_layers, head_layers, repeated, stem_layers

COPIES = 4
"""The number of floats per parameter: weight, gradient, and the optimiser's two moments."""

_FROM_INPUT = ("silu", "relu6", "hardswish", "hardsigmoid")
"""The activations whose derivative is computed from their input. Other derivatives are computed from the output."""


def training_memory(architecture: Architecture, batch: int) -> int:
    """Return the bytes that a float32 training holds at the end of a forward pass of `batch` images."""
    return memory(cost(architecture).params, saved_activations(architecture), batch)


def memory(params: int, saved: int, batch: int) -> int:
    """Return the bytes of a float32 training on `batch` images.

    params: the number of parameters. saved: the number of elements that the forward pass saves for each image.
    """
    return FLOAT * (COPIES * params + batch * saved)


def saved_activations(architecture: Architecture) -> int:
    """Return the number of elements, image included, that an image's forward pass saves for the backward pass."""
    total, size = stem_saved(architecture.stem, architecture.channels, architecture.resolution)
    width = architecture.stem.width
    for stage in architecture.stages:
        spent, size = stage_saved(stage, width, size)
        total, width = total + spent, stage.width
    return total + head_saved(architecture.head, width, architecture.classes, size)


def stem_saved(stem: Stem, channels: int, resolution: int) -> tuple[int, int]:
    """Return the elements that `stem` saves for one image, and the side of its output in pixels."""
    return _saved(stem_layers(stem, channels), channels, resolution, False)


def stage_saved(stage: Stage, width_in: int, size: int) -> tuple[int, int]:
    """Return the elements that `stage` saves for one image, input included, and the side of its output in pixels."""
    total = 0
    for (saved, after), times in repeated(stage, width_in, size, _block, itemgetter(-1)):
        total, size = total + times * saved, after
    return total, size


def head_saved(head: Head, width_in: int, classes: int, size: int) -> int:
    """Return the elements that `head` saves for one image, including its input and the log-probabilities."""
    return _saved(head_layers(head, width_in, classes), width_in, size, False)[0] + classes


@lru_cache(maxsize=65_536)
def _block(stage: Stage, width_in: int, stride: int, size: int) -> tuple[int, int]:
    layers, shortcut = block_layers(stage, width_in, stride), _shortcut(stage, width_in, stride)
    return _saved(layers, width_in, size, shortcut)


def inference_memory(architecture: Architecture, batch: int = 1) -> int:
    """Return the largest number of bytes that the maps of an inference of `batch` images take at one moment.

    At each layer, the maps in memory are its output and all maps that this or a later layer reads, such as a block's
    input until the shortcut is added, or the map that squeeze-excitation scales. Maps are float32. Batch
    normalisation is folded. The activations of convolutions, gates and the sums of shortcuts overwrite their input,
    while each `space.conv.Step` has an output of its own. Weights and the work space of kernels are not counted.
    """
    stem, head = architecture.stem, architecture.head
    peak, size = _peak(
        stem_layers(stem, architecture.channels), architecture.channels, architecture.resolution
    )
    width = stem.width
    for stage in architecture.stages:
        for index in range(stage.depth):
            stride = 1 if index else stage.stride
            shortcut = _shortcut(stage, width, stride)
            own, size = _peak(block_layers(stage, width, stride), width, size, shortcut)
            peak, width = max(peak, own), stage.width
    own, _ = _peak(head_layers(head, width, architecture.classes), width, size)
    return FLOAT * batch * max(peak, own)


def _shortcut(stage: Stage, width_in: int, stride: int) -> bool:
    return BLOCKS[stage.op].shortcut and stage.skip and stride == 1 and width_in == stage.width


@lru_cache(maxsize=65_536)
def _peak(layers: tuple[Layer, ...], width_in: int, size: int, shortcut: bool = False) -> tuple[int, int]:
    """Return the largest number of elements that must be in memory at one layer, and the side of the output."""
    areas, sides = _areas(layers, size)
    elements = {"input": areas["input"] * width_in}
    elements |= {layer.name: areas[layer.name] * layer.width for layer in layers}
    until: dict[str, int] = {}
    before = "input"
    for place, layer in enumerate(layers):
        until |= dict.fromkeys((layer.reads or before).split("+"), place)
        before = layer.name
    if "se_expand" in elements:
        until["se_expand"] = len(layers) - 1
    if shortcut:
        until["input"] = len(layers) - 1
    last = len(layers)
    peak = 0
    for place, layer in enumerate(layers):
        earlier = ["input", *(other.name for other in layers[:place])]
        alive = sum(elements[name] for name in earlier if until.get(name, last) >= place)
        peak = max(peak, alive + elements[layer.name])
    return peak, sides[layers[-1].name]


def _saved(layers: tuple[Layer, ...], width_in: int, size: int, shortcut: bool) -> tuple[int, int]:
    """Return the elements that a chain of layers saves for one image, input included, and its output's side.

    shortcut: whether the chain's input is added to its output. The next layers then save this sum instead of the
    output.
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
            total += layer.width_in  # The mean is a separate tensor.
        else:
            whole.update(sources)
        if layer.norm:
            total += areas[layer.name] * layer.width  # Normalisation needs its input.
        if layer.act in _FROM_INPUT:
            total += areas[layer.name] * layer.width
        elif layer.act:
            whole.add(layer.name)
        if layer.name == "se_expand":
            gated = layer.name
    # Squeeze-excitation multiplies the input of the last convolution: both factors and the product are saved.
    if gated:
        source = layers[-1].reads
        total += areas[source] * width[source]
        whole.add(gated)
    if not shortcut:
        whole.discard(layers[-1].name)  # The next block counts this map as its input.
    return total + sum(areas[name] * width[name] for name in whole), sides[layers[-1].name]


def _saved_by(step: Step, sources: list[str]) -> set[str]:
    """Return the names of the maps that a step saves: its output, its inputs, or none.

    A shuffle or a scale saves nothing, and an activation outside of `_FROM_INPUT` saves its output. All other steps
    save their inputs, called `sources`.
    """
    if step.kind in ("shuffle", "scale"):
        return set()
    return {step.name} if step.kind == "act" and step.act not in _FROM_INPUT else set(sources)


def _areas(layers: tuple[Layer, ...], size: int) -> tuple[dict[str, int], dict[str, int]]:
    """Return two mappings of layer names, and "input", to the number of pixels and to the height of their maps."""
    sizes, before = {"input": (size, size)}, "input"
    for layer in layers:
        read = layer.reads.partition("+")[0] or before
        sizes[layer.name] = layer.size(*((1, 1) if layer.pooled else sizes[read]))
        before = layer.name
    return {name: h * w for name, (h, w) in sizes.items()}, {name: h for name, (h, _) in sizes.items()}
