"""The template of network.py; `search.models.forms.standalone` fills it in for a network."""

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
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

PADDING, NORM_EPS, NORM_MOMENTUM = "{padding}", {norm_eps!r}, {norm_momentum!r}
"""The conventions of the weights. PADDING of strided convolutions: "symmetric", or "same" as in TensorFlow."""

ACTIVATIONS = {{
    "silu": nn.SiLU,
    "relu": partial(nn.ReLU, inplace=True),
    "relu6": nn.ReLU6,
    "hardswish": nn.Hardswish,
    "sigmoid": nn.Sigmoid,
    "hardsigmoid": nn.Hardsigmoid,
}}
Pair = tuple[int, ...]


{modules}


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
    """Return a convolution, after a spatial mean if `pooled`, with its normalisation and activation."""
    kernel = (kernel, kernel) if isinstance(kernel, int) else kernel
    dynamic = PADDING == "same" and padding == "same" and stride > 1
    pad = tuple(0 if dynamic or padding == "valid" else dilation * (side - 1) // 2 for side in kernel)
    layers = OrderedDict()
    if pooled:
        layers["pool"] = Mean()
    if dilations:
        layers["conv"] = InceptionConv(width_in, width, kernel, stride, groups, dilations, PADDING == "same")
    else:
        convolution = SameConv if dynamic else nn.Conv2d
        layers["conv"] = convolution(width_in, width, kernel, stride, pad, dilation, groups, bias)
    if norm:
        layers["norm"] = nn.BatchNorm2d(width, NORM_EPS, NORM_MOMENTUM)
    if act:
        layers["act"] = ACTIVATIONS[act]()
    return nn.Sequential(layers)


Layers = nn.ModuleDict


{functions}

class Block(nn.ModuleDict):
    """Layers joined by `join`. shortcut: True to add the input to the output.

    drop: the rate at which images skip the layers of a block with a shortcut in training.
    """

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
    """Give a module EfficientNet's initial weights."""
    if isinstance(module, nn.Conv2d):
        nn.init.normal_(module.weight, std=sqrt(2 / (module.weight[:, 0].numel() // module.groups)))
    elif isinstance(module, Classifier):
        nn.init.uniform_(module.weight, -1 / sqrt(module.out_features), 1 / sqrt(module.out_features))
    if isinstance(module, (nn.Conv2d, nn.Linear)) and module.bias is not None:
        nn.init.zeros_(module.bias)


class Network(nn.Module):
    """The network.

    dropout: the rate at which features before the classifier are dropped in training. drop_path: in training, an
    image skips block i of {total}, counted from 0, at the rate drop_path * i / {total} if the block has a shortcut.
    """

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
