"""Networks as values: an `Architecture` and its parts, their canonical string and their digest.

The string lists the stem, the stages and the head, in that order, between slashes:

    r224_i32/mb_d1_k3_s1_e1_w16_se0.25/mb_d2_k3_s2_e6_w24_se0.25/h1280_c1000

r resolution, i stem width, d depth, k kernel, s stride, e expand, w width, se squeeze-excite ratio, g groups,
di dilation, h head width, f its hidden width, c classes, x image channels; a word is an activation, a kind of
stem ("pool"), "noskip" or "nobias". What equals its default is left out (stem: k3, s2, x3; everywhere: silu,
no se, g1, di1), and so is what a block family doesn't read, so that equal networks have equal strings.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from math import lcm, prod
from typing import Any

from space.blocks import BLOCKS
from space.blocks.branches import DEFAULT, canonical
from space.checks import act, odd, ratio, stride, whole
from space.conv import ACTIVATIONS
from space.refusal import Refused, unknown
from space.stems import STEMS

_TOKEN = re.compile(r"([a-z]+)(\d+(?:\.\d+)?)")
_STEM = {"r": "resolution", "i": "width", "k": "kernel", "s": "stride", "x": "channels"}
_STAGE = {"d": "depth", "k": "kernel", "s": "stride", "e": "expand", "w": "width", "se": "se"}
_STAGE |= {"g": "groups", "di": "dilation"}
_HEAD = {"h": "width", "f": "hidden", "c": "classes"}
_UNREAD: dict[str, Any] = {"kernel": 1, "expand": 1, "se": 0, "act": "silu", "skip": True}
_UNREAD |= {"groups": 1, "dilation": 1, "branches": ""}


@dataclass(frozen=True, slots=True)
class Stem:
    """The first convolution: `width` channels, a square `kernel`, `stride` 1 or 2.

    op: a key of `space.stems.STEMS`, for stems of more layers.
    """

    width: int
    kernel: int = 3
    stride: int = 2
    act: str = "silu"
    op: str = "conv"

    def __post_init__(self) -> None:
        if self.op not in STEMS:
            raise unknown("stem.op", self.op, STEMS)
        whole("stem.width", self.width)
        odd("stem.kernel", self.kernel)
        stride("stem.stride", self.stride)
        act("stem.act", self.act)

    @property
    def reduction(self) -> int:
        """How many pixels of the image one pixel behind the stem stands for, along each side."""
        return prod(layer.stride for layer in STEMS[self.op](self, 1))


@dataclass(frozen=True, slots=True)
class Stage:
    """`depth` blocks of one kind, all `width` channels wide; the first has `stride`, the others stride 1.

    op: a key of `space.blocks.BLOCKS`. expand: hidden width over input width. se: squeeze-excitation's
    bottleneck over the block's input width, 0 for none. The stage's input width is the width before it.
    groups: of the 1x1 convolutions; one whose channels they do not divide has none. dilation: of the spatial
    convolution. skip: whether a block's input is added to its output where their shapes agree. branches: of
    inception modules, see `space.blocks.branches`. What the family doesn't read is set to its default here.
    """

    op: str
    depth: int
    kernel: int
    stride: int
    expand: float
    width: int
    se: float = 0
    act: str = "silu"
    groups: int = 1
    dilation: int = 1
    skip: bool = True
    branches: str = ""

    def __post_init__(self) -> None:
        if self.op not in BLOCKS:
            raise unknown("op", self.op, BLOCKS)
        whole("depth", self.depth, least=0, most=1_000_000)
        odd("kernel", self.kernel)
        stride("stride", self.stride)
        object.__setattr__(self, "expand", ratio("expand", self.expand, 0.05, 64))
        whole("width", self.width)
        object.__setattr__(self, "se", 0 if self.se == 0 else ratio("se", self.se, 0.001, 1))
        act("act", self.act)
        whole("groups", self.groups, most=1024)
        whole("dilation", self.dilation, most=64)
        if type(self.skip) is not bool:
            raise Refused(f"skip is {self.skip!r}; it must be true or false.")
        if not isinstance(self.branches, str):
            raise Refused(f"branches is {self.branches!r}; it must be text such as {DEFAULT}.")
        if self.branches:
            object.__setattr__(self, "branches", canonical(self.branches))
        family = BLOCKS[self.op]
        for name, default in _UNREAD.items():
            if name not in family.reads:
                object.__setattr__(self, name, default)
        if self.kernel == 1:
            object.__setattr__(self, "dilation", 1)
        if self.width % self.multiple:
            raise Refused(f"width is {self.width}; here it must be a multiple of {self.multiple}.")

    @property
    def multiple(self) -> int:
        """What the width is a multiple of: it is divided into groups."""
        return lcm(self.groups, BLOCKS[self.op].multiple)


@dataclass(frozen=True, slots=True)
class Head:
    """What follows the last block: a 1x1 convolution to `width` channels, pooling and the classifier.

    width: 0 for a head without that convolution. hidden: width of a further layer between pooling and
    classifier (MobileNetV3), 0 for none. bias: the classifier has one.
    """

    width: int
    act: str = "silu"
    hidden: int = 0
    bias: bool = True

    def __post_init__(self) -> None:
        whole("head.width", self.width, least=0)
        whole("head.hidden", self.hidden, least=0)
        act("head.act", self.act)
        if type(self.bias) is not bool:
            raise Refused(f"head.bias is {self.bias!r}; it must be true or false.")
        if not self.width and not self.hidden:
            object.__setattr__(self, "act", "silu")


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network, complete: what it costs and how it is built follow from this value alone.

    resolution: height and width of its images in pixels. channels: of its images.
    Made canonical when it is made: stages of depth 0 are dropped, a stage that only continues the one
    before it is merged with it, and `skip` is true where no shortcut could be. Raises `Refused` for a value
    that is no network.
    """

    resolution: int
    stem: Stem
    stages: tuple[Stage, ...]
    head: Head
    classes: int
    channels: int = 3

    def __post_init__(self) -> None:
        whole("resolution", self.resolution)
        whole("classes", self.classes)
        whole("channels", self.channels)
        object.__setattr__(self, "stages", _canonical(self.stages, self.stem.width))
        if not self.stages:
            raise Refused("An architecture needs at least one stage of depth 1 or more.")

    @property
    def stride(self) -> int:
        """How many pixels of the image one pixel of the last map stands for, along each side."""
        total = self.stem.reduction
        for stage in self.stages:
            total *= stage.stride
        return total

    @property
    def depth(self) -> int:
        """The number of blocks, stem and head not counted."""
        return sum(stage.depth for stage in self.stages)

    @property
    def digest(self) -> str:
        """16 hexadecimal digits that two architectures share exactly when they are the same network."""
        return hashlib.sha256(str(self).encode()).hexdigest()[:16]

    def __str__(self) -> str:
        return encode(self)


def encode(architecture: Architecture) -> str:
    """The canonical string of `architecture`; `decode` is its inverse."""
    stem, head = architecture.stem, architecture.head
    first = f"r{architecture.resolution}_i{stem.width}"
    first += _unless("k", stem.kernel, 3) + _unless("s", stem.stride, 2)
    first += (
        _unless("x", architecture.channels, 3) + _unless("", stem.op, "conv") + _unless("", stem.act, "silu")
    )
    last = f"h{head.width}" + _unless("f", head.hidden, 0) + f"_c{architecture.classes}"
    last += _unless("", head.act, "silu") + ("" if head.bias else "_nobias")
    return "/".join((first, *map(encode_stage, architecture.stages), last))


def encode_stage(stage: Stage) -> str:
    """The part of the canonical string that stands for `stage`, e.g. `mb_d2_k3_s2_e6_w24_se0.25`."""
    reads = BLOCKS[stage.op].reads
    text = f"{stage.op}_d{stage.depth}" + (f"_k{stage.kernel}" if "kernel" in reads else "")
    text += f"_s{stage.stride}" + (f"_e{stage.expand}" if "expand" in reads else "") + f"_w{stage.width}"
    text += _unless("se", stage.se, 0) + _unless("g", stage.groups, 1) + _unless("di", stage.dilation, 1)
    text += _unless("", stage.act, "silu") + ("" if stage.skip else "_noskip")
    return text + _unless("b:", stage.branches, "")


def decode(text: str) -> Architecture:
    """The architecture that a canonical string stands for. Raises `Refused` naming the part that is wrong."""
    first, *middle, last = text.strip().split("/") if text.count("/") > 1 else ("", "")
    if not middle:
        raise Refused(
            f"{text!r} is no architecture: it lacks a stem, stages or a head, as in r32_i16/.../h640_c10."
        )
    words = {op: ("op", op) for op in STEMS if op != "conv"}
    opening = _fields(first, _STEM, "ri", words)
    closing = _fields(last, _HEAD, "hc", {"nobias": ("bias", False)})
    resolution, classes = opening.pop("resolution"), closing.pop("classes")
    channels = opening.pop("channels", 3)
    stages = tuple(decode_stage(part) for part in middle)
    return Architecture(resolution, Stem(**opening), stages, Head(**closing), classes, channels)


def decode_stage(text: str) -> Stage:
    """The inverse of `encode_stage`."""
    op, _, rest = text.partition("_")
    if op not in BLOCKS:
        raise unknown(f"op in {text!r}", op, BLOCKS)
    required = "".join(key for key in "dksew" if _STAGE[key] not in unread(op))
    fields = _fields(rest, _STAGE, required, {"noskip": ("skip", False)}, whole=text)
    return Stage(op=op, **{**unread(op), **fields})


def unread(op: str) -> dict[str, Any]:
    """The fields of a stage that blocks of the family `op` do not read, each with what it is set to."""
    return {name: default for name, default in _UNREAD.items() if name not in BLOCKS[op].reads}


def _fields(
    text: str, names: dict[str, str], required: str, words: dict[str, tuple[str, Any]], whole: str = ""
) -> dict[str, Any]:
    """The values that the parts of `text` stand for, by name of the field.

    names: of what is written as letters and a number. words: what else a part can be.
    """
    fields: dict[str, Any] = {}
    name: str
    value: object
    words = words | {act: ("act", act) for act in ACTIVATIONS}
    for token in text.split("_"):
        match = _TOKEN.fullmatch(token)
        if token in words:
            name, value = words[token]
        elif token.startswith("b:") and names is _STAGE:
            name, value = "branches", token[2:]
        elif match and match[1] in names:
            name, value = names[match[1]], _number(match[2])
        else:
            permitted = (*(f"{key}NUMBER" for key in names), *words)
            raise unknown(f"part in {whole or text!r}", token, permitted)
        if name in fields:
            raise Refused(f"{whole or text!r} says {name} twice.")
        fields[name] = value
    for key in required:
        if names[key] not in fields:
            raise Refused(f"{whole or text!r} lacks {key}NUMBER ({names[key]}).")
    return fields


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)


def _unless(key: str, value: object, default: object) -> str:
    return "" if value == default else f"_{key}{value}"


def _canonical(stages: tuple[Stage, ...], width_in: int) -> tuple[Stage, ...]:
    merged: list[Stage] = []
    free = False  # Whether the last stage is one block that has no shortcut, so that its skip says nothing.
    for stage in stages:
        if not stage.depth:
            continue
        before = merged[-1] if merged else None
        alike = before and replace(
            before, depth=stage.depth, stride=1, skip=stage.skip if free else before.skip
        )
        if before and stage.stride == 1 and stage == alike:
            merged[-1], free = replace(before, depth=before.depth + stage.depth, skip=stage.skip), False
        else:
            closed = stage.stride == 2 or stage.width != width_in
            free = stage.depth == 1 and BLOCKS[stage.op].shortcut and closed
            merged.append(replace(stage, skip=True) if free else stage)
        width_in = stage.width
    return tuple(merged)
