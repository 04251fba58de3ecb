"""The block families by the op of a stage. To add a family, write a file beside this one and a line in `BLOCKS`."""

from space.blocks.blaze import BLAZE, BLAZE_DOUBLE
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
