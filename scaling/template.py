"""The text of network.py around what differs between networks; see `scaling.export.source`."""

TEMPLATE = '''"""{name}: an image classifier, written by Compound NAS. Needs torch alone.

{architecture}

{facts}

    network = Network()
    network.load_state_dict(torch.load("weights.pt", weights_only=True))
    logits = network(images)  # (batch, {channels}, {pixels}, {pixels})
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from math import sqrt

import torch
from torch import Tensor, nn

ACTIVATIONS = {{
    "silu": nn.SiLU,
    "relu": partial(nn.ReLU, inplace=True),
    "relu6": nn.ReLU6,
    "hardswish": nn.Hardswish,
    "sigmoid": nn.Sigmoid,
    "hardsigmoid": nn.Hardsigmoid,
}}


class Mean(nn.Module):
    """The spatial mean as a map of one pixel."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3), keepdim=True)


class InceptionConv(nn.Conv2d):
    """A convolution of which groups of output channels, (channels, rows, columns), have their own dilations."""

    def __init__(self, width_in, width, kernel, stride, groups, parts) -> None:
        super().__init__(width_in, width, kernel, stride, groups=groups, bias=False)
        self.parts = parts

    def forward(self, x: Tensor) -> Tensor:
        found, start = [], 0
        for channels, high, wide in self.parts:
            own = slice(start, start + channels)
            start += channels
            part, groups = (x, 1) if self.groups == 1 else (x[:, own], channels)
            pad = (self.kernel_size[0] // 2 * high, self.kernel_size[1] // 2 * wide)
            found.append(
                nn.functional.conv2d(part, self.weight[own], None, self.stride, pad, (high, wide), groups)
            )
        return torch.cat(found, 1)


def conv(
    width_in,
    width,
    kernel,
    stride=1,
    groups=1,
    dilation=1,
    dilations=(),
    padding="same",
    bias=False,
    norm=True,
    act="",
    pooled=False,
) -> nn.Sequential:
    """A convolution with the normalisation and activation that follow it."""
    kernel = (kernel, kernel) if isinstance(kernel, int) else kernel
    pad = tuple(dilation * (side - 1) // 2 if padding == "same" else 0 for side in kernel)
    layers = OrderedDict()
    if pooled:
        layers["pool"] = Mean()
    if dilations:
        layers["conv"] = InceptionConv(width_in, width, kernel, stride, groups, dilations)
    else:
        layers["conv"] = nn.Conv2d(width_in, width, kernel, stride, pad, dilation, groups, bias)
    if norm:
        layers["norm"] = nn.BatchNorm2d(width, eps=1e-3, momentum=0.1)
    if act:
        layers["act"] = ACTIVATIONS[act]()
    return nn.Sequential(layers)


class Shuffle(nn.Module):
    """Channels of equal groups, interleaved."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        y = x.permute(0, 2, 3, 1)
        y = y.reshape(*y.shape[:3], self.groups, -1)
        return y.transpose(3, 4).flatten(3).permute(0, 3, 1, 2)


class Scale(nn.Module):
    """Its input times `factor`."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor


class SameMaxPool(nn.MaxPool2d):
    """Max-pooling padded as TensorFlow does: where one side must have more, it is the far one."""

    def forward(self, x: Tensor) -> Tensor:
        pads = []
        for size in (x.shape[3], x.shape[2]):
            total = max((-(-size // self.stride) - 1) * self.stride + self.kernel_size - size, 0)
            pads += [total // 2, total - total // 2]
        return super().forward(nn.functional.pad(x, pads, value=float("-inf")))


def pool(kind: str, kernel: int, stride: int, padding: str) -> nn.Module:
    """Max or mean over `kernel` x `kernel` pixels."""
    if kind == "max" and padding == "same":
        return SameMaxPool(kernel, stride)
    pad = 0 if padding == "valid" else kernel // 2
    if kind == "max":
        return nn.MaxPool2d(kernel, stride, pad)
    return nn.AvgPool2d(kernel, stride, pad, count_include_pad=kind == "avg")


Layers = nn.ModuleDict


{functions}

class Block(nn.ModuleDict):
    """Convolutions joined by `join`, with the shortcut around them; `drop` skips samples in training."""

    def __init__(self, join, drop: float, shortcut: bool, **layers: nn.Module) -> None:
        super().__init__(layers)
        self.join, self.drop, self.shortcut = join, drop, shortcut

    def forward(self, x: Tensor) -> Tensor:
        y = self.join(self, x)
        if not self.shortcut:
            return y
        if self.training and self.drop:
            keep = torch.empty((y.shape[0], 1, 1, 1), dtype=y.dtype, device=y.device)
            y = y * keep.bernoulli_(1 - self.drop).div_(1 - self.drop)
        return y + x


class Classifier(nn.Linear):
    """Logits from the spatial mean of a map."""

    def __init__(self, width_in: int, width: int, bias: bool, dropout: float) -> None:
        super().__init__(width_in, width, bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.dropout(x.mean((2, 3))))


def initialise(module: nn.Module) -> None:
    """EfficientNet's initial weights."""
    if isinstance(module, nn.Conv2d):
        nn.init.normal_(module.weight, std=sqrt(2 / (module.weight[:, 0].numel() // module.groups)))
    elif isinstance(module, Classifier):
        nn.init.uniform_(module.weight, -1 / sqrt(module.out_features), 1 / sqrt(module.out_features))
    if isinstance(module, (nn.Conv2d, nn.Linear)) and module.bias is not None:
        nn.init.zeros_(module.bias)


class Network(nn.Module):
    """dropout: of the features before the classifier. drop_path: of blocks, rising from 0 to this rate."""

    def __init__(self, dropout: float = 0.0, drop_path: float = 0.0) -> None:
        super().__init__()
        drop = (drop_path * i / {total} for i in range({total}))
        self.stem = nn.Sequential(OrderedDict({stem}))
        self.stages = nn.ModuleList((
{stages}
        ))
        self.head = nn.Sequential(OrderedDict({head}))
        self.head.add_module("classifier", Classifier({classifier}, dropout))
        self.apply(initialise)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        return self.head(x)
'''
