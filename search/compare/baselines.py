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
_TRIES = 6
_LEAST, _MOST, _GRID = 0.02, 16.0, 240
"""Widths that are tried: so many from the least to the most, each a few percent above the one before."""


@dataclass(frozen=True, slots=True)
class Rival:
    """A published network beside a winner. width: multiplies all its widths, which are multiples of `divisor`.

    ratio: its cost over the winner's.
    """

    name: str
    architecture: Architecture
    width: float
    divisor: int
    ratio: float

    @property
    def equal(self) -> bool:
        """Whether its cost is within `TOLERANCE` of the winner's."""
        return abs(self.ratio - 1) <= TOLERANCE


def rival(name: str, winner: Architecture, times: float = 1.0) -> Rival:
    """The published network `name` for the winner's images, with `times` the winner's multiply-adds.

    Or as near as widths allow; its ratio is of that. Raises `UserError` for a name that is not published.
    """
    adapted, target = fitted(published(name).architecture, winner), times * cost(winner).macs
    found: list[Rival] = []
    for divisor in _DIVISORS:
        candidates = (
            Rival(name, made, width, divisor, cost(made).macs / target)
            for made, width in _widths(adapted, divisor)
        )
        found.append(min(candidates, key=_off))
        if found[-1].equal:
            return found[-1]
    return min(found, key=_off)


def rival_by_step(
    name: str, winner: Architecture, ratio: Callable[[Architecture, Architecture], float]
) -> Rival:
    """The same with the winner's step time: ratio(network, winner) measures one over the other.

    Its multiply-adds are corrected by what was measured until that is within `TOLERANCE`, six times at most.
    """
    times, found = 1.0, []
    for _ in range(_TRIES):
        made = rival(name, winner, times)
        found.append(replace(made, ratio=ratio(made.architecture, winner)))
        if found[-1].equal:
            break
        times /= found[-1].ratio
    return min(found, key=_off)


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


def _off(found: Rival) -> float:
    return abs(math.log(found.ratio))


def _widths(network: Architecture, divisor: int) -> Iterator[tuple[Architecture, float]]:
    """`network` in all widths, each network once."""
    seen = set()
    for step in range(_GRID):
        width = _LEAST * (_MOST / _LEAST) ** (step / (_GRID - 1))
        made = rescale(network, Multipliers(width=width), Rounding(divisor=divisor))
        if made not in seen:
            seen.add(made)
            yield made, width
