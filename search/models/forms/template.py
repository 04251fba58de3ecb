"""The text of network.py around what differs between networks; see `search.models.forms.standalone`."""

TEMPLATE = '''"""{name}: an image classifier, written by Compound NAS. Needs torch alone.

{architecture}

{facts}

    network = Network().eval()
    network.load_state_dict(safetensors.torch.load_file("model.safetensors"))
    logits = network(images)  # (batch, {channels}, {fed}, {fed})

Images are fed as (x - mean) / std with x in 0..1, mean {mean}, std {std}.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from math import sqrt

import torch
from torch import Tensor, nn

PADDING, NORM_EPS, NORM_MOMENTUM = "{padding}", {norm_eps!r}, {norm_momentum!r}
"""What weights were trained with. Padding: of strided convolutions; "symmetric", or "same" as TensorFlow's."""

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


def same(x, kernel, stride, dilation):
    """TensorFlow's padding of a map, last dimension first: where one side must have more, it is the far one."""
    pads = []
    for axis in (1, 0):
        size, span = x.shape[2 + axis], (kernel[axis] - 1) * dilation[axis] + 1
        total = max((-(-size // stride[axis]) - 1) * stride[axis] + span - size, 0)
        pads += [total // 2, total - total // 2]
    return pads


class SameConv(nn.Conv2d):
    """A convolution padded as TensorFlow does."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(nn.functional.pad(x, same(x, self.kernel_size, self.stride, self.dilation)))


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
            if PADDING == "same" and self.stride[0] > 1:
                part = nn.functional.pad(part, same(part, self.kernel_size, self.stride, (high, wide)))
                pad = (0, 0)
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
    dynamic = PADDING == "same" and padding == "same" and stride > 1
    pad = tuple(0 if dynamic or padding == "valid" else dilation * (side - 1) // 2 for side in kernel)
    layers = OrderedDict()
    if pooled:
        layers["pool"] = Mean()
    if dilations:
        layers["conv"] = InceptionConv(width_in, width, kernel, stride, groups, dilations)
    else:
        made = SameConv if dynamic else nn.Conv2d
        layers["conv"] = made(width_in, width, kernel, stride, pad, dilation, groups, bias)
    if norm:
        layers["norm"] = nn.BatchNorm2d(width, NORM_EPS, NORM_MOMENTUM)
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
    """Max-pooling padded as TensorFlow does."""

    def forward(self, x: Tensor) -> Tensor:
        pads = same(x, (self.kernel_size,) * 2, (self.stride,) * 2, (1, 1))
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
