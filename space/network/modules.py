"""The torch modules of planned steps, and of planned convolutions for which torch has no module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from space.conv import Step

Pair = tuple[int, ...]
"""A (height, width) pair."""

# ReLU runs in place, since its derivative needs only its output. SiLU, ReLU6 and hard swish need their input.
ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = {
    "silu": nn.SiLU,
    "relu": partial(nn.ReLU, inplace=True),
    "relu6": nn.ReLU6,
    "hardswish": nn.Hardswish,
    "sigmoid": nn.Sigmoid,
    "hardsigmoid": nn.Hardsigmoid,
}


class Mean(nn.Module):
    """The spatial mean of x: (b, c, h, w) as a map (b, c, 1, 1)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3), keepdim=True)


class SameConv(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding, which depends on the size of the map."""

    def forward(self, x: Tensor) -> Tensor:
        before_after = _same(x, self.kernel_size, self.stride, self.dilation)
        return super().forward(functional.pad(x, before_after))


class DepthwiseConv(nn.Conv2d):
    """A depthwise convolution with stride 1 and symmetric padding, whose training is fast on small maps.

    On a map of 1x1, a 5x5 kernel reads 24 zeros and one pixel. A training leaves out the weights that only read
    padding: their terms and gradients are 0. On (64, 288, 1, 1), oneDNN takes 26 ms for a training step with all
    weights, and 1 ms with the weight in the middle alone. An inference computes what `nn.Conv2d` does, so that
    exported graphs contain an ordinary convolution.
    """

    def forward(self, x: Tensor) -> Tensor:
        reach = max(x.shape[2:]) - 1
        unread = self.kernel_size[0] // 2 - reach
        if not self.training or unread <= 0:
            return super().forward(x)
        weight = self.weight[:, :, unread:-unread, unread:-unread]
        return functional.conv2d(x, weight, self.bias, padding=reach, groups=self.groups)


class Shuffle(nn.Module):
    """A shuffle of `groups` equal groups of channels: first the first channel of each group, then the second, ..."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        # Channels become the last dimension. In the channels-last format, this is also their order in memory.
        y = x.permute(0, 2, 3, 1)
        y = y.reshape(*y.shape[:3], self.groups, -1)
        return y.transpose(3, 4).flatten(3).permute(0, 3, 1, 2)


class Scale(nn.Module):
    """A multiplication by `factor`."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor


class SameMaxPool(nn.MaxPool2d):
    """Max-pooling with TensorFlow's SAME padding, which pads the far side more if the two sides differ."""

    def forward(self, x: Tensor) -> Tensor:
        side, stride = cast(int, self.kernel_size), cast(int, self.stride)
        before_after = _same(x, (side, side), (stride, stride), (1, 1))
        return cast(Tensor, super().forward(functional.pad(x, before_after, value=float("-inf"))))


class InceptionConv(nn.Conv2d):
    """A convolution in which each group of output channels has its own dilation. Its weights are one tensor.

    groups: 1 for a dense convolution, `width_in` for a depthwise one. parts: the (channels, vertical dilation,
    horizontal dilation) of each group. same: True for TensorFlow's SAME padding, False for symmetric padding.
    """

    def __init__(
        self,
        width_in: int,
        width: int,
        kernel: tuple[int, int],
        stride: int,
        groups: int,
        parts: tuple[tuple[int, int, int], ...],
        same: bool,
    ) -> None:
        super().__init__(width_in, width, kernel, stride, groups=groups, bias=False)
        self.parts, self.same = parts, same

    def forward(self, x: Tensor) -> Tensor:
        maps, start = [], 0
        for channels, high, wide in self.parts:
            own = slice(start, start + channels)
            start += channels
            part, groups = (x, 1) if self.groups == 1 else (x[:, own], channels)
            padding = (self.kernel_size[0] // 2 * high, self.kernel_size[1] // 2 * wide)
            if self.same and self.stride[0] > 1:
                part = functional.pad(part, _same(part, self.kernel_size, self.stride, (high, wide)))
                padding = (0, 0)
            maps.append(
                functional.conv2d(part, self.weight[own], None, self.stride, padding, (high, wide), groups)
            )
        return torch.cat(maps, 1)


def _same(x: Tensor, kernel: Pair, stride: Pair, dilation: Pair) -> list[int]:
    """Return TensorFlow's SAME padding of x: (b, c, h, w) for `functional.pad`: left, right, top, bottom."""
    before_after: list[int] = []
    for axis in (1, 0):
        size, span = x.shape[2 + axis], (kernel[axis] - 1) * dilation[axis] + 1
        total = max((-(-size // stride[axis]) - 1) * stride[axis] + span - size, 0)
        before_after += [total // 2, total - total // 2]
    return before_after


def step_module(step: Step) -> nn.Module:
    """Return the module of a planned step."""
    if step.kind == "act":
        # Not in place, since its input may be read again.
        return nn.ReLU() if step.act == "relu" else ACTIVATIONS[step.act]()
    if step.kind == "shuffle":
        return Shuffle(step.groups)
    if step.kind == "scale":
        return Scale(step.factor)
    return pool(step.kind, step.kernel, step.stride, step.padding)


def pool(kind: str, kernel: int, stride: int, padding: str) -> nn.Module:
    """Return the pooling module of `kind`: "max", "avg" (counts padded zeros) or "avg-inside" (ignores them).

    padding: as in `space.conv.Step`.
    """
    if kind == "max" and padding == "same":
        return SameMaxPool(kernel, stride)
    if kind == "max" and padding == "ceil":
        return nn.MaxPool2d(kernel, stride, ceil_mode=True)
    pad = 0 if padding == "valid" else kernel // 2
    if kind == "max":
        return nn.MaxPool2d(kernel, stride, pad)
    return nn.AvgPool2d(kernel, stride, pad, count_include_pad=kind == "avg")
