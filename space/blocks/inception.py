"""Inception modules: parallel branches of convolutions, from GoogLeNet's to Inception-ResNet's.

Source: Szegedy et al. 2014, arXiv:1409.4842 (v1); 2015, arXiv:1512.00567 (v3); 2016, arXiv:1602.07261 (v4,
Inception-ResNet); torchvision.models.googlenet and timm.models.inception_v3, inception_v4,
inception_resnet_v2. `space.blocks.branches` explains the notation of modules.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from space.blocks.branches import DEFAULT, Branch, Module, module, sized
from space.blocks.family import Family, Layers, Stage
from space.conv import Conv, Layer, Step, conv
from space.refusal import UserError

if TYPE_CHECKING:
    from torch import Tensor


def plan(stage: Stage, width_in: int, stride: int) -> tuple[Layer, ...]:
    """Return the layers of all branches, and of their merging in a residual module.

    "b1_2" is the layer at position 2 of branch 1, both counted from 0. "b1_2_0" and "b1_2_1" are two parallel layers
    at this position. A stride of 2 belongs to the pooling before the branches, called "before", if the module has
    one. Otherwise it belongs in each branch to the last pooling or convolution larger than 1 x 1, or to the last
    layer if there is none. At stride 1 nothing is pooled before the branches.

    Raises `UserError` if the branches' maps cannot be joined because layers without padding give them other sizes.
    """
    read = module(stage.branches or DEFAULT)
    layers: list[Layer] = []
    source, inner = "input", stride
    if read.pool and stride > 1:
        layers.append(Step("before", "max", width_in, 2 if read.pool == "max2" else 3, stride, "ceil"))
        source, inner = "before", 1
    ends: list[Layer] = []
    for number, branch in enumerate(sized(read, stage.width, width_in)):
        made = tuple(_branch(f"b{number}", branch, width_in, inner, source, stage.act))
        layers += made
        ends += made[-len(branch[-1]) :]
    added = bool(read.merged) and width_in == stage.width and stride == 1
    _check_sizes(read, layers, ends, stride, added)
    return (*layers, *_merged(ends, stage, read, added))


_LARGE = 10_000
"""A side of maps, in pixels, that is large enough for every branch."""


def _check_sizes(
    read: Module, layers: Sequence[Layer], ends: Sequence[Layer], stride: int, added: bool
) -> None:
    """Raise `UserError` unless the outputs of all branches have the same size and are square.

    added: True if the output is added to the block's input; then it must have the input's size too.
    """
    for side in range(_LARGE, _LARGE + stride):  # The remainder decides how a stride rounds.
        sizes = {"input": (side, side)}
        for layer in layers:
            sizes[layer.name] = layer.size(*sizes[layer.reads or "input"])
        written = {sizes[end.name] for end in ends}
        if len({*written, *(sizes["input"],) * added}) > 1 or any(high != wide for high, wide in written):
            size = "the size of the input" if added else "one size, with equal sides"
            raise UserError(
                f"branches {str(read)!r}: their maps have different sizes; permitted: {size}. A convolution with v, "
                "and maxv, make maps smaller."
            )


def _branch(name: str, branch: Branch, width_in: int, stride: int, source: str, act: str) -> Iterator[Layer]:
    seen = [i for i, (one, *_) in enumerate(branch) if isinstance(one, str) or one.kernel != (1, 1)]
    strided = seen[-1] if seen else len(branch) - 1
    width, reads = width_in, source
    for position, layer in enumerate(branch):
        step = stride if position == strided else 1
        for side, one in enumerate(layer):
            called = f"{name}_{position}" + (f"_{side}" if len(layer) > 1 else "")
            if isinstance(one, str):
                yield Step(called, _POOLS[one], width, 3, step, _padding(one), reads=reads)
            else:
                padding: Literal["same", "valid"] = "same" if one.padded else "valid"
                yield Conv(called, width, one.share, one.kernel, step, padding=padding, act=act, reads=reads)
        if not isinstance(one, str):
            width = one.share
        reads = called


def _padding(pool: str) -> Literal["symmetric", "valid"]:
    return "valid" if pool.endswith("v") else "symmetric"


def _merged(ends: Sequence[Layer], stage: Stage, read: Module, same: bool) -> Iterator[Layer]:
    """Yield the layers after the branches of a residual module. Other modules have none.

    ends: the last layers of the branches. same: True if the input is added.
    """
    if not read.merged:
        return
    joined = sum(end.width for end in ends)
    reads = "+".join(end.name for end in ends)
    yield conv("merge", joined, stage.width, bias=True, norm=False, reads=reads)
    yield Step("scale" if same else "scale_alone", "scale", stage.width, factor=read.scale)
    if not read.linear:
        yield Step("act", "act", stage.width, act=stage.act)


def forward(layers: Layers, x: Tensor) -> Tensor:
    """Map x: (batch, width_in, h, w) to (batch, stage.width, ceil(h / stride), ceil(w / stride)).

    Without padding the output is smaller.
    """
    import torch

    y = layers["before"](x) if "before" in layers else x
    ends: dict[str, Tensor] = {}
    read: dict[str, Tensor] = {}
    for name in layers:
        if not name.startswith("b") or name == "before":
            continue
        branch, position, *side = name[1:].split("_")
        if (int(position) and not side) or side == ["0"]:
            read[branch] = ends.pop(branch) if int(position) else y
        ends["_".join((branch, *side))] = layers[name](read.get(branch, y))
    y = torch.cat(tuple(ends.values()), 1)
    if "merge" not in layers:
        return y
    y = layers["merge"](y)
    y = x + layers["scale"](y) if "scale" in layers else layers["scale_alone"](y)
    return layers["act"](y) if "act" in layers else y


_POOLS: dict[str, Literal["max", "avg", "avg-inside"]] = {
    "max": "max",
    "maxv": "max",
    "avg": "avg",
    "avgi": "avg-inside",
}
INCEPTION = Family(plan, forward, shortcut=False, reads=frozenset({"act", "branches"}), multiple=8)
