"""Stems: the layers before the first block.

A kind of stem is a function of (stem, image channels) that returns the planned layers in order. The last layer has
`stem.width` channels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from space.checks import act, odd, stride, whole
from space.conv import Layer, Step, conv
from space.extension_points import Registry
from space.refusal import unknown_name


@dataclass(frozen=True, slots=True)
class Stem:
    """The layers before the first block.

    width: the output channels of the stem. kernel: the kernel's side in the first convolution, odd; in "xception"
    also in the second. stride: the stride of the first convolution, 1 or 2. act: the activation of all convolutions.
    op: the kind of stem, a key of `STEMS`. Raises `UserError` for invalid values.
    """

    width: int
    kernel: int = 3
    stride: int = 2
    act: str = "silu"
    op: str = "conv"

    def __post_init__(self) -> None:
        if self.op not in STEMS:
            raise unknown_name("stem.op", self.op, STEMS)
        whole("stem.width", self.width)
        odd("stem.kernel", self.kernel)
        stride("stem.stride", self.stride)
        act("stem.act", self.act)

    @property
    def reduction(self) -> int:
        """The product of the strides. The output's side is the image's side divided by this number, rounded.

        Layers without padding make the output smaller still.
        """
        return prod(layer.stride for layer in STEMS[self.op](self, 1))


def plain(stem: Stem, channels: int) -> tuple[Layer, ...]:
    """Return the layers of the stem: one convolution."""
    return (conv("conv", channels, stem.width, stem.kernel, stride=stem.stride, act=stem.act),)


def pooled(stem: Stem, channels: int) -> tuple[Layer, ...]:
    """Return the layers of the stem: a convolution, and max-pooling of stride 2 (ShuffleNet, ResNet)."""
    return (*plain(stem, channels), Step("pool", "max", stem.width, 3, 2))


def folded(stem: Stem, channels: int) -> tuple[Layer, ...]:
    """Return one convolution with a bias, into which its normalisation has been folded (BlazeFace as released)."""
    more = {"stride": stem.stride, "act": stem.act, "bias": True, "norm": False}
    return (conv("conv", channels, stem.width, stem.kernel, **more),)


def xception(stem: Stem, channels: int) -> tuple[Layer, ...]:
    """Return two convolutions without padding, the first half as wide as the second (timm.models.xception)."""
    half = max(1, stem.width // 2)
    return (
        conv("conv", channels, half, stem.kernel, stride=stem.stride, act=stem.act, padding="valid"),
        conv("conv_2", half, stem.width, stem.kernel, act=stem.act, padding="valid"),
    )


def googlenet(stem: Stem, channels: int) -> tuple[Layer, ...]:
    """Return the layers: a convolution, pooling, two more convolutions, pooling (torchvision.models.googlenet)."""
    third = max(1, stem.width // 3)
    return (
        conv("conv", channels, third, stem.kernel, stride=stem.stride, act=stem.act),
        Step("pool", "max", third, 3, 2, "ceil"),
        conv("conv_2", third, third, act=stem.act),
        conv("conv_3", third, stem.width, 3, act=stem.act),
        Step("pool_2", "max", stem.width, 3, 2, "ceil"),
    )


def inception(stem: Stem, channels: int) -> tuple[Layer, ...]:
    """Return five convolutions and two poolings, most of them without padding (InceptionV3, Inception-ResNet)."""
    third, wide = max(1, stem.width // 3), max(1, stem.width * 5 // 12)
    return (
        *_opening(stem, channels, third),
        Step("pool", "max", third, 3, 2, "valid"),
        conv("conv_4", third, wide, act=stem.act),
        conv("conv_5", wide, stem.width, 3, act=stem.act, padding="valid"),
        Step("pool_2", "max", stem.width, 3, 2, "valid"),
    )


def inception_v4(stem: Stem, channels: int) -> tuple[Layer, ...]:
    """Return the three convolutions before InceptionV4's first branches."""
    return _opening(stem, channels, stem.width)


def _opening(stem: Stem, channels: int, width: int) -> tuple[Layer, ...]:
    half = max(1, width // 2)
    return (
        conv("conv", channels, half, stem.kernel, stride=stem.stride, act=stem.act, padding="valid"),
        conv("conv_2", half, half, 3, act=stem.act, padding="valid"),
        conv("conv_3", half, width, 3, act=stem.act),
    )


STEMS: Registry[Callable[[Stem, int], tuple[Layer, ...]]] = Registry(
    "compound_nas.stems",
    {
        "conv": plain,
        "pool": pooled,
        "folded": folded,
        "xception": xception,
        "googlenet": googlenet,
        "inception": inception,
        "inceptionv4": inception_v4,
    },
)
"""A mapping of `Stem.op` to the function that plans such a stem. Other packages can add kinds of stems."""
