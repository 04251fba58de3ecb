"""Block families: the layers of each kind of block, and the functions that run them.

A family is one file with a `Family` value. Its `plan` returns the layers of a block, from which costs are computed
and modules are built. Its `forward` runs the modules of exactly these layers; torch is imported only there, if at
all. To add a family, write such a file and add one line to `BLOCKS` in `registry.py`.
"""

from space.blocks.family import Family
from space.blocks.registry import BLOCKS

__all__ = ["BLOCKS", "Family"]
