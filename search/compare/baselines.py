"""Published networks as baselines: reduce strides for the images, and choose the width so that the cost is equal."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from space import Architecture, Multipliers, Rounding, Stem, cost, published, rescale

TOLERANCE = 0.2
"""The largest relative difference between the cost of a baseline and the winner's that counts as equal."""
_DIVISORS = (8, 4, 2, 1)
"""The divisors of widths: the usual one, and finer ones for networks so narrow that it misses the cost."""
_MAX_TRIES = 6
_MIN_WIDTH, _MAX_WIDTH, _WIDTHS = 0.02, 16.0, 240
"""The range and the number of the width multipliers tried, in equal ratios of a few percent."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """A published network adapted to a winner.

    width: the multiplier of all its widths, which are multiples of `divisor`. ratio: the cost relative to the
    winner's.
    """

    name: str
    architecture: Architecture
    width: float
    divisor: int
    ratio: float

    @property
    def equal(self) -> bool:
        """True if its cost is within `TOLERANCE` of the winner's."""
        return abs(self.ratio - 1) <= TOLERANCE


def baseline(name: str, winner: Architecture, times: float = 1.0) -> Baseline:
    """Return the published network `name` for the winner's images, with `times` the winner's multiply-adds.

    Where no width gives that cost, the nearest one is taken. Raises `UserError` for a name that is not published.
    """
    adapted, target = adapt(published(name).architecture, winner), times * cost(winner).macs
    nearest: list[Baseline] = []
    for divisor in _DIVISORS:
        candidates = (
            Baseline(name, network, width, divisor, cost(network).macs / target)
            for network, width in _widths(adapted, divisor)
        )
        nearest.append(min(candidates, key=_distance))
        if nearest[-1].equal:
            return nearest[-1]
    return min(nearest, key=_distance)


def baseline_by_step(
    name: str, winner: Architecture, ratio: Callable[[Architecture, Architecture], float]
) -> Baseline:
    """Return the published network `name` with the winner's step time. ratio(network, winner): measures it.

    Its multiply-adds are corrected by the measured ratio until that is within `TOLERANCE`, at most six times.
    """
    times, tried = 1.0, []
    for _ in range(_MAX_TRIES):
        candidate = baseline(name, winner, times)
        tried.append(replace(candidate, ratio=ratio(candidate.architecture, winner)))
        if tried[-1].equal:
            break
        times /= tried[-1].ratio
    return min(tried, key=_distance)


def adapt(network: Architecture, winner: Architecture) -> Architecture:
    """Return `network` for the winner's images and classes, with at most the winner's total stride.

    Networks for ImageNet divide the side of an image by 32, which leaves one pixel of 32. Strides become 1 from the
    front on, beginning with the stem, until the last map is as large as the winner's, as is usually done by hand.
    """
    stages = list(network.stages)
    stem = network.stem
    adapted = replace(network, resolution=winner.resolution, classes=winner.classes, channels=winner.channels)
    if adapted.stride > winner.stride and stem.reduction > 1:
        # Also a stem that pools is replaced by a plain convolution of 3 x 3.
        stem = Stem(stem.width, 3, 1, stem.act)
        adapted = replace(adapted, stem=stem)
    for number, stage in enumerate(stages):
        if adapted.stride <= winner.stride:
            break
        stages[number] = replace(stage, stride=1)
        adapted = replace(adapted, stages=tuple(stages))
    return adapted


def _distance(candidate: Baseline) -> float:
    return abs(math.log(candidate.ratio))


def _widths(network: Architecture, divisor: int) -> Iterator[tuple[Architecture, float]]:
    """Yield `network` at all widths, each distinct network once."""
    seen = set()
    for step in range(_WIDTHS):
        width = _MIN_WIDTH * (_MAX_WIDTH / _MIN_WIDTH) ** (step / (_WIDTHS - 1))
        rescaled = rescale(network, Multipliers(width=width), Rounding(divisor=divisor))
        if rescaled not in seen:
            seen.add(rescaled)
            yield rescaled, width
