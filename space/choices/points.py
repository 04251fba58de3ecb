"""The parts, costs and active choices of a space's points, cached by the options that they depend on."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import partial
from itertools import chain
from operator import itemgetter
from typing import Any, Generic, TypeAlias, TypeVar

from space.architecture import Architecture
from space.cost.cost import Cost, head_cost, stage_cost, stem_cost
from space.stage import Stage

Point: TypeAlias = tuple[int, ...]
"""A point of a space: the index of an option for each choice."""

T = TypeVar("T")


class Settled(Generic[T]):
    """A function from points to a part of the network, cached by the options of the choices in that part."""

    def __init__(self, choices: Iterable[int], compute: Callable[[Point], T]) -> None:
        """Take the indices of the part's choices, and the function from a point to the part."""
        self.choices = tuple(sorted(choices))
        """The indices of the part's choices, ascending."""
        self.key: Callable[[Point], Hashable] = itemgetter(*self.choices) if self.choices else _no_options
        """The function from a point to its options for the part's choices: the key of the cache."""
        self._compute = compute
        self._values: dict[Hashable, T] = {}

    def __call__(self, point: Point) -> T:
        """Return the part at `point`."""
        key = self.key(point)
        if key not in self._values:
            self._values[key] = self._compute(point)
        return self._values[key]


def _no_options(point: Point) -> Point:
    return ()


class ActiveChoices:
    """The function from points to their active choices: the choices for which another option changes the network."""

    def __init__(self, parts: Sequence[Settled[Any]], options: Sequence[int]) -> None:
        """Take the functions from a point to the parts of its network, and the number of options of each choice."""
        self._parts = [Settled(part.choices, partial(_active, part, options)) for part in parts]
        order = [choice for part in parts for choice in part.choices]
        self._places = [order.index(choice) for choice in range(len(options))]

    def __call__(self, point: Point) -> tuple[bool, ...]:
        """Return a flag for each choice. Takes microseconds once the flags of the parts are cached."""
        flags = list(chain.from_iterable(part(point) for part in self._parts))
        return tuple([flags[place] for place in self._places])


def _active(part: Settled[Any], options: Sequence[int], point: Point) -> tuple[bool, ...]:
    """Return, for each choice of a part, whether another option of this choice alone gives another part."""
    own = part(point)
    return tuple(
        any(
            not _alike(own, part((*point[:choice], option, *point[choice + 1 :])))
            for option in range(options[choice])
        )
        for choice in part.choices
    )


def _alike(one: Any, other: Any) -> bool:
    """Return True if two parts are equal, or both are stages without blocks."""
    return one == other or (isinstance(one, Stage) and not one.depth and not other.depth)


class PointCosts:
    """The exact costs of the networks of a space, as sums over stem, stages and head, without building networks.

    The cost of a stage is cached by its options and by the width and side of its input.
    """

    def __init__(self, frame: Settled[Architecture], stages: Sequence[Settled[Stage]]) -> None:
        """Take the functions from a point to the parts of its network.

        frame: returns a network that equals the point's in everything but the stages. stages: one function per stage.
        """
        self._frame = frame
        self._stems: dict[Hashable, _Spent] = {}
        known: list[dict[tuple[Hashable, int, int], _Spent]] = [{} for _ in stages]
        self._steps = [(stage, stage.key, own) for stage, own in zip(stages, known, strict=True)]
        self._heads: dict[tuple[Hashable, int, int], Cost] = {}

    def __call__(self, point: Point) -> Cost:
        """Return the cost of the network at `point`. Takes microseconds once the costs of its stages are cached."""
        frame = self._frame.key(point)
        stem = self._stems.get(frame)
        if stem is None:
            stem = self._stems[frame] = self._stem(point)
        params, macs, activations, size, width, side = stem
        for stage, options, known in self._steps:
            key = options(point), width, side
            spent = known.get(key)
            if spent is None:
                spent = known[key] = _stage(stage(point), width, side)
            p, m, a, s, width, side = spent
            params, macs, activations, size = params + p, macs + m, activations + a, size + s
        end = frame, width, side
        head = self._heads.get(end)
        if head is None:
            network = self._frame(point)
            head = self._heads[end] = head_cost(network.head, width, network.classes, side)
        return Cost(params + head.params, macs + head.macs, activations + head.activations, size + head.size)

    def _stem(self, point: Point) -> _Spent:
        network = self._frame(point)
        cost, side = stem_cost(network.stem, network.channels, network.resolution)
        return cost.params, cost.macs, cost.activations, cost.size, network.stem.width, side


_Spent: TypeAlias = tuple[int, int, int, int, int, int]
"""(params, macs, activations, size in bytes, width and side of the output) of a stem or a stage: a plain tuple, since
a search adds up millions of them."""


def _stage(stage: Stage, width: int, side: int) -> _Spent:
    """Return the costs of `stage` on maps of `width` channels and `side` x `side` pixels, with its output's shape."""
    cost, side_out = stage_cost(stage, width, side)
    width_out = stage.width if stage.depth else width
    return cost.params, cost.macs, cost.activations, cost.size, width_out, side_out
