"""The two kinds of planned layers: convolutions, and steps, which have no parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

ACTIVATIONS = ("silu", "relu", "relu6", "hardswish", "sigmoid")


@dataclass(frozen=True, slots=True)
class Conv:
    """One planned convolution, with the normalisation and activation that follow it.

    kernel: (height, width).
    dilations: (channels, row dilation, column dilation) for each group of output channels; () if all channels have
        `dilation`.
    padding: "same" pads so that the output has ceil(size / stride) pixels along each axis; "valid" does not pad.
    act: one of `ACTIVATIONS`, "hardsigmoid" for gates, or "" for none.
    reads: the name of the layer whose output is the convolution's input. Several names are joined by "+", and their
        outputs are concatenated. "input" is the block's input, and "" the layer planned before (for the first layer,
        the block's input). If the convolution reads only a part of these channels, `width_in` counts that part.
    pooled: True if the convolution reads the spatial mean, a 1x1 map, as in squeeze-excitation and the classifier.
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
        """The number of trainable parameters: weights, bias, and the scale and shift of the normalisation."""
        weights = self.kernel[0] * self.kernel[1] * (self.width_in // self.groups) * self.width
        return weights + self.width * (self.bias + 2 * self.norm)

    @property
    def folded_params(self) -> int:
        """The number of weights and biases once the normalisation is folded into them."""
        weights = self.kernel[0] * self.kernel[1] * (self.width_in // self.groups) * self.width
        return weights + self.width * (self.bias or self.norm)

    def macs(self, height: int, width: int) -> int:
        """Return the multiply-adds, without bias and normalisation, for an output of `height` x `width` pixels."""
        return height * width * self.kernel[0] * self.kernel[1] * (self.width_in // self.groups) * self.width

    def outputs(self, height: int, width: int) -> int:
        """Return the number of elements of an output of `height` x `width` pixels."""
        return height * width * self.width

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Return the (height, width) of the output for an input of `height` x `width` pixels.

        With "same" padding the result is the same whether a network pads like TensorFlow or symmetrically.
        """
        spans = self.dilation * (self.kernel[0] - 1) + 1, self.dilation * (self.kernel[1] - 1) + 1
        return _size((height, width), spans, self.stride, self.padding)


@dataclass(frozen=True, slots=True)
class Step:
    """One planned operation without parameters. It adds nothing to parameters, MACs and activations.

    kind: "max", "avg" or "avg-inside" pools over `kernel` x `kernel` pixels ("avg" counts the padding as zeros,
        "avg-inside" ignores it); "act" applies the activation `act`; "shuffle" interleaves `groups` equal groups of
        channels; "scale" multiplies by `factor`.
    width: the number of channels of its output.
    padding: "symmetric" pads both sides alike (torch), "valid" does not pad. Max-pooling has two further kinds:
        "same" pads the far side more where the two sides differ (TensorFlow). "ceil" does not pad, but its last
        window may reach beyond the map (torch's ceil_mode).
    reads: the layers that are the input, as in `Conv`.
    """

    name: str
    kind: Literal["max", "avg", "avg-inside", "act", "shuffle", "scale"]
    width: int
    kernel: int = 1
    stride: int = 1
    padding: Literal["same", "symmetric", "valid", "ceil"] = "symmetric"
    act: str = ""
    groups: int = 1
    factor: float = 1
    reads: str = ""

    # Costs are summed over all layers, so steps have these attributes of `Conv` too.
    params = 0
    folded_params = 0
    pooled = False

    def macs(self, height: int, width: int) -> int:
        """Return 0: steps count no multiply-adds."""
        return 0

    def outputs(self, height: int, width: int) -> int:
        """Return 0: only convolutions count activations."""
        return 0

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Return the (height, width) of the output for an input of `height` x `width` pixels."""
        return _size((height, width), (self.kernel, self.kernel), self.stride, self.padding)


Layer: TypeAlias = Conv | Step


def _size(size: tuple[int, int], spans: tuple[int, int], stride: int, padding: str) -> tuple[int, int]:
    height, width = size
    if padding == "ceil":
        return -((spans[0] - height) // stride) + 1, -((spans[1] - width) // stride) + 1
    if padding == "valid":
        return (height - spans[0]) // stride + 1, (width - spans[1]) // stride + 1
    return -(-height // stride), -(-width // stride)


def divisible(exact: float, divisor: int = 8, limit: float = 0.9) -> int:
    """Return the positive multiple of `divisor` nearest to `exact`.

    If that is below `limit` * `exact`, the next larger multiple is returned.

    Source: `_make_divisible` of tensorflow/models slim/nets/mobilenet; `round_filters` of EfficientNet.
    """
    rounded = max(divisor, int(exact + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < limit * exact else rounded


def conv(name: str, width_in: int, width: int, kernel: int = 1, **rest: Any) -> Conv:
    """Return a `Conv` with a square kernel."""
    return Conv(name, width_in, width, (kernel, kernel), **rest)
