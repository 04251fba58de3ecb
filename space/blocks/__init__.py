"""Block families: what convolutions a block consists of, and how they are joined.

A family is one file with a `Family` value. Its `plan` is read by the cost model and by the network alike;
its `forward` joins exactly the planned convolutions and needs no torch import: it calls layers and
multiplies or adds what they return.
"""

from space.blocks.family import Family
from space.blocks.fused import FUSED
from space.blocks.mbconv import MBCONV
from space.registry import Registry

BLOCKS = Registry("compound_nas.blocks", {"mb": MBCONV, "fused": FUSED})
"""Every block family by the name that architectures and spaces use for it: the extension point."""

__all__ = ["BLOCKS", "Family"]
