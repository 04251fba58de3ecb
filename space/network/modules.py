"""The torch modules that planned layers are built from, where torch has none of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from space.conv import Conv, Step

Pair = tuple[int, ...]
"""Height and width of something."""

# In place where the derivative needs the output alone: autograd would have to copy the input of the others.
ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = {
    "silu": nn.SiLU,
    "relu": partial(nn.ReLU, inplace=True),
    "relu6": nn.ReLU6,
    "hardswish": nn.Hardswish,
    "sigmoid": nn.Sigmoid,
    "hardsigmoid": nn.Hardsigmoid,
}


class SameConv(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding, which depends on the size of the map."""

    def forward(self, x: Tensor) -> Tensor:
        before_after = _same(x, self.kernel_size, self.stride, self.dilation)
        return super().forward(functional.pad(x, before_after))


class Shuffle(nn.Module):
    """Channels of equal groups, interleaved: the first of each group, then the second of each, ..."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        # Channels last, which is also how they lie in memory where that is the fast format.
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
    """Max-pooling with TensorFlow's SAME padding: where one side must have more, it is the far one."""

    def forward(self, x: Tensor) -> Tensor:
        side, stride = cast(int, self.kernel_size), cast(int, self.stride)
        before_after = _same(x, (side, side), (stride, stride), (1, 1))
        return cast(Tensor, super().forward(functional.pad(x, before_after, value=float("-inf"))))


class InceptionConv(nn.Conv2d):
    """A convolution of which groups of output channels have dilations of their own. Weights are one tensor."""

    def __init__(self, conv: Conv, same: bool) -> None:
        super().__init__(
            conv.width_in, conv.width, conv.kernel, conv.stride, groups=conv.groups, bias=conv.bias
        )
        self.parts, self.same = conv.dilations, same

    def forward(self, x: Tensor) -> Tensor:
        found, start = [], 0
        for channels, high, wide in self.parts:
            own = slice(start, start + channels)
            start += channels
            part, groups = (x, 1) if self.groups == 1 else (x[:, own], channels)
            bias = None if self.bias is None else self.bias[own]
            padding = (self.kernel_size[0] // 2 * high, self.kernel_size[1] // 2 * wide)
            if self.same and self.stride[0] > 1:
                part = functional.pad(part, _same(part, self.kernel_size, self.stride, (high, wide)))
                padding = (0, 0)
            found.append(
                functional.conv2d(part, self.weight[own], bias, self.stride, padding, (high, wide), groups)
            )
        return torch.cat(found, 1)


def _same(x: Tensor, kernel: Pair, stride: Pair, dilation: Pair) -> list[int]:
    """What SAME pads a map with, as `functional.pad` takes it, which begins with the last dimension."""
    before_after: list[int] = []
    for axis in (1, 0):
        size, span = x.shape[2 + axis], (kernel[axis] - 1) * dilation[axis] + 1
        total = max((-(-size // stride[axis]) - 1) * stride[axis] + span - size, 0)
        before_after += [total // 2, total - total // 2]
    return before_after


def step_module(step: Step) -> nn.Module:
    """The module that does a planned step."""
    if step.kind == "act":
        # Not in place: what it is given may be read again.
        return nn.ReLU() if step.act == "relu" else ACTIVATIONS[step.act]()
    if step.kind == "shuffle":
        return Shuffle(step.groups)
    if step.kind == "scale":
        return Scale(step.factor)
    if step.kind == "max" and step.padding == "same":
        return SameMaxPool(step.kernel, step.stride)
    padding = 0 if step.padding == "valid" else step.kernel // 2
    if step.kind == "max":
        return nn.MaxPool2d(step.kernel, step.stride, padding)
    return nn.AvgPool2d(step.kernel, step.stride, padding, count_include_pad=step.kind == "avg")
