"""The scaling of a network's depth, width and resolution, with rounding of the results.

The published families, the proxy networks of a search and every scaling rule use `rescale`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from space.architecture import Architecture, Stage
from space.checks import ratio, whole
from space.conv import divisible
from space.refusal import unknown_name


@dataclass(frozen=True, slots=True)
class Multipliers:
    """The factors by which every stage's depth, every width, and the resolution are multiplied."""

    depth: float = 1.0
    width: float = 1.0
    resolution: float = 1.0


GROWTH = Multipliers(1.2, 1.1, 1.15)
"""The factors of depth, width and resolution for each step of compound scaling.

Source: Tan and Le 2019, "EfficientNet" (arXiv 1905.11946), section 3.3, step 1.
"""


@dataclass(frozen=True, slots=True)
class Rounding:
    """The rules by which scaled depths, widths and resolutions are rounded to whole numbers.

    divisor: widths become multiples of this number. limit: if the nearest multiple is below this fraction of the
    exact width, the next multiple is taken (0 switches the rule off). depth: "ceil" rounds depths up, "round" to
    the nearest. resolution: resolutions become multiples of this number of pixels.

    The defaults are EfficientNet's (tensorflow/tpu efficientnet_model.py: round_filters, round_repeats).
    google/automl, and with it EfficientNetV2-B1..B3, rounds widths with limit 0. Raises `UserError` for invalid
    values.
    """

    divisor: int = 8
    limit: float = 0.9
    depth: Literal["ceil", "round"] = "ceil"
    resolution: int = 1

    def __post_init__(self) -> None:
        whole("divisor", self.divisor)
        ratio("limit", self.limit, 0, 1)
        if self.depth not in ("ceil", "round"):
            raise unknown_name("rounding of depth", self.depth, ("ceil", "round"))
        whole("resolution", self.resolution)


EFFICIENTNET = Rounding()
AUTOML = Rounding(limit=0)


def rescale(
    architecture: Architecture, multipliers: Multipliers, rounding: Rounding = EFFICIENTNET
) -> Architecture:
    """Return `architecture` with each stage's depth, each width (stem and head included) and the resolution scaled.

    The results are rounded by the rules of `rounding`.

    >>> from space import published
    >>> b0 = published("b0").architecture
    >>> scaled = rescale(b0, Multipliers(depth=2, width=1.5))
    >>> (b0.depth, b0.stem.width), (scaled.depth, scaled.stem.width)
    ((16, 32), (32, 48))
    """
    depth, width = multipliers.depth, multipliers.width
    stem, head = architecture.stem, architecture.head

    def scaled(stage: Stage) -> Stage:
        return replace(
            stage,
            depth=round_depth(stage.depth, depth, rounding),
            width=stage_width(stage, width, rounding),
        )

    return replace(
        architecture,
        resolution=round_resolution(architecture.resolution, multipliers.resolution, rounding),
        stem=replace(stem, width=round_width(stem.width, width, rounding)),
        stages=tuple(map(scaled, architecture.stages)),
        head=replace(
            head,
            width=round_width(head.width, width, rounding),
            hidden=round_width(head.hidden, width, rounding),
        ),
    )


def stage_width(stage: Stage, multiplier: float, rounding: Rounding = EFFICIENTNET) -> int:
    """Return the width of `stage` times `multiplier`, rounded to a multiple of the divisor and of `stage.multiple`.

    The width is unchanged at multiplier 1, and where rounding would turn growth into shrinking or the reverse.
    """
    common = math.lcm(rounding.divisor, stage.multiple)
    return round_width(stage.width, multiplier, replace(rounding, divisor=common))


def round_width(width: int, multiplier: float, rounding: Rounding = EFFICIENTNET) -> int:
    """Return `width` channels times `multiplier`, rounded to a multiple of the divisor.

    The width is unchanged at multiplier 1, and where rounding would turn growth into shrinking or the reverse. A
    width of 0 (a head without a convolution) stays 0.
    """
    if multiplier == 1 or not width:
        return width
    rounded = divisible(width * multiplier, rounding.divisor, rounding.limit)
    return _not_reversed(width, multiplier, rounded)


def round_depth(depth: int, multiplier: float, rounding: Rounding = EFFICIENTNET) -> int:
    """Return `depth` blocks times `multiplier`, rounded by `rounding.depth`, at least 1."""
    exact = depth * multiplier
    # A product such as 25 * 2.2 is 55.00000000000001 in binary, so a billionth is subtracted before rounding up.
    whole = math.ceil(exact - 1e-9) if rounding.depth == "ceil" else math.floor(exact + 0.5)
    return max(1, whole)


def round_resolution(resolution: int, multiplier: float, rounding: Rounding = EFFICIENTNET) -> int:
    """Return `resolution` in pixels times `multiplier`, rounded to a multiple of `rounding.resolution`.

    It is unchanged at multiplier 1, and where rounding would turn growth into shrinking or the reverse.
    """
    if multiplier == 1:
        return resolution
    multiple = rounding.resolution
    rounded = max(multiple, math.floor(resolution * multiplier / multiple + 0.5) * multiple)
    return _not_reversed(resolution, multiplier, rounded)


def _not_reversed(size: int, multiplier: float, rounded: int) -> int:
    """Return `rounded`, or `size` if rounding has reversed the growth or the shrinking of `size`."""
    return max(size, rounded) if multiplier > 1 else min(size, rounded)
