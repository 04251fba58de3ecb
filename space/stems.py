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


STEMS: Registry[Callable[[Stem, int], tuple[Layer, ...]]] = Registry(
    "compound_nas.stems", {"conv": plain, "pool": pooled}
)
"""Every stem by the name that architectures and spaces use for it: the extension point."""
