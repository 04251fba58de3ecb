"""Block families: the layers of each kind of block, and the way in which they are joined.

A family is one file with a `Family` value. Its `plan` returns the layers of a block, from which costs are computed
and modules are built. Its `forward` runs the modules of exactly these layers; torch is imported only there, if at
all. To add a family, write such a file and add one line to `BLOCKS`.
"""

from space.blocks.blaze import BLAZE, BLAZE_DOUBLE
from space.blocks.family import Family
from space.blocks.fused import FUSED, FUSED_KEEP
from space.blocks.inception import INCEPTION
from space.blocks.mbconv import MBCONV
from space.blocks.mobilenet_v3 import MOBILENET_V3
from space.blocks.residual import BASIC
from space.blocks.sandglass import SANDGLASS, SANDGLASS_KEEP
from space.blocks.separable import SEPARABLE
from space.blocks.shuffle import SHUFFLE
from space.blocks.shuffle_v2 import SHUFFLE_V2
from space.blocks.uib import UIB
from space.blocks.xception import XCEPTION, XCEPTION_END
from space.extension_points import Registry

BLOCKS = Registry(
    "compound_nas.blocks",
    {
        "mb": MBCONV,
        "fused": FUSED,
        "fusedkeep": FUSED_KEEP,
        "mbv3": MOBILENET_V3,
        "dw": SEPARABLE,
        "sandglass": SANDGLASS,
        "sandglasskeep": SANDGLASS_KEEP,
        "shuffle": SHUFFLE,
        "shufflev2": SHUFFLE_V2,
        "xception": XCEPTION,
        "xceptionend": XCEPTION_END,
        "blaze": BLAZE,
        "blazedouble": BLAZE_DOUBLE,
        "inception": INCEPTION,
        "basic": BASIC,
        "uib": UIB,
    },
)
"""A mapping of `Stage.op` to the block family. Other packages can add families."""

__all__ = ["BLOCKS", "Family"]
