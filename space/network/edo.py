"""Efficient dilation optimization (EDO): a dilation for each channel, chosen from trained large kernels.

The large kernels of a supernet contain every dilated 3 x 3 kernel up to their radius. Each output channel gets the
dilation that discards the least of its kernel's weights (sum of absolute values), without further training.
Then channels are rearranged so that channels of one dilation are adjacent. The result is an inception convolution
(`space.blocks.dilations`).

Source: Liu et al. 2021, arXiv:2012.13587, section 3.3.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import product

import torch
from torch import Tensor

from space.architecture import Architecture, Stage
from space.conv import Conv
from space.network.network import Network
from space.plan import Block, plan

Pair = tuple[int, int]
"""The dilations (along rows, along columns)."""


def edo(supernet: Network) -> tuple[Architecture, dict[str, Tensor]]:
    """Return the architecture of `supernet` with dilated 3 x 3 kernels in place of large ones, and its state dict.

    Blocks "mb" and "fused" with an expansion and a kernel of at least 5 get dilations of 1 to (kernel - 1) / 2 along
    each axis, times the dilation that they had. Other blocks are unchanged: blocks with groups of dilations already,
    and blocks without an expansion or of other families, whose channels cannot be rearranged. The changed blocks have
    the params and MACs of undilated 3 x 3 kernels. Raises `UserError` for a dilation above 64.
    """
    architecture, tensors = supernet.architecture, supernet.state_dict()
    stages: list[Stage] = []
    block_tensors: list[dict[str, Tensor]] = []
    for block in plan(architecture)[1:-1]:
        number, index = map(int, block.name.split(".")[1:])
        stage = architecture.stages[number]
        stage = replace(stage, depth=1, stride=1 if index else stage.stride)
        own = {
            key.removeprefix(f"{block.name}."): tensor
            for key, tensor in tensors.items()
            if key.startswith(f"{block.name}.")
        }
        if stage.op in ("mb", "fused") and stage.expand != 1 and stage.kernel > 3 and not stage.dilations:
            stage, own = _dilated(stage, block, own)
        stages.append(stage)
        block_tensors.append(own)
    dilated = replace(architecture, stages=tuple(stages))
    state = {key: tensor for key, tensor in tensors.items() if not key.startswith("stages.")}
    for block, own in zip(plan(dilated)[1:-1], block_tensors, strict=True):
        state |= {f"{block.name}.{key}": tensor for key, tensor in own.items()}
    return dilated, state


def best(weight: Tensor) -> list[Pair]:
    """Return for each output channel the dilation of a 3 x 3 kernel that keeps most of its weights' absolute sum.

    The smallest dilation wins a tie. weight: (channels, inputs, kernel, kernel), kernel odd and at least 3.
    """
    radius = weight.shape[-1] // 2
    size = weight.abs().sum(1)
    pairs = list(product(range(1, radius + 1), repeat=2))
    sums = torch.stack(
        [size[:, _taps(high, radius)][:, :, _taps(wide, radius)].sum((1, 2)) for high, wide in pairs]
    )
    return [pairs[number] for number in sums.argmax(0).tolist()]


def _taps(dilation: int, radius: int) -> list[int]:
    return [radius - dilation, radius, radius + dilation]


def _dilated(stage: Stage, block: Block, own: dict[str, Tensor]) -> tuple[Stage, dict[str, Tensor]]:
    """Return `stage`, of one block, with the best dilations, and its tensors with 3 x 3 kernels.

    own: the tensors of the block by their names in it. The hidden channels are rearranged by dilation.
    """
    (spatial,) = (conv for conv in block.convs if conv.kernel != (1, 1))
    key = f"{spatial.name}.conv.weight"
    pairs = best(own[key])
    order = sorted(range(len(pairs)), key=lambda channel: pairs[channel])
    rearranged = {name: _rearranged(name, tensor, block.convs, order) for name, tensor in own.items()}
    radius = spatial.kernel[0] // 2
    rearranged[key] = torch.stack(
        [own[key][c][:, _taps(pairs[c][0], radius)][:, :, _taps(pairs[c][1], radius)] for c in order]
    )
    # Neighbouring weights of a kernel that was dilated already lie `stage.dilation` pixels apart.
    unit, counts = stage.dilation, Counter(pairs)
    text = "+".join(f"{high * unit}x{wide * unit}:{n}" for (high, wide), n in sorted(counts.items()))
    return replace(stage, kernel=3, dilation=1, dilations=text), rearranged


def _rearranged(name: str, tensor: Tensor, convs: tuple[Conv, ...], order: list[int]) -> Tensor:
    """Return `tensor`, called `name` in its block, with the block's hidden channels in `order`."""
    layer, *_, last = name.split(".")
    if not tensor.ndim:
        return tensor
    if layer in ("expand", "depthwise", "se_expand"):
        return tensor[order]
    reads_hidden = layer in ("project", "se_reduce") and last == "weight" and tensor.ndim == 4
    return tensor[:, order] if reads_hidden else tensor
