"""The space around a network: the changes that one would try by hand to improve a network at the same cost.

Every stage keeps its stride and gets choices around its own values. The network itself is a member.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from math import ceil, lcm
from typing import Any

from space.architecture import Architecture, Stage
from space.documents import Document

WIDTHS = (0.5, 0.75, 1.0, 1.5, 2.0)
"""The default factors of the network's widths."""
OPS: Mapping[str, Mapping[str, Any]] = {"fused": {}, "dw": {}, "mb": {"se": [0, 0.25]}}
"""The blocks that every stage can have, besides its own, each with the options of fields that only this block has."""
KERNELS, EXPANDS = (3, 5), (1, 2, 4)
FOLDED, OTHER = ("relu", "relu6"), ("relu", "silu")
"""FOLDED: the activations that onnxruntime computes inside the convolution before them. OTHER: the second activation
of a stage: ReLU if its own is not in `FOLDED`, else SiLU. SiLU takes two more operators, which can be worth their
time."""
_SHARED = frozenset({"op", "depth", "kernel", "stride", "expand", "width", "act"})
"""The fields that have the same options for all blocks of a stage (`kernel` only if the stage's own is above 1)."""


def around(network: Architecture, widths: Sequence[float] = WIDTHS) -> Document:
    """Return the document of the space around `network`.

    Each stage keeps its stride. Besides its own values, it can have the blocks `OPS`, kernels of 3 and 5, expansions
    of 1, 2 and 4, fewer and more blocks (`_depths`) and one other activation (`OTHER`). If its kernel is 0 or 1, only
    its own kind of block has this kernel, and the others have 3. The convolution of the head can be left out; if
    there is none, one as wide as the last stage can be added. widths: the factors of all widths, above 0; results are
    multiples of 8, and the network's own widths are always options.
    """
    head = network.head
    act = head.act if head.width or head.hidden else "relu"
    before_pooling = _widths(head.width or network.stages[-1].width, widths if head.width else (1.0,))
    return {
        "resolution": network.resolution,
        "channels": network.channels,
        "stem": asdict(network.stem) | {"width": _widths(network.stem.width, widths)},
        "stages": [_stage(stage, widths) for stage in network.stages],
        "head": asdict(head) | {"width": [0, *before_pooling], "act": act},
        "classes": network.classes,
    }


def _stage(stage: Stage, widths: Sequence[float]) -> dict[str, Any]:
    ops: dict[str, dict[str, Any]] = {op: dict(options) for op, options in OPS.items()}
    own = ops.setdefault(stage.op, {})
    for field in fields(stage):
        value = getattr(stage, field.name)
        if field.name not in _SHARED and value != field.default:
            own[field.name] = sorted({*own.get(field.name, ()), value})
    choices = {
        "expand": sorted({*EXPANDS, stage.expand}),
        "depth": _depths(stage.depth, 0 if stage.stride == 1 else 1),
        "stride": stage.stride,
        "width": _widths(stage.width, widths, stage.multiple),
        "act": [stage.act, OTHER[stage.act in FOLDED]],
    }
    if stage.kernel in (0, 1):  # Few blocks can have these kernels, so each states its own.
        ops = {op: {**options, "kernel": KERNELS[0]} for op, options in ops.items()}
        ops[stage.op]["kernel"] = stage.kernel
    else:
        choices["kernel"] = sorted({*KERNELS, stage.kernel})
    return {"op": [{op: options} if options else op for op, options in ops.items()], **choices}


def _depths(depth: int, least: int) -> list[int]:
    """Return `depth`, and the depths one and two steps below and above it, but at least `least`.

    A step is a third of `depth`, rounded up.
    """
    step = ceil(depth / 3)
    return sorted({max(least, depth + count * step) for count in (-2, -1, 0, 1, 2)})


def _widths(width: int, factors: Sequence[float], multiple: int = 1) -> list[int]:
    """Return `width`, and its products with `factors`, rounded to multiples of both 8 and `multiple`; ascending."""
    unit = lcm(8, multiple)
    return sorted({width, *(max(unit, round(width * one / unit) * unit) for one in factors)})
