"""The scaling rules, each with its source.

A rule consists of two pure functions. Its law gives the multipliers of depth, width and resolution at phi. Its shape
applies them to a network. phi = 0 changes nothing. So that rules can be compared at equal phi, the product
depth * width^2 * resolution^2 is about 2^phi in each (compound: 1.92^phi, as published; v2: 2.12^phi). Only `shrink`
takes phi from published multiply-adds instead.

Costs rise with phi, but not at every step. MACs can fall where a block rounds its inner widths too (SandGlass,
ShuffleNetV1), and activations where a resolution divides differently by the strides. The parameters of `shrink`
fall at the last step, to phi = 0, since its largest network below 0 is deeper than the base.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from scaling.compound import PAPER, PHI_LIMIT, Coefficients, checked_phi
from space import Architecture, Multipliers, Rounding, UserError, cost, rescale
from space.rescale import AUTOML, EFFICIENTNET, round_depth, stage_width


class Law(Protocol):
    """A scaling law: a function from phi to the multipliers of depth, width and resolution."""

    def at(self, phi: float) -> Multipliers:
        """Return the multipliers at `phi`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that scales networks.

    summary, source: a description, and the paper or code of the rule. law: the function from phi to multipliers.
    shape: the function of (base, multipliers, rounding) that returns the scaled network. rounding: the rounding that
    the source uses. free: True if users can choose the coefficients. lowest, highest: the range of phi. train_share:
    the training resolution divided by the evaluation resolution; rules scale the latter.
    """

    name: str
    summary: str
    source: str
    law: Law
    shape: Callable[[Architecture, Multipliers, Rounding], Architecture] = rescale
    rounding: Rounding = EFFICIENTNET
    free: bool = False
    lowest: float = -PHI_LIMIT
    highest: float = PHI_LIMIT
    train_share: float = 1.0

    def at(self, phi: float) -> Multipliers:
        """Return the multipliers at `phi`. Raises `UserError` outside of the range of the rule."""
        if not self.lowest <= checked_phi(phi) <= self.highest:
            span = f"{self.lowest:.4g} to {self.highest:g}"
            raise UserError(f"phi is {phi:g}; rule {self.name} takes {span} ({self.summary}).")
        return self.law.at(phi)

    def fitted(self, coefficients: Coefficients) -> Rule:
        """Return this rule with other coefficients. Raises `UserError` if it has no free coefficients."""
        if not self.free:
            free = ", ".join(rule.name for rule in RULES.values() if rule.free)
            raise UserError(f"Rule {self.name} has no coefficients to choose; these have: {free}.")
        return replace(self, law=coefficients)


def fast(share: float = 0.8) -> Rule:
    """Return the rule of fast compound scaling.

    share: the share a of the growth in multiply-adds that goes to width, 0 to 1 (alpha in the paper). Depth and
    resolution have equal shares of the rest: with s = 2^phi, d = s^((1-a)/2), w = s^(a/2), r = s^((1-a)/4).
    Activations, with which the paper explains the speed of a GPU, then grow only like s^(1-a/2). 0.8 is the paper's
    "dWr". Raises `UserError` for a share outside of 0 to 1.
    """
    if not 0 <= share <= 1:
        raise UserError(f"Rule fast: width's share is {share:g}; it must be a number from 0 to 1.")
    return Rule(
        "fast",
        f"mostly wider: width takes {share:g} of the growth",
        "Dollar et al. 2021, Fast and Accurate Model Scaling; pycls models/scaler.py, d1_w8_g8_r1",
        Coefficients(2 ** ((1 - share) / 2), 2 ** (share / 2), 2 ** ((1 - share) / 4)),
        rounding=Rounding(limit=0, depth="round", resolution=4),
    )


# No coefficients of V2 were published. Depth and width of V1's B4 (1.8, 1.4), B5 (2.2, 1.6) and B7 (3.1, 2.0),
# applied to V2-B0, give the uniformly scaled part of V2-S, M and L, except for two widths: stages 4 and 6 of V2-S
# have 128 and 256 channels in Google's code, not 136 and 272. The coefficients here are ours. At phi 3.1, 4.2 and 6.2
# they round to the same three uniform networks and, in multiples of 32 pixels, to 384, 480 and 480.
V2 = Coefficients(1.2, 1.118, 1.19)
V2_MAX_PIXELS = 480
# Stage 5 of V2-S, M and L has 0, 3 and 3 blocks more than uniform scaling gives. So its depth has a further factor,
# which rises from 1 to 1.22 between the depth multipliers 1.8 (above V2-S's) and 2.1 (below V2-M's). 1.22 lies within
# the bounds that follow from M and L (1.210 to 1.227).
_LATE, _LATE_FROM, _LATE_TO = 1.22, 1.8, 2.1


def nonuniform(base: Architecture, multipliers: Multipliers, rounding: Rounding) -> Architecture:
    """Return `base` scaled as EfficientNetV2: extra blocks in the last stage but one, fixed head, at most 480 pixels.

    There are extra blocks only if depth is multiplied by more than 1.8. If the base's images are larger than 480
    pixels, their size is the maximum instead. The stem grows at most to the width of the first stage, and never
    shrinks.
    """
    width, late = multipliers.width, max(0, len(base.stages) - 2)
    ramp = (multipliers.depth - _LATE_FROM) / (_LATE_TO - _LATE_FROM)
    extra = 1 + (_LATE - 1) * min(1.0, max(0.0, ramp))
    stages = tuple(
        replace(
            stage,
            depth=round_depth(stage.depth, multipliers.depth * (extra if i == late else 1), rounding),
            width=stage_width(stage, width, rounding),
        )
        for i, stage in enumerate(base.stages)
    )
    scaled = rescale(base, multipliers, rounding)
    stem = max(base.stem.width, min(scaled.stem.width, stages[0].width))
    max_pixels = max(V2_MAX_PIXELS, base.resolution)
    return replace(
        base,
        resolution=min(max_pixels, scaled.resolution),
        stem=replace(base.stem, width=stem),
        stages=stages,
    )


@dataclass(frozen=True, slots=True)
class Rows:
    """A law given by a table. Between its rows, the logarithms of the multipliers are interpolated linearly in phi.

    rows: the pairs (phi, multipliers) in ascending order of phi. Between the last row and phi = 0, the last row
    applies. At phi = 0 all multipliers are 1.
    """

    rows: tuple[tuple[float, Multipliers], ...]

    def at(self, phi: float) -> Multipliers:
        """Return the multipliers at `phi`, which must lie between the first row and 0."""
        if phi >= 0:
            return Multipliers()
        for (low, small), (high, large) in zip(self.rows, self.rows[1:], strict=False):
            if phi <= high:
                share = (phi - low) / (high - low)
                return Multipliers(
                    small.depth * (large.depth / small.depth) ** share,
                    small.width * (large.width / small.width) ** share,
                    small.resolution * (large.resolution / small.resolution) ** share,
                )
        return self.rows[-1][1]


def _tinynet(depth: float, width: float, resolution: int, mflops: int) -> tuple[float, Multipliers]:
    """Return a row of TinyNet's table. Its phi is the binary logarithm of the network's FLOPs over B0's 385.8M."""
    return math.log2(mflops / 385.814752), Multipliers(depth, width, resolution / 224)


TINYNET = Rows(
    (
        _tinynet(0.60, 0.51, 106, 24),
        _tinynet(0.695, 0.54, 152, 52),
        _tinynet(0.85, 0.54, 184, 100),
        _tinynet(1.1, 0.75, 188, 202),
        _tinynet(1.2, 1.0, 192, 339),
    )
)


def shrunk(base: Architecture, multipliers: Multipliers, rounding: Rounding) -> Architecture:
    """Return `base` scaled as TinyNet, with the widths of stem and head unchanged.

    TinyNet's largest row has a depth multiplier above 1. If the rounded network has more MACs than the base, the base
    is returned, so that MACs don't fall towards phi = 0.
    """
    scaled = replace(rescale(base, multipliers, rounding), stem=base.stem, head=base.head)
    return scaled if cost(scaled).macs <= cost(base).macs else base


_EQUATION = "Tan and Le 2019, EfficientNet, equation 3"

_ALL = (
    Rule(
        "compound",
        "deeper, wider and larger images together",
        f"{_EQUATION} and section 3.3",
        PAPER,
        free=True,
    ),
    Rule(
        "v2",
        "extra depth in late stages, fixed head, at most 480 pixels",
        "Tan and Le 2021, EfficientNetV2, section 4.1, in words; constants derived from google/automl "
        "effnetv2_configs.py, V2-S, M and L",
        V2,
        nonuniform,
        AUTOML,
        free=True,
        train_share=0.8,
    ),
    fast(),
    Rule("depth", "deeper only", f"{_EQUATION}, depth only", Coefficients(2, 1, 1)),
    Rule("width", "wider only", f"{_EQUATION}, width only", Coefficients(1, math.sqrt(2), 1)),
    Rule(
        "resolution",
        "larger images only",
        f"{_EQUATION}, resolution only",
        Coefficients(1, 1, math.sqrt(2)),
    ),
    Rule(
        "shrink",
        "smaller, as TinyNet: interpolated between its five published rows",
        "Han et al. 2020, Model Rubik's Cube; the rows of TinyNet-A to E",
        TINYNET,
        shrunk,
        Rounding(depth="round"),
        lowest=TINYNET.rows[0][0],
        highest=0,
    ),
    Rule(
        "lacs",
        "depth fastest, images slowest, for accelerators",
        "Li et al. 2021, EfficientNet-X; our fit, within 1%, to its GPU rows in tensorflow/tpu "
        "efficientnet_x_builder.py",
        Coefficients(2**0.38, 2**0.21, 2**0.10),
        free=True,
    ),
)

RULES: dict[str, Rule] = {rule.name: rule for rule in _ALL}
"""Every scaling rule by name. A new rule is a further entry of `_ALL`."""
