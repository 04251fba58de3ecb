"""Rivals of a network: published networks, scaled to be as large as the network's costs permit.

Depth and width shrink or grow together in one constant direction, EfficientNet's (`space.rescale.GROWTH`), at the
resolution of the network. Widths are multiples of 8. If these leave more than `GAP` of the cost unused, multiples of
4 are tried. If one block more costs too much and one block less leaves too much unused, only the width is scaled, at
the depth for which it changes less. As the last resort the next larger rival is taken, which favours the rival.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from operator import itemgetter
from typing import Protocol

from space.architecture import Architecture
from space.catalog import published
from space.rescale import GROWTH, Multipliers, Rounding, rescale
from space.stems import Stem

GAP = 0.05
"""The share of the cost that a rival may leave unused. If all leave more, the next larger rival is taken."""
NARROWEST = 8
"""The smallest width of a rival. A narrower network has little in common with the published one."""
_DIVISORS = (8, 4)
"""The divisors of widths: the usual one, and a finer one."""
_LOWEST, _HIGHEST, _STEP = -32.0, 16.0, 0.05
"""The range and the step of phi, the exponent of scaling: depth is multiplied by 1.2^phi and width by 1.1^phi."""
_PLACES = round((_HIGHEST - _LOWEST) / _STEP) + 1
_CORRECTIONS = 6
"""The largest number of rivals that are measured to find one whose measured cost fills the bound."""

CostOf = Callable[[str, Architecture], float]
"""A function of (name of a cost, network) that returns this cost, in the unit of `space.cost.table`."""


class Frame(Protocol):
    """The images, the number of classes and the total stride that a rival takes over from another network."""

    @property
    def resolution(self) -> int: ...
    @property
    def channels(self) -> int: ...
    @property
    def classes(self) -> int: ...
    @property
    def stride(self) -> int: ...


@dataclass(frozen=True)
class Match:
    """The costs within which rivals of a network stay.

    bounds: the largest permitted cost, by the names of `space.cost.table`. cost: the function that returns the costs
    of a network. strict: True if a rival must not exceed a bound. It then has widths that are multiples of 8 where
    such a rival exists, even if it leaves more than `GAP` unused, since onnxruntime is slower with other widths.
    """

    bounds: Mapping[str, float]
    cost: CostOf
    strict: bool = False

    def share(self, network: Architecture) -> float:
        """Return the largest ratio of a cost of `network` to its bound: at most 1 if it keeps all bounds."""
        return max(self.cost(name, network) / bound for name, bound in self.bounds.items())


@dataclass(frozen=True)
class Rival:
    """A published network adapted to another network's images and costs.

    phi: the exponent of the scaling of widths, which are multiplied by 1.1^phi; 0 leaves them as published. Depth
    mostly has the same phi. divisor: the number of which scaled widths are multiples.
    """

    name: str
    architecture: Architecture
    phi: float
    divisor: int
    match: Match = field(repr=False)

    @cached_property
    def share(self) -> float:
        """The largest ratio of a cost to its bound: above 1 only if no rival within the bounds was near enough."""
        return self.match.share(self.architecture)

    @property
    def left(self) -> float:
        """The share of the cost that the rival leaves unused; negative if it exceeds the bound."""
        return 1 - self.share

    def __str__(self) -> str:
        return f"{self.architecture.depth} blocks, width x {GROWTH.width**self.phi:.2f}"


def match_of(network: Architecture, costs: Iterable[str], cost: CostOf) -> Match:
    """Return the bounds that `network` sets: its own amounts of these costs."""
    return Match({name: cost(name, network) for name in costs}, cost)


def rival(name: str, frame: Frame, match: Match) -> Rival | None:
    """Return the published network `name` for the images of `frame`, as large as `match` permits.

    If every rival within the bounds leaves more than `GAP` unused, the next larger one is returned, unless the match
    is strict. Returns None if all rivals within the bounds have widths below `NARROWEST`. Raises `UserError` for a
    name that is not published, and the errors of `match.cost`, such as for images that are too small.
    """
    adapted = adapt(published(name).architecture, frame)
    below: list[Rival] = []
    above: list[Rival] = []
    for divisor in _DIVISORS:
        at = partial(_at, name, adapted, match, divisor)
        fitting, next_larger = _around(at)
        below += [fitting] if fitting else []
        above += [next_larger] if next_larger else []
        if below and (match.strict or below[-1].left <= GAP):
            break
    if not below:
        return None
    best = max(below, key=lambda one: one.share)
    if best.left > GAP:
        best = _filled_by_width(at, best, [best.phi, *(one.phi for one in above)])
    if best.left <= GAP or match.strict or not above:
        return best
    return min(above, key=lambda one: one.share)


def _filled_by_width(at: Callable[..., Rival], best: Rival, depths: Iterable[float]) -> Rival:
    """Return a rival larger than `best` whose width is scaled apart from its depth; `best` if there is none.

    Rivals that leave at most `GAP` unused are preferred, and then those whose phi of width is nearest to their phi of
    depth. at: a function of (number of a phi, `depth`: the phi of the depth) to a rival. depths: the phis to try.
    """
    fuller = []
    for depth in dict.fromkeys(depths):
        one, _ = _around(partial(at, depth=depth))
        if one and one.share > best.share:
            fuller.append((one.left > GAP, abs(one.phi - depth), one))
    return min(fuller, key=itemgetter(0, 1))[-1] if fuller else best


def measured_rival(name: str, frame: Frame, match: Match, guess: CostOf) -> Rival | None:
    """Return the rival as `rival` does, with few measurements: `guess` returns a cheap estimate of a cost.

    The rival that fits by the estimates is measured, and the estimates are corrected by its ratio of measured to
    estimated cost. This is repeated until a measured cost leaves at most `GAP` of the bound unused, the same rival
    fits again, or `_CORRECTIONS` rivals have been measured.
    """
    factors = dict.fromkeys(match.bounds, 1.0)
    best: Rival | None = None
    for _ in range(_CORRECTIONS):
        one = rival(name, frame, replace(match, cost=partial(_corrected, factors, guess)))
        if one is None or (best and one.architecture == best.architecture):
            break
        one = replace(one, match=match)
        # Keep the largest rival within the bounds, or the smallest beyond them if none is within.
        best = max(filter(None, (best, one)), key=lambda either: (either.share <= 1, -abs(either.left)))
        if 0 <= one.left <= GAP:
            break
        factors = {
            cost: match.cost(cost, one.architecture) / guess(cost, one.architecture) for cost in match.bounds
        }
    return best


def _corrected(factors: Mapping[str, float], guess: CostOf, cost: str, network: Architecture) -> float:
    return factors[cost] * guess(cost, network)


def adapt(network: Architecture, frame: Frame) -> Architecture:
    """Return `network` for the images and classes of `frame`, with at most the total stride of `frame`.

    Networks for ImageNet divide the side of an image by 32, which leaves one pixel of 32. Strides become 1 from the
    front on, beginning with the stem, until the total stride is small enough, as is usually done by hand.
    """
    stages = list(network.stages)
    stem = network.stem
    adapted = replace(network, resolution=frame.resolution, classes=frame.classes, channels=frame.channels)
    if adapted.stride > frame.stride and stem.reduction > 1:
        # A stem with pooling is replaced by a plain 3 x 3 convolution too.
        stem = Stem(stem.width, 3, 1, stem.act)
        adapted = replace(adapted, stem=stem)
    for number, stage in enumerate(stages):
        if adapted.stride <= frame.stride:
            break
        stages[number] = replace(stage, stride=1)
        adapted = replace(adapted, stages=tuple(stages))
    return adapted


def narrowest(network: Architecture) -> int:
    """Return the smallest width of a network, over its stem, its stages and its head."""
    ends = (network.stem.width, network.head.width, network.head.hidden)
    return min(width for width in (*ends, *(stage.width for stage in network.stages)) if width)


def _at(
    name: str, network: Architecture, match: Match, divisor: int, place: int, depth: float | None = None
) -> Rival:
    """Return `network` scaled by the phi with the index `place` in the range that is tried.

    depth: another phi for the depth; None for the same phi.
    """
    phi = round(_LOWEST + place * _STEP, 2)
    depth = phi if depth is None else depth
    scaled = rescale(network, Multipliers(GROWTH.depth**depth, GROWTH.width**phi), Rounding(divisor=divisor))
    return Rival(name, scaled, phi, divisor, match)


def _around(at: Callable[[int], Rival]) -> tuple[Rival | None, Rival | None]:
    """Return the largest rival within the costs, and the next larger one. Each is None if there is no such rival.

    at: a function that returns the rival for the number of a phi, from 0 to `_PLACES` - 1.
    """
    first = _bisect(lambda place: narrowest(at(place).architecture) < NARROWEST, 0, _PLACES)
    end = _bisect(lambda place: at(place).share <= 1, first, _PLACES)
    return at(end - 1) if end > first else None, at(end) if end < _PLACES else None


def _bisect(holds: Callable[[int], bool], low: int, high: int) -> int:
    """Return the first number from `low` on for which `holds` is False, `high` if there is none.

    `holds` must be False for all larger numbers too, as it is for costs that rise with size.
    """
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if holds(middle) else (low, middle)
    return low
