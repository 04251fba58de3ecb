"""The blocks of networks and spaces as a profile sees them: by key, and by the work that a device does for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter

from space import Architecture, Space
from space.architecture import Stage, encode_stage
from space.blocks import BLOCKS
from space.conv import Conv, Layer, Step
from space.plan import block_layers, head_layers, repeated, stem_layers


@dataclass(frozen=True, slots=True)
class PlacedBlock:
    """A block at its place in a network.

    key: the name of the block, equal for blocks that do the same work. width_in, size: the channels of its input
    and the side in pixels. shortcut: True if the input is added to the output.
    """

    key: str
    layers: tuple[Layer, ...]
    width_in: int
    size: int
    shortcut: bool = False

    @property
    def size_out(self) -> int:
        """The side of the block's output in pixels."""
        *_, (_, _, written) = _sized(self)
        return written


def parts(architecture: Architecture) -> tuple[PlacedBlock, ...]:
    """Return the blocks of `architecture` in the order of `space.plan.plan`, without the classifier.

    A head that consists only of a classifier is left out.
    """
    blocks = [stem_part(architecture)]
    end = architecture.stem.width, blocks[0].size_out
    for stage in architecture.stages:
        end, inside = through(stage, *end)
        blocks += [part for part, times in inside for _ in range(times)]
    head = head_part(architecture, *end)
    return (*blocks, head) if head.layers else tuple(blocks)


def before_head(architecture: Architecture) -> tuple[int, int]:
    """Return the channels and the side in pixels of the feature map that the head reads."""
    end = architecture.stem.width, stem_part(architecture).size_out
    for stage in architecture.stages:
        end, _ = through(stage, *end)
    return end


def stem_part(architecture: Architecture) -> PlacedBlock:
    """Return the stem of a network as a block."""
    stem, channels = architecture.stem, architecture.channels
    key = f"stem_{stem.op}_k{stem.kernel}_s{stem.stride}_w{stem.width}_{stem.act}"
    return _part(key, stem_layers(stem, channels), channels, architecture.resolution)


def block_part(stage: Stage, width_in: int, stride: int, size: int) -> PlacedBlock:
    """Return a block of `stage` with this `stride`, on maps of `width_in` channels and `size` pixels a side."""
    key = encode_stage(replace(stage, depth=1, stride=stride))
    shortcut = BLOCKS[stage.op].shortcut and stage.skip and stride == 1 and width_in == stage.width
    return _part(key, block_layers(stage, width_in, stride), width_in, size, shortcut)


def head_part(architecture: Architecture, width_in: int, size: int) -> PlacedBlock:
    """Return the head as a block, without the classifier, on maps of `width_in` channels and `size` pixels a side."""
    head = architecture.head
    *features, _ = head_layers(head, width_in, architecture.classes)
    return _part(
        f"head_w{head.width}_h{head.hidden}_{head.act}" + ("_norm" if head.norm else ""),
        tuple(features),
        width_in,
        size,
    )


def _part(
    key: str, layers: tuple[Layer, ...], width_in: int, size: int, shortcut: bool = False
) -> PlacedBlock:
    return PlacedBlock(f"{key}@{width_in}x{size}", layers, width_in, size, shortcut)


def parts_of_space(space: Space) -> dict[str, PlacedBlock]:
    """Return a mapping of keys to the distinct blocks that networks of `space` can have."""
    blocks: dict[str, PlacedBlock] = {}
    for frame in space.frames:
        stem = stem_part(frame)
        blocks[stem.key] = stem
        reached = {(frame.stem.width, stem.size_out)}
        for alternatives in space.stages:
            beyond: set[tuple[int, int]] = set()
            for width, size in reached:
                for stage in alternatives:
                    end, inside = through(stage, width, size)
                    beyond.add(end)
                    blocks.update((part.key, part) for part, _ in inside)
            reached = beyond
        heads = (head_part(frame, width, size) for width, size in reached)
        blocks.update((head.key, head) for head in heads if head.layers)
    return blocks


def through(stage: Stage, width: int, size: int) -> tuple[tuple[int, int], list[tuple[PlacedBlock, int]]]:
    """Return the (width, size) of a stage's output, and its distinct blocks in order, each with how often it occurs.

    A stage of depth 0 has no blocks, and its output is its input. width, size: the channels and the side in pixels of
    the input.
    """
    inside = list(repeated(stage, width, size, block_part, attrgetter("size_out")))
    return (stage.width, inside[-1][0].size_out) if inside else (width, size), inside


def work(part: PlacedBlock) -> Mapping[str, float]:
    """Return the work of a block on one image, by kind of work.

    Each kind of convolution has five kinds of work: the multiply-adds, the multiply-adds with channels rounded up to
    16 (the width of a vector instruction), the elements read, the elements written, and the number of layers. Each
    operation without parameters (`Step`) has two: the elements written, and the number of layers. The other kinds
    are the elements written with each activation ("linear" without one), the elements that are normalised, pooled and
    added, and the parameters. Kinds whose amount is 0 are omitted. A linear function of these amounts estimates the
    time of a block that was never measured.
    """
    spent: Counter[str] = Counter()
    for layer, side, written in _sized(part):
        elements = written**2 * layer.width
        if isinstance(layer, Step):
            kind = layer.act if layer.kind == "act" else layer.kind
            spent[kind] += elements
            spent[f"{kind} count"] += 1
            continue
        read = 1 if layer.pooled else side
        kind, macs = _kind(layer, read), layer.macs(written, written)
        full = _padding(layer.width) * (_padding(layer.width_in) if layer.groups == 1 else 1)
        spent[f"{kind} macs"] += macs
        spent[f"{kind} padded"] += round(macs * full)
        spent[f"{kind} read"] += read**2 * layer.width_in
        spent[f"{kind} written"] += elements
        spent[f"{kind} count"] += 1
        spent["normalised"] += elements * layer.norm
        spent[layer.act or "linear"] += elements
        spent["pooled"] += side**2 * layer.width_in * layer.pooled
        spent["params"] += layer.params
    spent["added"] = part.shortcut * part.size**2 * part.width_in
    return {kind: amount for kind, amount in spent.items() if amount}


def work_of_optimizer(layers: tuple[Layer, ...]) -> Mapping[str, float]:
    """Return the work of an optimizer step on these layers: the numbers of parameters and of parameter tensors.

    An optimizer updates tensor by tensor.
    """
    convs = [layer for layer in layers if isinstance(layer, Conv)]
    tensors = sum(1 + conv.bias + 2 * conv.norm for conv in convs)
    return {"params": sum(conv.params for conv in convs), "tensors": tensors}


def work_of_classifier(
    architecture: Architecture, width_in: int, size: int, cost: str = "step"
) -> Mapping[str, float]:
    """Return the work of the classifier, and 1 of the kind "steps" for the constant part, which includes the loss.

    width_in, size: the channels and the side in pixels of the map that the head reads. cost: "step" for a training
    step, which includes the optimizer's work on the classifier, or "latency" for an inference.
    """
    head = architecture.head
    *_, classifier = head_layers(head, width_in, architecture.classes)
    pooled = 1 if head.hidden else size**2
    spent = {
        "steps": 1,
        "classifier macs": classifier.macs(1, 1),
        "pooled": pooled * (head.hidden or head.width or width_in),
    }
    return {**spent, **work_of_optimizer((classifier,))} if cost == "step" else spent


def _sized(part: PlacedBlock) -> Iterator[tuple[Layer, int, int]]:
    """Yield each layer with the sides of the map that it reads, before pooling, and of the map that it writes."""
    sides, before = {"input": part.size}, "input"
    for layer in part.layers:
        side = sides[layer.reads.partition("+")[0] or before]
        written, _ = layer.size(1, 1) if layer.pooled else layer.size(side, side)
        sides[layer.name], before = written, layer.name
        yield layer, side, written


def _kind(conv: Conv, read: int) -> str:
    if read == 1:
        return "pixel"
    high, wide = conv.kernel
    kernel = f"{high}" if high == wide else f"{high}x{wide}"
    spaced = "d" if conv.dilation > 1 or conv.dilations else ""
    if conv.groups == 1:
        return f"dense{kernel}{spaced}"
    kind = "depthwise" if conv.groups == conv.width_in else "grouped"
    return f"{kind}{kernel}s{conv.stride}{spaced}"


def _padding(width: int) -> float:
    return -(-width // 16) * 16 / width
