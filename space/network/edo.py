"""EDO: which dilation each channel should have, read off a trained network with large kernels.

The large kernels of a supernet hold every dilated 3 x 3 kernel up to their radius. For each output channel the
one is taken that leaves the least of the kernel's weights out, without further training, and channels are
rearranged so that those of one dilation stand together: an inception convolution (`space.blocks.dilations`).

Source: Liu et al. 2021, arXiv:2012.13587, section 3.3 (efficient dilation optimization). What is left out is
measured by the sum of absolute weights.
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
"""Dilation along rows and columns."""


def edo(supernet: Network) -> tuple[Architecture, dict[str, Tensor]]:
    """The network of 3 x 3 inception convolutions that is nearest to `supernet`, and its state dict.

    Blocks "mb" and "fused" that expand and have a kernel of 5 or more get the dilations 1 to (kernel - 1) / 2
    along each side; the others stay as they are, since their channels cannot be rearranged. Params and MACs
    are those of the same network with undilated 3 x 3 kernels.
    """
    architecture, tensors = supernet.architecture, supernet.state_dict()
    stages: list[Stage] = []
    found: list[dict[str, Tensor]] = []
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
        found.append(own)
    made = replace(architecture, stages=tuple(stages))
    state = {key: tensor for key, tensor in tensors.items() if not key.startswith("stages.")}
    for block, own in zip(plan(made)[1:-1], found, strict=True):
        state |= {f"{block.name}.{key}": tensor for key, tensor in own.items()}
    return made, state


def best(weight: Tensor) -> list[Pair]:
    """The dilation of a 3 x 3 kernel that keeps most of each output channel's weights; the smaller of equals.

    weight: (channels, inputs, kernel, kernel), kernel odd and at least 3.
    """
    radius = weight.shape[-1] // 2
    size = weight.abs().sum(1)
    pairs = list(product(range(1, radius + 1), repeat=2))
    kept = torch.stack(
        [size[:, _taps(high, radius)][:, :, _taps(wide, radius)].sum((1, 2)) for high, wide in pairs]
    )
    return [pairs[number] for number in kept.argmax(0).tolist()]


def _taps(dilation: int, radius: int) -> list[int]:
    return [radius - dilation, radius, radius + dilation]


def _dilated(stage: Stage, block: Block, own: dict[str, Tensor]) -> tuple[Stage, dict[str, Tensor]]:
    """The stage with the best dilations, and its tensors with smaller kernels and rearranged channels."""
    (spatial,) = (conv for conv in block.convs if conv.kernel != (1, 1))
    key = f"{spatial.name}.conv.weight"
    pairs = best(own[key])
    order = sorted(range(len(pairs)), key=lambda channel: pairs[channel])
    rearranged = {name: _rearranged(name, tensor, block.convs, order) for name, tensor in own.items()}
    radius = spatial.kernel[0] // 2
    rearranged[key] = torch.stack(
        [own[key][c][:, _taps(pairs[c][0], radius)][:, :, _taps(pairs[c][1], radius)] for c in order]
    )
    counts = Counter(pairs)
    text = "+".join(f"{high}x{wide}:{count}" for (high, wide), count in sorted(counts.items()))
    return replace(stage, kernel=3, dilation=1, dilations=text), rearranged


def _rearranged(name: str, tensor: Tensor, convs: tuple[Conv, ...], order: list[int]) -> Tensor:
    """A tensor of a block whose hidden channels are put in `order`."""
    layer, *_, last = name.split(".")
    if not tensor.ndim:
        return tensor
    if layer in ("expand", "depthwise", "se_expand"):
        return tensor[order]
    reads_hidden = layer in ("project", "se_reduce") and last == "weight" and tensor.ndim == 4
    return tensor[:, order] if reads_hidden else tensor
