"""The torch module of an architecture, built from the same plan as its costs.

Modules have the names of the plan: `network.get_submodule("stages.2.0.expand")` is the layer "expand" of the third
stage's first block, with the submodules "conv", "norm" and "act".
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from itertools import islice
from math import sqrt
from typing import Literal, cast

import torch
from torch import Tensor, nn

from space.architecture import Architecture
from space.blocks import BLOCKS
from space.blocks.family import Layers
from space.conv import Conv, Layer, Step
from space.network.modules import ACTIVATIONS, DepthwiseConv, InceptionConv, Mean, SameConv, step_module
from space.plan import Block, plan
from space.refusal import UserError

Padding = Literal["symmetric", "same"]

MAX_BLOCKS = 5_000
"""The largest number of blocks that `build` accepts. The deepest published network has 100."""


def build(
    architecture: Architecture,
    *,
    dropout: float = 0.0,
    drop_path: float = 0.0,
    padding: Padding = "symmetric",
    norm_eps: float = 1e-3,
    norm_momentum: float = 0.1,
) -> Network:
    """Return a newly initialised network of `architecture`, in training mode and the default memory format.

    >>> from space import decode
    >>> network = build(decode("r32_i16/mb_d2_k3_s2_e4_w24_se0.25/h64_c10"))
    >>> sum(values.numel() for values in network.parameters())
    13956

    dropout: the rate at which features before the classifier are dropped in training, 0 to below 1.
    drop_path: the rate at which a sample skips a block with a shortcut in training. The i-th of n blocks, counted
        from 0, has drop_path * i / n (google/automl effnetv2_model.py).
    padding: the padding of convolutions with a stride: "symmetric" as in torch, or "same" as in TensorFlow, which
        pads one pixel less before the map when its size is even. Weights that were trained with one kind of padding
        are not valid with the other, except on images of n * s + 1 pixels for a whole n and the total stride s
        (mostly 32), which both kinds pad equally.
    norm_eps: the constant that batch normalisation adds to variances; 1e-3 in all of Google's networks.
    norm_momentum: the weight of a batch in the running statistics. 0.1 is google/automl's default; the papers' 0.01
        needs thousands of steps to converge, more than short trainings have.

    The initial weights are those of tensorflow/tpu efficientnet_model.py (google/automl's are the same):
    convolutions normal with variance 2 / (kernel area * outputs of a group), classifier uniform within
    +-1 / sqrt(classes), biases 0. They depend on `torch.manual_seed` alone. On a CPU and with AMP the
    network is fastest after `.to(memory_format=torch.channels_last)`, on images in that format.

    Raises `UserError` for a network of more than `MAX_BLOCKS` blocks, and for one that `space.plan.plan` refuses.
    """
    depth = sum(stage.depth for stage in architecture.stages)
    if depth > MAX_BLOCKS:
        raise UserError(f"A network of {depth:,} blocks is not built; permitted: up to {MAX_BLOCKS:,}.")
    style = _Style(padding, norm_eps, norm_momentum)
    return Network(architecture, dropout, drop_path, style)


class Network(nn.Module):
    """A convolutional classifier with the parts `stem`, `stages` and `head`. Use `build` to make one."""

    def __init__(self, architecture: Architecture, dropout: float, drop_path: float, style: _Style) -> None:
        super().__init__()
        stem, *blocks, head = plan(architecture)
        modules = (_Joined(block, drop_path * i / len(blocks), style) for i, block in enumerate(blocks))
        self.architecture = architecture
        self.stem = _chain(stem.layers, style)
        self.stages = nn.ModuleList(
            nn.Sequential(*islice(modules, stage.depth)) for stage in architecture.stages
        )
        self.head = _chain(head.layers[:-1], style)
        self.head.add_module("classifier", _Classifier(head.convs[-1], dropout))
        self.apply(_initialise)

    def forward(self, x: Tensor) -> Tensor:
        """Map x: (batch, channels, resolution, resolution) to logits (batch, classes).

        Other sizes of images are accepted too.
        """
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        return cast(Tensor, self.head(x))

    def features(self, x: Tensor) -> dict[int, Tensor]:
        """Return the last map of each size before the head, for detectors and segmenters.

        x: (batch, channels, height, width). The keys of the result are products of strides, ascending (for B0 2, 4,
        8, 16, 32). The map at key r has shape (batch, width of the last stage at r, ceil(height / r), ceil(width /
        r)), or is smaller in networks with layers that do not pad. If the first stage has stride 2, the first map is
        the stem's.
        """
        x = self.stem(x)
        reduction = self.architecture.stem.reduction
        maps = {reduction: x}
        for planned, stage in zip(self.architecture.stages, self.stages, strict=True):
            x = stage(x)
            reduction *= planned.stride
            maps[reduction] = x
        return maps


@dataclass(frozen=True, slots=True)
class _Style:
    """The settings of `build` that belong to trained weights, and are not part of an architecture and its digest."""

    padding: Padding
    norm_eps: float
    norm_momentum: float


class _Joined(nn.ModuleDict):
    """A block: its planned layers, run by the `forward` of its family, and the identity shortcut around them."""

    def __init__(self, block: Block, drop: float, style: _Style) -> None:
        super().__init__({layer.name: _layer(layer, style) for layer in block.layers})
        self.join = BLOCKS[block.op].forward
        self.shortcut = block.shortcut
        self.drop = drop

    def forward(self, x: Tensor) -> Tensor:
        y = self.join(cast(Layers, self), x)
        if not self.shortcut:
            return y
        if self.training and self.drop:
            y = _drop_samples(y, self.drop)
        return y + x


class _Classifier(nn.Linear):
    """The classifier on the spatial mean of a map. Its `dropout.p` may be changed during training."""

    def __init__(self, conv: Conv, dropout: float) -> None:
        super().__init__(conv.width_in, conv.width, bias=conv.bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.dropout(x.mean((2, 3))))


def _chain(layers: tuple[Layer, ...], style: _Style) -> nn.Sequential:
    return nn.Sequential(OrderedDict((layer.name, _layer(layer, style)) for layer in layers))


def _layer(layer: Layer, style: _Style) -> nn.Module:
    return step_module(layer) if isinstance(layer, Step) else _convolved(layer, style)


def _convolved(conv: Conv, style: _Style) -> nn.Sequential:
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    if conv.pooled:
        parts["pool"] = Mean()
    parts["conv"] = _convolution(conv, style.padding)
    if conv.norm:
        parts["norm"] = nn.BatchNorm2d(conv.width, style.norm_eps, style.norm_momentum)
    if conv.act:
        parts["act"] = ACTIVATIONS[conv.act]()
    return nn.Sequential(parts)


def _convolution(conv: Conv, padding: Padding) -> nn.Conv2d:
    if conv.dilations:
        return InceptionConv(
            conv.width_in,
            conv.width,
            conv.kernel,
            conv.stride,
            conv.groups,
            conv.dilations,
            padding == "same",
        )
    height, width = (conv.dilation * (k - 1) // 2 for k in conv.kernel)
    # With stride 1 both styles are equal.
    dynamic = padding == "same" and conv.stride > 1 and conv.padding == "same"
    plain = conv.stride == conv.dilation == 1 and conv.kernel[0] == conv.kernel[1] and conv.padding != "valid"
    depthwise = plain and conv.groups == conv.width_in == conv.width and conv.groups > 1
    return (SameConv if dynamic else DepthwiseConv if depthwise else nn.Conv2d)(
        conv.width_in,
        conv.width,
        conv.kernel,
        conv.stride,
        padding=0 if dynamic or conv.padding == "valid" else (height, width),
        dilation=conv.dilation,
        groups=conv.groups,
        bias=conv.bias,
    )


def _drop_samples(y: Tensor, rate: float) -> Tensor:
    """Set samples of `y` to zero at `rate`, and enlarge the others so that the mean stays the same."""
    keep = torch.empty((y.shape[0], 1, 1, 1), dtype=y.dtype, device=y.device).bernoulli_(1 - rate)
    return y * keep.div_(1 - rate)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        # In TensorFlow's shape, a depthwise kernel has one output per group, so that its fan-out is its area.
        # torchvision's `fan_out` counts all groups, which makes depthwise weights vanish.
        fan_out = module.weight[:, 0].numel() // module.groups
        nn.init.normal_(module.weight, std=sqrt(2 / fan_out))
    elif isinstance(module, _Classifier):
        bound = 1 / sqrt(module.out_features)
        nn.init.uniform_(module.weight, -bound, bound)
    if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
