"""Stems: the layers before the first block, one after the other.

A stem is a function (stem, channels) -> its layers, of which the last has `stem.width` channels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from space.conv import Layer, Step, conv
from space.registry import Registry

if TYPE_CHECKING:
    from space.architecture import Stem


def plain(stem: Stem, channels: int) -> tuple[Layer, ...]:
    """One convolution."""
    return (conv("conv", channels, stem.width, stem.kernel, stride=stem.stride, act=stem.act),)


def pooled(stem: Stem, channels: int) -> tuple[Layer, ...]:
    """A convolution and max-pooling of stride 2, as ShuffleNet has them."""
    return (*plain(stem, channels), Step("pool", "max", stem.width, 3, 2))


def folded(stem: Stem, channels: int) -> tuple[Layer, ...]:
    """One convolution with a bias, into which its normalisation has been folded: BlazeFace's, as released."""
    more = {"stride": stem.stride, "act": stem.act, "bias": True, "norm": False}
    return (conv("conv", channels, stem.width, stem.kernel, **more),)


def xception(stem: Stem, channels: int) -> tuple[Layer, ...]:
    """Two convolutions without padding, the first half as wide (timm.models.xception)."""
    half = max(1, stem.width // 2)
    return (
        conv("conv", channels, half, stem.kernel, stride=stem.stride, act=stem.act, padding="valid"),
        conv("conv_2", half, stem.width, stem.kernel, act=stem.act, padding="valid"),
    )


STEMS: Registry[Callable[[Stem, int], tuple[Layer, ...]]] = Registry(
    "compound_nas.stems", {"conv": plain, "pool": pooled, "folded": folded, "xception": xception}
)
"""Every stem by the name that architectures and spaces use for it: the extension point."""
