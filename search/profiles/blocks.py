"""The blocks of networks and spaces as a profile knows them: by key, and by what a block makes a device do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from space import Architecture, Space
from space.architecture import Stage, encode_stage
from space.blocks import BLOCKS
from space.conv import Conv
from space.plan import block_convs, head_convs, stem_convs


@dataclass(frozen=True, slots=True)
class Part:
    """A block where it stands in a network.

    key: equal for blocks that do the same work. convs: its convolutions; width_in, size: channels of its input and
    pixels of a side. shortcut: the input is added.
    """

    key: str
    convs: tuple[Conv, ...]
    width_in: int
    size: int
    shortcut: bool = False


def parts(architecture: Architecture) -> tuple[Part, ...]:
    """The blocks of `architecture` from stem to head, in the order of `space.plan.plan`, less the classifier."""
    found, size, width = [stem_part(architecture)], after_stem(architecture), architecture.stem.width
    for stage in architecture.stages:
        for index in range(stage.depth):
            stride = 1 if index else stage.stride
            found.append(block_part(stage, width, stride, size))
            width, size = stage.width, -(-size // stride)
    return (*found, head_part(architecture, width, size))


def after_stem(architecture: Architecture) -> int:
    """The side of the stem's output in pixels."""
    return -(-architecture.resolution // architecture.stem.stride)


def stem_part(architecture: Architecture) -> Part:
    """The stem of a network."""
    stem, channels = architecture.stem, architecture.channels
    key = f"stem_k{stem.kernel}_s{stem.stride}_w{stem.width}_{stem.act}"
    return _part(key, stem_convs(stem, channels), channels, architecture.resolution)


def block_part(stage: Stage, width_in: int, stride: int, size: int) -> Part:
    """A block of `stage` with this `stride`, on maps of `width_in` channels and `size` pixels a side."""
    key = encode_stage(replace(stage, depth=1, stride=stride))
    shortcut = BLOCKS[stage.op].shortcut and stride == 1 and width_in == stage.width
    return _part(key, block_convs(stage, width_in, stride), width_in, size, shortcut)


def head_part(architecture: Architecture, width_in: int, size: int) -> Part:
    """The head of a network on maps of `width_in` channels and `size` pixels a side."""
    head = architecture.head
    features, _ = head_convs(head, width_in, architecture.classes)
    return _part(f"head_w{head.width}_{head.act}", (features,), width_in, size)


def _part(key: str, convs: tuple[Conv, ...], width_in: int, size: int, shortcut: bool = False) -> Part:
    return Part(f"{key}@{width_in}x{size}", convs, width_in, size, shortcut)


def parts_of_space(space: Space) -> dict[str, Part]:
    """Every distinct block that a network of `space` can have, by its key."""
    found: dict[str, Part] = {}
    for frame in space.frames:
        stem = stem_part(frame)
        found[stem.key] = stem
        reached = {(frame.stem.width, after_stem(frame))}
        for alternatives in space.stages:
            beyond: set[tuple[int, int]] = set()
            for width, size in reached:
                for stage in alternatives:
                    end, inside = through(stage, width, size)
                    beyond.add(end)
                    found.update((part.key, part) for part in inside)
            reached = beyond
        for width, size in reached:
            head = head_part(frame, width, size)
            found[head.key] = head
    return found


def through(stage: Stage, width: int, size: int) -> tuple[tuple[int, int], list[Part]]:
    """What is behind a stage, (width, size), and its distinct blocks: the first, and those that follow it."""
    if not stage.depth:
        return (width, size), []
    inside = [block_part(stage, width, stage.stride, size)]
    size = -(-size // stage.stride)
    if stage.depth > 1:
        inside.append(block_part(stage, stage.width, 1, size))
    return (stage.width, size), inside


def work(part: Part) -> Mapping[str, float]:
    """What a block makes a device do for one image, by kind of work.

    For each kind of convolution its multiply-adds, those of channels rounded up to 16 (how many a vector
    instruction takes), the elements it reads and writes, and their number; elements that are normalised,
    activated, pooled and added; parameters. A linear function of these is the model of blocks never measured.
    """
    spent: Counter[str] = Counter()
    for conv, side, written in _sized(part):
        read = 1 if conv.pooled else side
        kind, elements = _kind(conv, read), written**2 * conv.width
        macs = conv.macs(written, written)
        full = _padding(conv.width) * (_padding(conv.width_in) if conv.groups == 1 else 1)
        spent[f"{kind} macs"] += macs
        spent[f"{kind} padded"] += round(macs * full)
        spent[f"{kind} read"] += read**2 * conv.width_in
        spent[f"{kind} written"] += elements
        spent[f"{kind} count"] += 1
        spent["normalised"] += elements * conv.norm
        spent[conv.act or "linear"] += elements
        spent["pooled"] += side**2 * conv.width_in * conv.pooled
        spent["params"] += conv.params
    spent["added"] = part.shortcut * part.size**2 * part.width_in
    return {kind: amount for kind, amount in spent.items() if amount}


def work_of_optimiser(convs: tuple[Conv, ...]) -> Mapping[str, float]:
    """What the parameters of convolutions are for an optimiser, which goes from tensor to tensor."""
    tensors = sum(1 + conv.bias + 2 * conv.norm for conv in convs)
    return {"params": sum(conv.params for conv in convs), "tensors": tensors}


def work_of_classifier(architecture: Architecture, size: int) -> Mapping[str, float]:
    """What of a step is neither a block's nor the optimiser's for one: classifier, loss and what every step has.

    size: side of the map that the classifier takes the mean of, in pixels.
    """
    _, classifier = head_convs(architecture.head, 1, architecture.classes)
    spent = {
        "steps": 1,
        "classifier macs": classifier.macs(1, 1),
        "pooled": size**2 * architecture.head.width,
    }
    return {**spent, **work_of_optimiser((classifier,))}


def _sized(part: Part) -> Iterator[tuple[Conv, int, int]]:
    """Each convolution with the sides of the map that it reads, before pooling, and of the one it writes."""
    sides, before = {"input": part.size}, "input"
    for conv in part.convs:
        side = sides[conv.reads or before]
        written, _ = conv.size(1, 1) if conv.pooled else conv.size(side, side)
        sides[conv.name], before = written, conv.name
        yield conv, side, written


def _kind(conv: Conv, read: int) -> str:
    if read == 1:
        return "pixel"
    if conv.groups == 1:
        return f"dense{conv.kernel[0]}"
    return f"{'depthwise' if conv.groups == conv.width_in else 'grouped'}{conv.kernel[0]}s{conv.stride}"


def _padding(width: int) -> float:
    return -(-width // 16) * 16 / width
