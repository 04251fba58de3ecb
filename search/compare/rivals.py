"""Published networks as a user would have taken them for these images: the stem fitted, the width to equal cost."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from space import Architecture, Multipliers, Rounding, Stem, cost, published, rescale

TOLERANCE = 0.2
"""How far a rival's cost may be from the winner's, as a share of it."""
_DIVISORS = (8, 4, 2, 1)
"""Of widths: the usual one, and finer ones for networks so narrow that it misses the cost."""
_LEAST, _MOST, _GRID = 0.02, 16.0, 240
"""Widths that are tried: so many from the least to the most, each a few percent above the one before."""


@dataclass(frozen=True, slots=True)
class Rival:
    """A published network beside a winner. width: multiplies all its widths, which are multiples of `divisor`."""

    name: str
    architecture: Architecture
    width: float
    divisor: int

    def within(self, spent: Callable[[Architecture], float], target: float) -> bool:
        """Whether its cost is within `TOLERANCE` of the target."""
        return abs(spent(self.architecture) / target - 1) <= TOLERANCE


def rival(name: str, winner: Architecture, spent: Callable[[Architecture], float] | None = None) -> Rival:
    """The published network `name` for the winner's images, as dear as the winner, or as near as widths allow.

    spent: the cost that is to be equal; None: multiply-adds. Raises `Refused` for a name that is not published.
    """
    spent = spent or macs
    adapted, target = fitted(published(name).architecture, winner), spent(winner)
    found: list[Rival] = []
    for divisor in _DIVISORS:
        candidates = (Rival(name, *pair, divisor) for pair in _widths(adapted, divisor))
        found.append(min(candidates, key=lambda one: abs(math.log(spent(one.architecture) / target))))
        if found[-1].within(spent, target):
            return found[-1]
    return min(found, key=lambda one: abs(math.log(spent(one.architecture) / target)))


def fitted(network: Architecture, winner: Architecture) -> Architecture:
    """`network` for the winner's images, classes and total stride.

    ImageNet's networks divide the side by 32, which leaves nothing of 32 pixels. So strides become 1 from the front
    on, the stem first, until the last map is as large as the winner's; that is what is usually done by hand.
    """
    stages = list(network.stages)
    stem = network.stem
    made = replace(network, resolution=winner.resolution, classes=winner.classes, channels=winner.channels)
    if made.stride > winner.stride and stem.reduction > 1:
        # Also of a stem that pools: a plain convolution of 3 x 3 in its place.
        stem = Stem(stem.width, 3, 1, stem.act)
        made = replace(made, stem=stem)
    for number, stage in enumerate(stages):
        if made.stride <= winner.stride:
            break
        stages[number] = replace(stage, stride=1)
        made = replace(made, stages=tuple(stages))
    return made


def macs(network: Architecture) -> float:
    """Multiply-adds for one image."""
    return float(cost(network).macs)


def _widths(network: Architecture, divisor: int) -> Iterator[tuple[Architecture, float]]:
    """`network` in all widths, each network once."""
    seen = set()
    for step in range(_GRID):
        width = _LEAST * (_MOST / _LEAST) ** (step / (_GRID - 1))
        made = rescale(network, Multipliers(width=width), Rounding(divisor=divisor))
        if made not in seen:
            seen.add(made)
            yield made, width
