"""The space around a network: what one would try by hand to make a published network better at the same cost.

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
"""The blocks that every stage can have, besides its own, with the options of the fields that only they have."""
KERNELS, EXPANDS = (3, 5), (1, 2, 4)
FOLDED, OTHER = ("relu", "relu6"), ("relu", "silu")
"""The activations that onnxruntime computes inside of the convolution before them, and those of which a stage has
one besides its own: if its own is folded it is SiLU, two more operators that can be worth their time; else ReLU."""
_SHARED = frozenset({"op", "depth", "kernel", "stride", "expand", "width", "act"})
"""The fields whose options do not depend on the block, with few exceptions for kernels."""


def around(network: Architecture, widths: Sequence[float] = WIDTHS) -> Document:
    """Return the document of the space around `network`.

    Each stage can have the blocks `OPS` besides its own; kernels of 3 and 5, expansions of 1, 2 and 4, and an
    activation that onnxruntime folds into a convolution and one that it does not, each besides its own; up to two
    thirds fewer blocks, also none where it has no stride, and up to twice as many, at least two more. widths: the
    factors of all widths, above 0; results are multiples of 8, and the network's own widths are always options. A
    stage keeps its stride. A head without a convolution can have one as wide as the last stage, and each head none.
    """
    head = network.head
    before_pooling = _widths(head.width or network.stages[-1].width, widths if head.width else (1.0,))
    return {
        "resolution": network.resolution,
        "channels": network.channels,
        "stem": asdict(network.stem) | {"width": _widths(network.stem.width, widths)},
        "stages": [_stage(stage, widths) for stage in network.stages],
        "head": asdict(head) | {"width": [0, *before_pooling], "act": head.act if head.width or head.hidden else "relu"},
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
    """Return numbers of blocks around `depth`: a third to twice as many, in steps of a third, at least of one."""
    step = ceil(depth / 3)
    return sorted({max(least, depth + count * step) for count in (-2, -1, 0, 1, 2)})


def _widths(width: int, factors: Sequence[float], multiple: int = 1) -> list[int]:
    """Return multiples of 8 and of `multiple` that are about these factors of `width`, and `width` itself."""
    unit = lcm(8, multiple)
    return sorted({width, *(max(unit, round(width * one / unit) * unit) for one in factors)})
