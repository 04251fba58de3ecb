"""Networks as values: an `Architecture` and its parts, their canonical string and their digest.

The string lists the stem, the stages and the head, in that order, between slashes:

    r224_i32/mb_d1_k3_s1_e1_w16_se0.25/mb_d2_k3_s2_e6_w24_se0.25/h1280_c1000

r resolution, i stem width, d depth, k kernel, s stride, e expand, w width, se squeeze-excite ratio, h head
width, c classes, x image channels; a word is an activation. What equals its default is left out (stem: k3,
s2, x3; everywhere: silu, no se), so that equal networks have equal strings.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import Any

from space.blocks import BLOCKS
from space.conv import ACTIVATIONS
from space.refusal import Refused, unknown

_TOKEN = re.compile(r"([a-z]+)(\d+(?:\.\d+)?)")
_STEM = {"r": "resolution", "i": "width", "k": "kernel", "s": "stride", "x": "channels"}
_STAGE = {"d": "depth", "k": "kernel", "s": "stride", "e": "expand", "w": "width", "se": "se"}
_HEAD = {"h": "width", "c": "classes"}


@dataclass(frozen=True, slots=True)
class Stem:
    """The first convolution: `width` channels, a square `kernel`, `stride` 1 or 2."""

    width: int
    kernel: int = 3
    stride: int = 2
    act: str = "silu"

    def __post_init__(self) -> None:
        _whole("stem.width", self.width)
        _odd("stem.kernel", self.kernel)
        _stride("stem.stride", self.stride)
        _act("stem.act", self.act)


@dataclass(frozen=True, slots=True)
class Stage:
    """`depth` blocks of one kind, all `width` channels wide; the first has `stride`, the others stride 1.

    op: a key of `space.blocks.BLOCKS`. expand: hidden width over input width. se: squeeze-excitation's
    bottleneck over the block's input width, 0 for none. The stage's input width is the width before it.
    """

    op: str
    depth: int
    kernel: int
    stride: int
    expand: float
    width: int
    se: float = 0
    act: str = "silu"

    def __post_init__(self) -> None:
        if self.op not in BLOCKS:
            raise unknown("op", self.op, BLOCKS)
        _whole("depth", self.depth, least=0, most=1_000_000)
        _odd("kernel", self.kernel)
        _stride("stride", self.stride)
        object.__setattr__(self, "expand", _ratio("expand", self.expand, 0.05, 64))
        _whole("width", self.width)
        object.__setattr__(self, "se", 0 if self.se == 0 else _ratio("se", self.se, 0.001, 1))
        _act("act", self.act)


@dataclass(frozen=True, slots=True)
class Head:
    """The 1x1 convolution to `width` channels that precedes pooling and the classifier."""

    width: int
    act: str = "silu"

    def __post_init__(self) -> None:
        _whole("head.width", self.width)
        _act("head.act", self.act)


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network, complete: what it costs and how it is built follow from this value alone.

    resolution: height and width of its images in pixels. channels: of its images.
    Made canonical when it is made: stages of depth 0 are dropped, and a stage that only continues the one
    before it is merged with it. Raises `Refused` for a value that is no network.
    """

    resolution: int
    stem: Stem
    stages: tuple[Stage, ...]
    head: Head
    classes: int
    channels: int = 3

    def __post_init__(self) -> None:
        _whole("resolution", self.resolution)
        _whole("classes", self.classes)
        _whole("channels", self.channels)
        object.__setattr__(self, "stages", _canonical(self.stages))
        if not self.stages:
            raise Refused("An architecture needs at least one stage of depth 1 or more.")

    @property
    def stride(self) -> int:
        """How many pixels of the image one pixel of the last map stands for, along each side."""
        total = self.stem.stride
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
    first += _unless("x", architecture.channels, 3) + _unless("", stem.act, "silu")
    last = f"h{head.width}_c{architecture.classes}" + _unless("", head.act, "silu")
    return "/".join((first, *map(encode_stage, architecture.stages), last))


def encode_stage(stage: Stage) -> str:
    """The part of the canonical string that stands for `stage`, e.g. `mb_d2_k3_s2_e6_w24_se0.25`."""
    text = f"{stage.op}_d{stage.depth}_k{stage.kernel}_s{stage.stride}_e{stage.expand}_w{stage.width}"
    return text + _unless("se", stage.se, 0) + _unless("", stage.act, "silu")


def decode(text: str) -> Architecture:
    """The architecture that a canonical string stands for. Raises `Refused` naming the part that is wrong."""
    first, *middle, last = text.strip().split("/") if text.count("/") > 1 else ("", "")
    if not middle:
        raise Refused(
            f"{text!r} is no architecture: it lacks a stem, stages or a head, as in r32_i16/.../h640_c10."
        )
    opening = _fields(first, _STEM, "ri")
    closing = _fields(last, _HEAD, "hc")
    resolution, classes = opening.pop("resolution"), closing.pop("classes")
    channels = opening.pop("channels", 3)
    stages = tuple(decode_stage(part) for part in middle)
    return Architecture(resolution, Stem(**opening), stages, Head(**closing), classes, channels)


def decode_stage(text: str) -> Stage:
    """The inverse of `encode_stage`."""
    op, _, rest = text.partition("_")
    if op not in BLOCKS:
        raise unknown(f"op in {text!r}", op, BLOCKS)
    return Stage(op=op, **_fields(rest, _STAGE, "dksew", whole=text))


def _fields(text: str, names: dict[str, str], required: str, whole: str = "") -> dict[str, Any]:
    fields: dict[str, Any] = {}
    name: str
    value: object
    for token in text.split("_"):
        match = _TOKEN.fullmatch(token)
        if token in ACTIVATIONS:
            name, value = "act", token
        elif match and match[1] in names:
            name, value = names[match[1]], _number(match[2])
        else:
            permitted = (*(f"{key}NUMBER" for key in names), *ACTIVATIONS)
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


def _canonical(stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
    merged: list[Stage] = []
    for stage in stages:
        if not stage.depth:
            continue
        before = merged[-1] if merged else None
        if before and stage.stride == 1 and stage == replace(before, depth=stage.depth, stride=1):
            merged[-1] = replace(before, depth=before.depth + stage.depth)
        else:
            merged.append(stage)
    return tuple(merged)


def _whole(name: str, value: object, least: int = 1, most: int | None = None) -> None:
    if type(value) is not int or value < least or (most is not None and value > most):
        permitted = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise Refused(f"{name} is {value!r}; it must be a whole number {permitted}.")


def _odd(name: str, value: object) -> None:
    _whole(name, value)
    if value % 2 == 0:  # type: ignore[operator]
        raise Refused(f"{name} is {value!r}; it must be odd, such as 3 or 5.")


def _stride(name: str, value: object) -> None:
    if type(value) is not int or value not in (1, 2):
        raise Refused(f"{name} is {value!r}; it must be 1 or 2.")


def _ratio(name: str, value: object, least: float, most: float) -> float:
    if type(value) not in (int, float) or not least <= value <= most:  # type: ignore[operator]
        raise Refused(f"{name} is {value!r}; it must be a number from {least} to {most}.")
    return int(value) if value == int(value) else value  # type: ignore[call-overload, return-value]


def _act(name: str, value: object) -> None:
    if value not in ACTIVATIONS:
        raise unknown(name, value, ACTIVATIONS)
