"""The convolution: the unit that a network is planned, counted and built in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

ACTIVATIONS = ("silu", "relu", "relu6", "hardswish", "sigmoid")


@dataclass(frozen=True, slots=True)
class Conv:
    """One planned convolution, with the normalisation and activation that follow it.

    A convolution reads the one planned before it in its block (the first reads the block's input), unless
    `reads` names another; `"input"` is the block's input. `pooled` says that it reads the spatial mean of
    that, a 1x1 map, as squeeze-excitation and the classifier do.
    """

    name: str
    width_in: int
    width: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    groups: int = 1
    dilation: int = 1
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

    def macs(self, height: int, width: int) -> int:
        """Multiply-adds for an output of `height` x `width` pixels; bias and normalisation do not count."""
        return height * width * self.kernel[0] * self.kernel[1] * (self.width_in // self.groups) * self.width

    def size(self, height: int, width: int) -> tuple[int, int]:
        """The (height, width) of the output for an input of `height` x `width` pixels.

        `same` gives ceil(n / stride), whether the padding is TensorFlow's or symmetric.
        """
        if self.padding == "same":
            return -(-height // self.stride), -(-width // self.stride)
        span_h, span_w = (self.dilation * (k - 1) + 1 for k in self.kernel)
        return (height - span_h) // self.stride + 1, (width - span_w) // self.stride + 1


def conv(name: str, width_in: int, width: int, kernel: int = 1, **rest: Any) -> Conv:
    """A `Conv` with a square kernel."""
    return Conv(name, width_in, width, (kernel, kernel), **rest)
