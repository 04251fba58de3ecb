"""The value that describes a network, `Architecture`, with its parts, canonical string and digest.

The string lists the stem, the stages and the head, in that order, between slashes:

    r224_i32/mb_d1_k3_s1_e1_w16_se0.25/mb_d2_k3_s2_e6_w24_se0.25/h1280_c1000

The letters before a number tell what it is: `r` resolution, `i` stem width, `d` depth, `k` kernel, `s` stride,
`e` expand, `w` width, `se` squeeze-excitation ratio, `g` groups, `di` dilation, `a` the kernel of the depthwise
convolution before the expansion ("uib"), `h` head width, `f` hidden width of the head, `c` classes, `x` image
channels. A word is an activation, a kind of stem ("pool"), "noskip" (a stage without shortcuts), "nobias" (a
classifier without a bias) or "norm" (a head whose hidden layer is normalised). After `b:` come the branches of an
inception module (`space.blocks.branches`), and after `di:` the groups of dilations (`space.blocks.dilations`).

Default values are left out (k3, s2, x3 and "conv" in the stem; se0, g1, di1 and a0 in a stage; f0 in the head; silu
everywhere), and so are fields that a block family does not read. Thus equal networks have equal strings.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from html import escape
from typing import Any

from space.blocks import BLOCKS
from space.checks import act, whole
from space.conv import ACTIVATIONS
from space.refusal import UserError, unknown_name
from space.stage import Stage, ignored_fields
from space.stems import STEMS, Stem

__all__ = ["Architecture", "Head", "Stage", "Stem", "decode", "decode_stage", "encode", "encode_stage"]

_TOKEN = re.compile(r"([a-z]+)(\d+(?:\.\d+)?)")
_STEM = {"r": "resolution", "i": "width", "k": "kernel", "s": "stride", "x": "channels"}
_STAGE = {"d": "depth", "k": "kernel", "s": "stride", "e": "expand", "w": "width", "se": "se"}
_STAGE |= {"g": "groups", "di": "dilation", "a": "start"}
_HEAD = {"h": "width", "f": "hidden", "c": "classes"}


@dataclass(frozen=True, slots=True)
class Head:
    """The layers after the last block: a 1x1 convolution to `width` channels, pooling and the classifier.

    width: the channels of this convolution, 0 for none. hidden: the width of another layer between pooling and
    classifier (MobileNetV3), 0 for none. act: the activation of these two layers. bias: True if the classifier has a
    bias. norm: True if the hidden layer has a normalisation instead of a bias (MobileNetV4). In a head without the
    layers that use them, `act` and `norm` are set to their defaults. Raises `UserError` for invalid values.
    """

    width: int
    act: str = "silu"
    hidden: int = 0
    bias: bool = True
    norm: bool = False

    def __post_init__(self) -> None:
        whole("head.width", self.width, minimum=0)
        whole("head.hidden", self.hidden, minimum=0)
        act("head.act", self.act)
        for name in ("bias", "norm"):
            if type(getattr(self, name)) is not bool:
                raise UserError(f"head.{name} is {getattr(self, name)!r}; it must be true or false.")
        if not self.hidden:
            object.__setattr__(self, "norm", False)
        if not self.width and not self.hidden:
            object.__setattr__(self, "act", "silu")


@dataclass(frozen=True, slots=True, repr=False)
class Architecture:
    """The complete description of a network, from which its costs and its modules follow.

    resolution: the height and width of its images in pixels. channels: the number of channels of its images.
    Construction makes the value canonical: it drops stages of depth 0, merges neighbouring stages of equal blocks,
    and sets `skip` to True where it has no effect. Raises `UserError` for invalid values.
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
            raise UserError("An architecture needs at least one stage of depth 1 or more.")

    @property
    def stride(self) -> int:
        """The product of all strides. The last map's side is the image's side divided by this number, rounded.

        Layers without padding make the last map smaller still.
        """
        total = self.stem.reduction
        for stage in self.stages:
            total *= stage.stride
        return total

    @property
    def depth(self) -> int:
        """The number of blocks, without stem and head."""
        return sum(stage.depth for stage in self.stages)

    @property
    def digest(self) -> str:
        """The first 16 hexadecimal digits of the canonical string's SHA-256. Equal networks have equal digests."""
        return hashlib.sha256(str(self).encode()).hexdigest()[:16]

    def __str__(self) -> str:
        return encode(self)

    def __repr__(self) -> str:
        return f"decode({str(self)!r})"

    def _repr_html_(self) -> str:
        """Return a table of stem, stages and head as HTML, for notebooks."""
        stem, head = self.stem, self.head
        rows: list[tuple[object, ...]] = [
            ("", "blocks", "kernel", "stride", "expand", "width", "SE"),
            (f"{stem.op} stem", "", stem.kernel, stem.stride, "", stem.width, ""),
            *((s.op, s.depth, s.kernel, s.stride, s.expand, s.width, s.se or "") for s in self.stages),
            ("head", "", "", "", "", head.width or "", ""),
        ]
        cells = ("".join(f"<td>{escape(str(value))}</td>" for value in row) for row in rows)
        images = f"{self.resolution} px, {self.channels} channels, {self.classes} classes"
        lines = "".join(f"<tr>{row}</tr>" for row in cells)
        return f"<table><caption>{images}</caption>{lines}</table>"


def encode(architecture: Architecture) -> str:
    """Return the canonical string of `architecture`; `decode` is the inverse.

    >>> encode(decode("r32_i16/mb_d2_k3_s2_e4_w24_se0.25/h64_c10"))
    'r32_i16/mb_d2_k3_s2_e4_w24_se0.25/h64_c10'
    """
    stem, head = architecture.stem, architecture.head
    first = f"r{architecture.resolution}_i{stem.width}"
    first += _unless("k", stem.kernel, 3) + _unless("s", stem.stride, 2)
    first += (
        _unless("x", architecture.channels, 3) + _unless("", stem.op, "conv") + _unless("", stem.act, "silu")
    )
    last = f"h{head.width}" + _unless("f", head.hidden, 0) + f"_c{architecture.classes}"
    last += _unless("", head.act, "silu") + ("" if head.bias else "_nobias") + ("_norm" if head.norm else "")
    return "/".join((first, *map(encode_stage, architecture.stages), last))


def encode_stage(stage: Stage) -> str:
    """Return the part of the canonical string for `stage`, e.g. `mb_d2_k3_s2_e6_w24_se0.25`."""
    reads = BLOCKS[stage.op].reads
    text = f"{stage.op}_d{stage.depth}" + (f"_k{stage.kernel}" if "kernel" in reads else "")
    text += f"_s{stage.stride}" + (f"_e{stage.expand}" if "expand" in reads else "") + f"_w{stage.width}"
    text += _unless("se", stage.se, 0) + _unless("g", stage.groups, 1) + _unless("di", stage.dilation, 1)
    text += _unless("a", stage.start, 0)
    text += _unless("", stage.act, "silu") + ("" if stage.skip else "_noskip")
    return text + _unless("b:", stage.branches, "") + _unless("di:", stage.dilations, "")


def decode(text: str) -> Architecture:
    """Return the architecture that a canonical string describes. Raises a `UserError` that names an invalid part.

    >>> network = decode("r32_i16/mb_d2_k3_s2_e4_w24_se0.25/h64_c10")
    >>> network.resolution, network.stages[0].width, network.classes
    (32, 24, 10)
    """
    first, *middle, last = text.strip().split("/") if text.count("/") > 1 else ("", "")
    if not middle:
        raise UserError(
            f"{text!r} is not an architecture: it lacks a stem, stages or a head; write r32_i16/.../h640_c10."
        )
    opening = _fields(first, _STEM, "ri", {})
    closing = _fields(last, _HEAD, "hc", {"nobias": ("bias", False), "norm": ("norm", True)})
    resolution, classes = opening.pop("resolution"), closing.pop("classes")
    channels = opening.pop("channels", 3)
    stages = tuple(decode_stage(part) for part in middle)
    return Architecture(resolution, Stem(**opening), stages, Head(**closing), classes, channels)


@lru_cache(maxsize=1 << 14)  # The networks of a search have the same few stages.
def decode_stage(text: str) -> Stage:
    """Return the stage that `encode_stage` wrote as `text`. Raises a `UserError` that names an invalid part."""
    op, _, rest = text.partition("_")
    if op not in BLOCKS:
        raise unknown_name(f"op in {text!r}:", op, BLOCKS)
    required = "".join(key for key in "dksew" if _STAGE[key] not in ignored_fields(op))
    fields = _fields(rest, _STAGE, required, {"noskip": ("skip", False)}, whole=text)
    try:
        return Stage(op=op, **{**ignored_fields(op), **fields})
    except UserError as error:
        raise UserError(f"{text!r}: {error}") from None


def _fields(
    text: str, names: dict[str, str], required: str, words: dict[str, tuple[str, Any]], whole: str = ""
) -> dict[str, Any]:
    """Return a mapping of fields to values for the parts of `text`, which underscores separate.

    names: a mapping of the letters before a number to their field. required: the letters that must occur. words: a
    mapping of permitted words to (field, value). whole: the longer text to show in messages; "" to show `text`.
    Raises `UserError` for other parts, and for a field that occurs twice or is missing.
    """
    fields: dict[str, Any] = {}
    name: str
    value: object
    words = words | {act: ("act", act) for act in ACTIVATIONS}
    for token in text.split("_"):
        match = _TOKEN.fullmatch(token)
        if token in words:
            name, value = words[token]
        elif token.startswith(("b:", "di:")) and names is _STAGE:
            key, _, value = token.partition(":")
            name = "branches" if key == "b" else "dilations"
        elif match and match[1] in names:
            name, value = names[match[1]], _number(match[2])
        elif names is _STEM and token != "conv" and token in STEMS:
            name, value = "op", token
        else:
            permitted = (*(f"{key}NUMBER" for key in names), *words, *(STEMS if names is _STEM else ()))
            raise unknown_name(f"part in {whole or text!r}:", token, permitted)
        if name in fields:
            raise UserError(f"{whole or text!r} states {name} twice.")
        fields[name] = value
    for key in required:
        if names[key] not in fields:
            raise UserError(f"{whole or text!r} lacks {key}NUMBER ({names[key]}).")
    return fields


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)


def _unless(key: str, value: object, default: object) -> str:
    return "" if value == default else f"_{key}{value}"


def canonical_block(block: Stage, width_in: int) -> Stage:
    """Return `block`, a stage of depth 1 that reads `width_in` channels; `skip` becomes True if it has no effect."""
    return block if block.skip or not _skip_is_idle(block, width_in) else replace(block, skip=True)


def _skip_is_idle(block: Stage, width_in: int) -> bool:
    """Return True if the first block of a stage is the same with and without `skip`."""
    family = BLOCKS[block.op]
    if family.shortcut or "skip" not in family.reads:
        return family.shortcut and (block.stride == 2 or block.width != width_in)
    plans = (family.plan(replace(block, skip=skip), width_in, block.stride) for skip in (True, False))
    return next(plans) == next(plans)


def _canonical(stages: tuple[Stage, ...], width_in: int) -> tuple[Stage, ...]:
    merged: list[Stage] = []
    free = False  # True if the last stage is one block whose `skip` has no effect.
    for stage in stages:
        if not stage.depth:
            continue
        before = merged[-1] if merged else None
        if before and stage.stride == 1 and _continues(stage, before, free):
            merged[-1], free = replace(before, depth=before.depth + stage.depth, skip=stage.skip), False
        else:
            free = stage.depth == 1 and _skip_is_idle(stage, width_in)
            merged.append(canonical_block(stage, width_in) if free else stage)
        width_in = stage.width
    return tuple(merged)


def _continues(stage: Stage, before: Stage, free: bool) -> bool:
    """Return True if `stage`, of stride 1, only adds equal blocks to the stage `before`.

    free: True if the `skip` of `before` has no effect.
    """
    if stage.op != before.op or stage.width != before.width:
        return False
    skip = stage.skip if free else before.skip
    return stage == replace(before, depth=stage.depth, stride=1, skip=skip)
