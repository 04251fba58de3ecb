"""The children of a network: sub-networks that can inherit its weights, and the space of them.

A child consists of slices of its parent: the first channels of each layer, the middle of each kernel, and the first
blocks of each stage. It has the parent's kinds of blocks, and no deeper stage, larger kernel, larger expansion or
larger width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cache
from typing import Any

from space.architecture import Architecture, Stage
from space.blocks import BLOCKS
from space.choices.inverse import blocks_of
from space.documents import Document
from space.refusal import UserError

WIDTHS = (0.5, 0.75, 1.0)
EXPANDS = (0.5, 0.7, 1.0)
"""The default shares of the parent's widths and expansions that children may have. For an expansion of 6 they give 3,
4 and 6, the choices of Once-for-All (Cai et al. 2020, arXiv:1908.09791, section 3.3)."""

Place = tuple[int, int]
"""A block of a network: the number of its stage and its position in the stage."""


def inside(
    parent: Architecture, widths: Sequence[float] = WIDTHS, expands: Sequence[float] = EXPANDS
) -> Document:
    """Return the document of the space of the children of `parent`.

    widths, expands: the shares of each width and expansion that children may have, above 0 and up to 1; the parent's
    own are always among them. Widths are multiples of 8 or 4 where the parent's are, and expansions multiples of
    0.5 above 1. An expansion of 1 is kept. Depths go from 1, and kernels from 3, up to the parent's. If the widths of
    two neighbouring stages differ in the parent, and the second has stride 1, they differ in all children too, so
    that no child gains a shortcut. Raises `UserError` for a parent whose stem or blocks cannot be sliced.
    """
    refuse_parent(parent)
    stages = [_stage_choices(stage, widths, expands) for stage in parent.stages]
    stem: dict[str, Any] = {**asdict(parent.stem), "width": _widths(parent.stem.width, 1, widths)}
    before = stem
    for planned, choices in zip(parent.stages, stages, strict=True):
        if planned.stride == 1:
            _separate(before["width"], choices["width"])
        before = choices
    head = asdict(parent.head)
    head |= {key: _widths(head[key], 1, widths) for key in ("width", "hidden")}
    return {
        "resolution": parent.resolution,
        "channels": parent.channels,
        "stem": stem,
        "stages": stages,
        "head": head,
        "classes": parent.classes,
    }


def refuse_parent(parent: Architecture) -> None:
    """Raise `UserError` if children of `parent` cannot inherit its weights."""
    if parent.stem.op != "conv":
        raise UserError(
            f"A network with the stem {parent.stem.op!r} has no children; the stem must be 'conv'."
        )
    for number, stage in enumerate(parent.stages):
        if not BLOCKS[stage.op].slices:
            able = ", ".join(name for name, family in BLOCKS.imported().items() if family.slices)
            raise UserError(
                f"stages.{number} of the parent has op {stage.op}, whose weights children cannot inherit;"
                f" permitted: {able}."
            )
        for field, default in (("groups", 1), ("dilations", "")):
            if getattr(stage, field) != default:
                raise UserError(
                    f"stages.{number} of the parent has {field} {getattr(stage, field)}, so that children cannot"
                    f" inherit its weights; permitted is only the default, {default!r}."
                )


def places(parent: Architecture, child: Architecture) -> tuple[Place, ...]:
    """Return for each block of `child`, in order, the block of `parent` whose weights it inherits.

    Every stage of the parent gives one or more of its first blocks. A stage of the child can take blocks from several
    stages of the parent, as many as possible from the earlier ones. Raises `UserError` with the reason if `child` is
    not a child of `parent`.
    """
    refuse_parent(parent)
    reason = _frame_misfit(parent, child)
    matched = None if reason else _match(parent, child)
    if matched is None:
        raise UserError(f"{child} is not a child of {parent}: {reason or _stages_misfit(parent, child)}.")
    return tuple((stage, index) for stage, count in enumerate(matched) for index in range(count))


def is_child(parent: Architecture, child: Architecture) -> bool:
    """Return True if `child` can inherit the weights of `parent`. Every network with children is its own child."""
    try:
        places(parent, child)
    except UserError:
        return False
    return True


def _match(parent: Architecture, child: Architecture) -> tuple[int, ...] | None:
    """Return the number of blocks that each stage of `parent` gives; None if `child` is not a child of it."""
    blocks = blocks_of(child.stages, child.stem.width)
    entries = [parent.stem.width, *(stage.width for stage in parent.stages)]

    def fits(number: int, begin: int, end: int) -> bool:
        """Return True if stage `number` of the parent can give the child's blocks `begin` to `end` - 1."""
        stage = parent.stages[number]
        if blocks[begin].stride != stage.stride or any(b.stride != 1 for b in blocks[begin + 1 : end]):
            return False
        fields = {replace(block, stride=1, skip=True) for block in blocks[begin:end]}
        if len(fields) != 1 or misfit(stage, blocks[begin]):
            return False
        widths = [
            blocks[begin - 1].width if begin else child.stem.width,
            *[blocks[begin].width] * (end - begin),
        ]
        above = [entries[number], *[stage.width] * (end - begin)]
        sources = blocks_of([stage], entries[number])
        return all(
            not _shortcut(blocks[begin + i], widths[i]) or _shortcut(sources[i], above[i])
            for i in range(end - begin)
        )

    @cache
    def match(number: int, begin: int) -> tuple[int, ...] | None:
        if number == len(parent.stages):
            return () if begin == len(blocks) else None
        for count in range(min(parent.stages[number].depth, len(blocks) - begin), 0, -1):
            if fits(number, begin, begin + count) and (rest := match(number + 1, begin + count)) is not None:
                return (count, *rest)
        return None

    return match(0, 0)


def _shortcut(block: Stage, width_in: int) -> bool:
    return BLOCKS[block.op].shortcut and block.skip and block.stride == 1 and block.width == width_in


def misfit(stage: Stage, block: Stage) -> str:
    """Return the reason why `block` cannot inherit from the parent's `stage`, "" if it can.

    Depth, stride and shortcuts are not compared.
    """
    for name in ("op", "se", "act", "groups", "branches", "dilations"):
        if getattr(block, name) != getattr(stage, name):
            return f"{name} {getattr(block, name)!r} is not the parent's {getattr(stage, name)!r}"
    if block.kernel > 1 and block.dilation != stage.dilation:
        return f"dilation {block.dilation} is not the parent's {stage.dilation}"
    for name in ("kernel", "start"):
        own, above = getattr(block, name), getattr(stage, name)
        if own > above or bool(own) != bool(above):
            return f"{name} {own} cannot be taken from the parent's {above}"
    if (block.expand == 1) != (stage.expand == 1):
        return f"expand {block.expand} gives other layers than the parent's {stage.expand}"
    for name in ("expand", "width"):
        if getattr(block, name) > getattr(stage, name):
            return f"{name} {getattr(block, name)} is larger than the parent's {getattr(stage, name)}"
    return ""


def _frame_misfit(parent: Architecture, child: Architecture) -> str:
    """Return the reason why the stem or the head of `child` cannot inherit, "" if both can.

    The numbers of classes and image channels must be equal. Resolutions and the stems' strides may differ.
    """
    pairs = [
        *((f"stem.{name}", getattr(child.stem, name), getattr(parent.stem, name)) for name in ("op", "act")),
        *(
            (f"head.{name}", getattr(child.head, name), getattr(parent.head, name))
            for name in ("act", "bias", "norm")
        ),
        ("classes", child.classes, parent.classes),
        ("channels", child.channels, parent.channels),
    ]
    for place, own, above in pairs:
        if own != above:
            return f"{place} {own!r} is not the parent's {above!r}"
    sizes = [
        ("stem.width", child.stem.width, parent.stem.width),
        ("stem.kernel", child.stem.kernel, parent.stem.kernel),
        ("head.width", child.head.width, parent.head.width),
        ("head.hidden", child.head.hidden, parent.head.hidden),
    ]
    for place, own, above in sizes:
        if own > above or bool(own) != bool(above):
            return f"{place} {own} cannot be taken from the parent's {above}"
    return ""


def _stages_misfit(parent: Architecture, child: Architecture) -> str:
    if len(parent.stages) == len(child.stages):
        for number, (stage, own) in enumerate(zip(parent.stages, child.stages, strict=True)):
            if reason := misfit(stage, own):
                return f"stages.{number}: {reason}"
            if own.depth > stage.depth:
                return f"stages.{number}: depth {own.depth} is larger than the parent's {stage.depth}"
            if own.stride != stage.stride:
                return f"stages.{number}: stride {own.stride} is not the parent's {stage.stride}"
    return "its blocks are not leading blocks of the parent's stages, or one gains a shortcut"


def _stage_choices(stage: Stage, widths: Sequence[float], expands: Sequence[float]) -> dict[str, Any]:
    kernels = list(range(3, stage.kernel, 2)) if stage.kernel > 3 else []
    starts = list(range(3, stage.start, 2)) if stage.start > 3 else []
    return asdict(stage) | {
        "depth": list(range(1, stage.depth + 1)),
        "kernel": [*kernels, stage.kernel],
        "start": [*starts, stage.start],
        "expand": _expands(stage.expand, expands),
        "width": _widths(stage.width, stage.multiple, widths),
    }


def _widths(width: int, multiple: int, shares: Sequence[float]) -> list[int]:
    """Return the products of `width` and `shares` that are below `width`, ascending, and then `width`.

    Products are rounded to multiples of 8, or else 4, if this number divides `width` and is a multiple of `multiple`.
    Otherwise they are rounded to multiples of `multiple`.
    """
    divisor = next((d for d in (8, 4) if width % d == 0 and d % multiple == 0), multiple)
    rounded = (max(divisor, int(width * share / divisor + 0.5) * divisor) for share in shares)
    return sorted({*(r for r in rounded if r < width), width})


def _expands(expand: float, shares: Sequence[float]) -> list[float]:
    """Return the products of `expand` and `shares`, rounded to halves, between 1 and `expand`; then `expand`."""
    rounded = {int(expand * share * 2 + 0.5) / 2 for share in shares}
    smaller = sorted(r for r in rounded if 1 < r < expand)
    return [*(int(r) if r == int(r) else r for r in smaller), expand]


def _separate(before: list[int], after: list[int]) -> None:
    """Remove from the wider of two neighbouring parts, in place, the widths that the narrower one has too.

    before, after: the widths that each part can have. The last width of each is the parent's. If these two are equal,
    nothing is removed.
    """
    if before[-1] == after[-1]:
        return
    wider, narrower = (before, after) if before[-1] > after[-1] else (after, before)
    wider[:] = [width for width in wider if width not in narrower]
