"""The weights of child networks: the channels of a parent in order of importance, and slices of its tensors.

A child (`space.choices.inside`) takes the first channels of each layer. So a parent is ordered once with `order`,
which leaves its function unchanged, before children `inherit` from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from space.architecture import Architecture
from space.choices.inside import Place, places, refuse_parent
from space.conv import Conv
from space.plan import Block, plan
from space.weights.weights import Weights

_NORM = ("weight", "bias", "running_mean", "running_var")


def inherit(parent: Weights, child: Architecture) -> Weights:
    """Return the weights that `child` takes from `parent`, as copies, with the parent's conventions.

    They are the first channels of each layer, the middle of each kernel, and the first blocks of each stage.

    Statistics of normalisation are sliced too. They describe the parent's feature maps, so they should be recomputed.
    A child that equals the parent gets all of the parent's weights. Raises `UserError` if `child` is not a child of
    `parent`.
    """
    tensors = {
        name: tensor.clone() for name, tensor in slices(parent.tensors, parent.architecture, child).items()
    }
    return replace(parent, architecture=child, tensors=tensors)


def slices(tensors: Mapping[str, Tensor], parent: Architecture, child: Architecture) -> dict[str, Tensor]:
    """Return the state dict of `child` as views of the state dict `tensors` of `parent`.

    Gradients of the views reach the parent's tensors. Raises `UserError` if `child` is not a child of `parent`.
    """
    sliced: dict[str, Tensor] = {}
    for block, source in _pairs(child, places(parent, child)):
        for conv in block.convs:
            for name, tensor in _of_layer(tensors, f"{source}.{conv.name}"):
                sliced[f"{block.name}.{conv.name}{name}"] = _slice(tensor, conv)
    return sliced


def _pairs(child: Architecture, inherited: tuple[Place, ...]) -> Iterator[tuple[Block, str]]:
    """Yield each block of the child with the name of the block of the parent that it inherits from."""
    stem, *blocks, head = plan(child)
    yield stem, stem.name
    for block, (stage, index) in zip(blocks, inherited, strict=True):
        yield block, f"stages.{stage}.{index}"
    yield head, head.name


def _of_layer(tensors: Mapping[str, Tensor], layer: str) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of a layer with the rest of their names: ".conv.weight", or ".weight" for a classifier."""
    for part in ("", ".conv", ".norm"):
        for name in (*_NORM, "num_batches_tracked"):
            if (tensor := tensors.get(f"{layer}{part}.{name}")) is not None:
                yield f"{part}.{name}", tensor


def _slice(tensor: Tensor, conv: Conv) -> Tensor:
    """Cut a tensor of the parent to the shape of the child's layer `conv`: first channels, middle of the kernel."""
    if tensor.ndim == 0:
        return tensor
    tensor = tensor[: conv.width]
    if tensor.ndim > 1:
        tensor = tensor[:, : conv.width_in // conv.groups]
    if tensor.ndim > 2:
        edges = [(have - want) // 2 for have, want in zip(tensor.shape[2:], conv.kernel, strict=True)]
        rows, columns = (slice(edge, edge + want) for edge, want in zip(edges, conv.kernel, strict=True))
        tensor = tensor[:, :, rows, columns]
    return tensor


@dataclass(frozen=True, slots=True)
class _Use:
    """The input or output dimension of a layer. An axis is a list of such dimensions that are permuted together.

    reads: True for the dimension of the input, False for the dimension of the output.
    """

    block: str
    conv: Conv
    reads: bool


def order(parent: Weights) -> Weights:
    """Return `parent` with its channels permuted from the most to the least important; its function is the same.

    All layers along a residual path share one order, and so do a depthwise convolution and the squeeze-excitation
    around it. The importance of a channel is the sum of the absolute scales of its normalisations, times the sum of
    the absolute weights that read it, as in filter pruning (Li et al. 2017, arXiv:1608.08710, with scales as in Liu
    et al. 2017, arXiv:1708.06519). Equal channels keep their order. Raises `UserError` for networks without children.
    """
    refuse_parent(parent.architecture)
    tensors = dict(parent.tensors)
    for uses in _axes(parent.architecture):
        permutation = torch.argsort(_importance(tensors, uses), descending=True, stable=True)
        for use in uses:
            _permute(tensors, use, permutation)
    return replace(parent, tensors=tensors)


def _axes(network: Architecture) -> list[list[_Use]]:
    """Return the axes of `network` (see `_Use`). Image channels and classes are in none, so they keep their order."""
    axes: list[list[_Use]] = []
    trunk: list[_Use] | None = None
    squeezed: list[_Use] | None = None
    for block in plan(network):
        outputs: dict[str, list[_Use] | None] = {"input": trunk}
        before: list[_Use] | None = trunk
        for conv in block.convs:
            source = outputs[conv.reads] if conv.reads else before
            if conv.name == "se_expand":
                target = squeezed
            elif conv.name == block.convs[-1].name and block.shortcut:
                target = trunk
            else:
                target = source if _is_depthwise(conv) else []
            if conv.name == "se_reduce":
                squeezed = source
            if source is not None and not _is_depthwise(conv):
                source.append(_Use(block.name, conv, reads=True))
            if target is not None:
                if not target:
                    axes.append(target)
                target.append(_Use(block.name, conv, reads=False))
            outputs[conv.name] = before = target
        trunk = before
    return [uses for uses in axes if uses[0].conv.name != "classifier"]


def _is_depthwise(conv: Conv) -> bool:
    return conv.groups == conv.width_in == conv.width and conv.groups > 1


def _importance(tensors: Mapping[str, Tensor], uses: list[_Use]) -> Tensor:
    """Return the importance of each channel of an axis, shape (channels,), in double precision (see `order`).

    Without scales it is the sum of the absolute weights that read the channel.
    """
    width = next(use.conv.width_in if use.reads else use.conv.width for use in uses)
    scales, reading = torch.zeros(width, dtype=torch.double), torch.zeros(width, dtype=torch.double)
    for use in uses:
        for name, tensor in _of_layer(tensors, f"{use.block}.{use.conv.name}"):
            if not use.reads and name == ".norm.weight":
                scales += tensor.double().abs()
            elif use.reads and name in (".conv.weight", ".weight"):
                reading += tensor.double().abs().transpose(0, 1).flatten(1).sum(1)
    return scales * reading if bool(scales.any()) else reading


def _permute(tensors: dict[str, Tensor], use: _Use, permutation: Tensor) -> None:
    layer = f"{use.block}.{use.conv.name}"
    for name, tensor in list(_of_layer(tensors, layer)):
        if use.reads and name in (".conv.weight", ".weight"):
            tensors[layer + name] = tensor.index_select(1, permutation)
        elif not use.reads and tensor.ndim:
            tensors[layer + name] = tensor.index_select(0, permutation)
