"""Block strings: a text for each stage of a network, in the notation of EfficientNet or of timm.

EfficientNet (tensorflow/tpu efficientnet_builder.py, google/automl): `r2_k3_s22_e6_i24_o40_se0.25_noskip`. r is the
number of blocks, k the kernel, s the strides along both axes (automl writes one), e the expansion, i the input
width, o the output width, se the squeeze-excitation ratio. c1 marks fused blocks, and noskip marks blocks
without shortcuts.

timm (_efficientnet_builder.py): `ir_r2_k3_s2_e6_c24_se0.25_nre`. The kind of block comes first. c is the output
width, n the activation, and a the kernel of the depthwise convolution before the expansion of a "uir" block. The
other letters are EfficientNet's.

Neither notation describes stem and head. A decoded network has those of EfficientNet-B0, but its stem has the input
width of the first block string, if that states one.
"""

from __future__ import annotations

import re
from typing import Any

from space.architecture import Architecture, Head, Stage, Stem, encode_stage
from space.refusal import UserError, unknown_name

NOTATIONS = ("efficientnet", "timm")

_FORM = re.compile(r"([a-z]+_)?r\d+_(a\d+_)?k\d")
_PART = re.compile(r"([a-z]+)(\d+(?:\.\d+)?)")
_EFFICIENTNET = {"r": "depth", "k": "kernel", "s": "stride", "e": "expand", "i": "input", "o": "width"}
_EFFICIENTNET |= {"se": "se", "c": "fused"}
_TIMM = {"r": "depth", "k": "kernel", "s": "stride", "e": "expand", "c": "width", "se": "se", "a": "start"}
_ACTS = {"nre": "relu", "nr6": "relu6", "nhs": "hardswish", "nsw": "silu"}
# Keys are timm's kinds. Values are (our family, the expansion if the kind implies one). A "cn" block has a shortcut
# only if "skip" is written.
_KINDS: dict[str, tuple[str, int | None]] = {
    "ir": ("mb", None),
    "ds": ("mb", 1),
    "dsa": ("dw", 1),
    "er": ("fused", None),
    "cn": ("fused", 1),
    "uir": ("uib", None),
}


def is_blocks(text: str) -> bool:
    """Return True if `text` begins as block strings do; it need not be valid."""
    return bool(_FORM.match(text))


def decode_blocks(text: str, *, resolution: int = 224, classes: int = 1000) -> Architecture:
    """Return the network that `text`, block strings separated by commas, describes in either notation.

    resolution, classes: the resolution in pixels and the number of classes, which block strings do not state. Raises
    a `UserError` that names an invalid string and its invalid part.
    """
    pairs = [_decode(part.strip()) for part in text.split(",")]
    stem = pairs[0][1] or 32
    width = stem
    for (stage, width_in), part in zip(pairs, text.split(","), strict=True):
        if width_in not in (None, width):
            raise UserError(f"{part.strip()!r} reads {width_in} channels, but {width} come before it.")
        width = stage.width
    stages = tuple(stage for stage, _ in pairs)
    return Architecture(resolution, Stem(stem), stages, Head(1280), classes)


def encode_blocks(architecture: Architecture, notation: str = "efficientnet") -> str:
    """Return the block strings of the stages of `architecture`, separated by commas, as `decode_blocks` reads them.

    They do not describe stem and head. notation: one of `NOTATIONS`. Raises `UserError` for a stage that the
    notation cannot express.
    """
    if notation not in NOTATIONS:
        raise unknown_name("notation", notation, NOTATIONS)
    width = architecture.stem.width
    strings = []
    for stage in architecture.stages:
        strings.append(_efficientnet(stage, width) if notation == "efficientnet" else _timm(stage))
        width = stage.width
    return ",".join(strings)


def _decode(text: str) -> tuple[Stage, int | None]:
    """Return the stage that `text` describes, and the width of its input if `text` states it."""
    kind, _, rest = text.partition("_")
    if kind in _KINDS:
        return _from_timm(text, kind, rest), None
    if not re.fullmatch(r"[a-z]\d.*", kind):
        raise unknown_name(f"kind of block in {text!r}:", kind, _KINDS)
    fields = _fields(text, text, _EFFICIENTNET, {"noskip": ("skip", False)})
    for key in "rkseo":
        if _EFFICIENTNET[key] not in fields:
            raise UserError(f"{text!r} lacks {key}NUMBER.")
    high, wide = divmod(fields["stride"], 10)
    if high not in (0, wide):
        raise UserError(f"{text!r}: the strides along both axes must be equal, as in s22.")
    width_in, fused = fields.pop("input", None), fields.pop("fused", 0)
    return _stage(text, **{**fields, "op": "fused" if fused else "mb", "stride": wide}), width_in


def _from_timm(text: str, kind: str, rest: str) -> Stage:
    words = {"noskip": ("skip", False), "skip": ("skip", True)}
    fields = _fields(text, rest, _TIMM, words | {word: ("act", act) for word, act in _ACTS.items()})
    op, expand = _KINDS[kind]
    for key in "rksc" if expand else "rksce":
        if _TIMM[key] not in fields:
            raise UserError(f"{text!r} lacks {key}NUMBER.")
    if kind in ("ir", "er") and fields["expand"] == 1:
        raise UserError(f"{text!r}: {kind} with e1 has a convolution that our blocks lack; write ds or cn.")
    if kind == "cn":
        fields = {"skip": False} | fields
    return _stage(text, **{**fields, "op": op, "expand": expand or fields["expand"]})


def _stage(text: str, **fields: Any) -> Stage:
    """Return the stage with these fields. Raises a `UserError` that names the block string `text`."""
    try:
        return Stage(**fields)
    except UserError as error:
        raise UserError(f"{text!r}: {error}") from None


def _fields(text: str, rest: str, names: dict[str, str], words: dict[str, tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for part in rest.split("_"):
        match = _PART.fullmatch(part)
        if part in words:
            name, value = words[part]
        elif match and match[1] in names:
            name, value = names[match[1]], float(match[2]) if "." in match[2] else int(match[2])
        else:
            raise unknown_name(f"part in {text!r}:", part, (*(f"{key}NUMBER" for key in names), *words))
        if name in fields:
            raise UserError(f"{text!r} states {name} twice.")
        fields[name] = value
    return fields


def _efficientnet(stage: Stage, width_in: int) -> str:
    if stage.op not in ("mb", "fused") or stage.act != "silu" or stage.dilation > 1 or stage.dilations:
        raise UserError(f"EfficientNet's notation cannot express {encode_stage(stage)}.")
    text = f"r{stage.depth}_k{stage.kernel}_s{stage.stride}{stage.stride}_e{stage.expand}"
    text += f"_i{width_in}_o{stage.width}" + ("_c1" if stage.op == "fused" else "")
    return text + (f"_se{stage.se}" if stage.se else "") + ("" if stage.skip else "_noskip")


def _timm(stage: Stage) -> str:
    kinds = [
        kind for kind, (op, expand) in _KINDS.items() if op == stage.op and expand in (None, stage.expand)
    ]
    unknown = stage.act not in _ACTS.values() or stage.dilation > 1 or stage.dilations
    if not kinds or unknown or (kinds[-1] == "cn" and stage.se):
        raise UserError(f"timm's notation cannot express {encode_stage(stage)}.")
    kind = kinds[-1]
    start = f"_a{stage.start}" if kind == "uir" else ""
    text = f"{kind}_r{stage.depth}{start}_k{stage.kernel}_s{stage.stride}"
    text += (f"_e{stage.expand}" if _KINDS[kind][1] is None else "") + f"_c{stage.width}"
    text += f"_se{stage.se}" if stage.se else ""
    if kind == "cn":
        text += "_skip" if stage.skip else ""
    elif not stage.skip:
        text += "_noskip"
    words = {act: word for word, act in _ACTS.items() if act != "silu"}
    return text + (f"_{words[stage.act]}" if stage.act in words else "")
