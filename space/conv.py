"""What networks are planned, counted and built in: the convolution, and the step without parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

ACTIVATIONS = ("silu", "relu", "relu6", "hardswish", "sigmoid")


@dataclass(frozen=True, slots=True)
class Conv:
    """One planned convolution, with the normalisation and activation that follow it.

    A convolution reads what is planned before it in its block (the first reads the block's input), unless
    `reads` names another layer, or several with "+" between, which it reads one behind the other; `"input"`
    is the block's input. It may read a part of the channels. `pooled` says that it reads the spatial mean
    of that, a 1x1 map, as squeeze-excitation and the classifier do. dilations: (channels, rows, columns) for
    groups of output channels with dilations of their own; nothing for one `dilation`. act: a key of `ACTIVATIONS`, or
    "hardsigmoid", which gates.
    """

    name: str
    width_in: int
    width: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    groups: int = 1
    dilation: int = 1
    dilations: tuple[tuple[int, int, int], ...] = ()
    padding: Literal["same", "valid"] = "same"
    bias: bool = False
    norm: bool = True
    act: str = ""
    reads: str = ""
    pooled: bool = False

    @property
    def params(self) -> int:
        """Trainable parameters: weights, bias, and the scale and shift of the normalisation."""
        weights = self.kernel[0] * self.kernel[1] * (self.width_in // self.groups) * self.width
        return weights + self.width * (self.bias + 2 * self.norm)

    @property
    def folded_params(self) -> int:
        """Weights and bias after the normalisation is folded into them."""
        weights = self.kernel[0] * self.kernel[1] * (self.width_in // self.groups) * self.width
        return weights + self.width * (self.bias or self.norm)

    def macs(self, height: int, width: int) -> int:
        """Multiply-adds for an output of `height` x `width` pixels; bias and normalisation do not count."""
        return height * width * self.kernel[0] * self.kernel[1] * (self.width_in // self.groups) * self.width

    def outputs(self, height: int, width: int) -> int:
        """Elements of an output of `height` x `width` pixels."""
        return height * width * self.width

    def size(self, height: int, width: int) -> tuple[int, int]:
        """The (height, width) of the output for an input of `height` x `width` pixels.

        `same` gives ceil(n / stride), whether the padding is TensorFlow's or symmetric.
        """
        spans = self.dilation * (self.kernel[0] - 1) + 1, self.dilation * (self.kernel[1] - 1) + 1
        return _size((height, width), spans, self.stride, self.padding)


@dataclass(frozen=True, slots=True)
class Step:
    """One planned operation without parameters, which costs nothing as costs are counted here.

    kind: "max" or "avg", pooling over `kernel` x `kernel` pixels (avg counts the padding as zeros, unless
    it is "avg-inside"); "act", the activation `act`; "shuffle", which interleaves `groups` equal groups of
    channels; "scale", which multiplies by `factor`. padding: as of a convolution; "same" pads max-pooling with
    what is never the largest, and where one side must have more, that is the far one (TensorFlow),
    "symmetric" pads both alike (torch).
    width: of its output. reads: as of a convolution.
    """

    name: str
    kind: Literal["max", "avg", "avg-inside", "act", "shuffle", "scale"]
    width: int
    kernel: int = 1
    stride: int = 1
    padding: Literal["same", "symmetric", "valid"] = "symmetric"
    act: str = ""
    groups: int = 1
    factor: float = 1
    reads: str = ""

    # What costs are summed over.
    params = 0
    folded_params = 0
    pooled = False

    def macs(self, height: int, width: int) -> int:
        """None."""
        return 0

    def outputs(self, height: int, width: int) -> int:
        """None: activations are counted of convolutions."""
        return 0

    def size(self, height: int, width: int) -> tuple[int, int]:
        """The (height, width) of the output for an input of `height` x `width` pixels."""
        return _size((height, width), (self.kernel, self.kernel), self.stride, self.padding)


Layer: TypeAlias = Conv | Step


def _size(size: tuple[int, int], spans: tuple[int, int], stride: int, padding: str) -> tuple[int, int]:
    height, width = size
    if padding != "valid":
        return -(-height // stride), -(-width // stride)
    return (height - spans[0]) // stride + 1, (width - spans[1]) // stride + 1


def divisible(exact: float, divisor: int = 8, limit: float = 0.9) -> int:
    """The multiple of `divisor` nearest to `exact` channels, at least one and not below `limit` of it.

    `_make_divisible` of tensorflow/models slim/nets/mobilenet; `round_filters` of EfficientNet.
    """
    rounded = max(divisor, int(exact + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < limit * exact else rounded


def conv(name: str, width_in: int, width: int, kernel: int = 1, **rest: Any) -> Conv:
    """A `Conv` with a square kernel."""
    return Conv(name, width_in, width, (kernel, kernel), **rest)
