"""Search spaces: documents in the form of an architecture, with choices in them.

A list in the place of a scalar is a choice of the search. Other alternatives are written `{choose: [...]}`, with
`ordered: true` if neighbouring alternatives are similar (from small to large, say). An op may have options:
`op: [fused, {mb: {se: 0.25}}]`. A document without choices is one network.

A *point* is a tuple with one option index for each choice of the space. Several points may be the same network (the
kernel of a stage of depth 0 changes nothing); counts are of distinct networks.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import product
from math import prod
from typing import Any

from space import documents
from space.architecture import Architecture, Stage
from space.choices.counting import Range, cost_range, count_networks
from space.choices.inverse import Chosen, find
from space.choices.override import override
from space.choices.points import ActiveChoices, Point, PointCosts, Settled
from space.choices.tree import Choice, frame_of, involved, parsed, settle, stage_of
from space.cost.cost import Cost
from space.refusal import UserError

MAX_ALTERNATIVES = 5_000
"""The largest number of alternatives of one stage, and of the rest of a network (stem, head, resolution, classes,
channels) together. Each of them is visited when the networks of a space are counted."""


@dataclass(frozen=True, repr=False)
class Space:
    """A set of architectures. Make one with `Space.load` or `Space.of`.

    >>> space = Space.load("tiny_space", {"stages.1.kernel": 3})
    >>> [choice.options for choice in space.choices if choice.name == "stages.1.depth"]
    [(1, 2)]

    name: the name of a shipped space, the name of a file without its ending, or the name given to `of`. document: the
    YAML document, with its choices.
    """

    name: str
    document: documents.Document

    @classmethod
    def load(cls, name: str, overrides: Mapping[str, Any] | None = None) -> Space:
        """Return the shipped space `name` (see `space.documents.names("space")`), or the space in a file `./my.yaml`.

        overrides: a mapping of places to new values, which pin or widen choices: {"stages.2.kernel": 3,
        "stages.*.expand": [4, 6]}. Raises `UserError` if the name, the document or an override is not valid.
        """
        document = documents.read("space", name)
        for place, value in (overrides or {}).items():
            document = override(document, place, value)
        stem = name.rsplit("/", 1)[-1].rsplit(".", 1)[0] if name.endswith((".yaml", ".yml")) else name
        return cls.of(document, stem)

    @classmethod
    def of(cls, document: documents.Document, name: str = "space") -> Space:
        """Return the space of `document`.

        Raises `UserError` if the document or an alternative in it is not valid, if there are more alternatives than
        `MAX_ALTERNATIVES` permits, or if all stages may have depth 0.
        """
        space = cls(name, document)
        _ = space._tree, space.stages, space.frames
        if all(any(not stage.depth for stage in alternatives) for alternatives in space.stages):
            raise UserError("Every stage of the space may have depth 0; at least one must not.")
        return space

    def __repr__(self) -> str:
        return f"<Space {self.name}: {len(self.choices)} choices>"

    @cached_property
    def choices(self) -> tuple[Choice, ...]:
        """The decisions of the search, in the order of the document."""
        return self._tree[1]

    def at(self, point: Point) -> Architecture:
        """Return the architecture at `point`.

        point: the number of the chosen option for each of `choices`, counted from 0.
        """
        frame, stages = self._settled
        around = frame(point)
        return Architecture(
            around.resolution,
            around.stem,
            tuple(stage(point) for stage in stages),
            around.head,
            around.classes,
            around.channels,
        )

    def cost_at(self, point: Point) -> Cost:
        """Return the exact cost of the architecture at `point`.

        Once the costs of the stages are cached, this is three to four times as fast as `cost(self.at(point))`. It
        raises the same errors.
        """
        return self._point_costs(point)

    def active(self, point: Point) -> tuple[bool, ...]:
        """Return, for each of `choices`, whether it is active at `point`.

        A choice is active if another of its options gives another network. The kernel of a stage of depth 0 is not
        active, nor is the expansion of a block that has none.

        >>> space = Space.load("effv2_32", {"stages.0.depth": [0, 1]})
        >>> point = (0,) * len(space.choices)
        >>> [choice.name for choice, own in zip(space.choices, space.active(point), strict=True) if not own]
        ['stages.0.op', 'stages.0.kernel', 'stages.0.expand']
        """
        return self._active_choices(point)

    def find(self, architecture: Architecture) -> Point | None:
        """Return the first point that gives `architecture`; None if the space does not contain it."""
        tree = self._tree[0]
        frames = (
            (chosen, frame_of(settled, architecture.stages))
            for chosen, settled in self._settlements({k: v for k, v in tree.items() if k != "stages"})
        )
        stages = [
            [(chosen, stage_of(number, settled)) for chosen, settled in self._settlements(stage)]
            for number, stage in enumerate(tree["stages"])
        ]
        options = find(architecture, frames, stages)
        return None if options is None else tuple(options.get(index, 0) for index in range(len(self.choices)))

    def adapt(self, network: Architecture) -> Architecture:
        """Return `network` with the classes and channels of the space, at a resolution of the space.

        The network keeps its resolution if the space has this resolution, and gets the first of the space otherwise.
        """
        frame = self.frames[0]
        resolutions = [alternative.resolution for alternative in self.frames]
        resolution = network.resolution if network.resolution in resolutions else frame.resolution
        return replace(network, classes=frame.classes, channels=frame.channels, resolution=resolution)

    def sample(self, rng: random.Random) -> Point:
        """Return a random point. Each option of a choice has the same probability."""
        return tuple(rng.randrange(len(choice.options)) for choice in self.choices)

    def points(self) -> Iterator[Point]:
        """Yield every point of the space; the last choice changes fastest.

        Several points can give the same network.
        """
        return product(*(range(len(choice.options)) for choice in self.choices))

    @cached_property
    def size(self) -> int:
        """The number of distinct networks."""
        return count_networks(self.frames, self.stages)

    @cached_property
    def range(self) -> Range:
        """The exact minimum and maximum of each cost in the space."""
        return cost_range(self.frames, self.stages)

    @cached_property
    def stages(self) -> tuple[tuple[Stage, ...], ...]:
        """The distinct alternatives of each stage."""
        trees = self._tree[0]["stages"]
        return tuple(
            tuple(dict.fromkeys(stage_of(number, settled) for _, settled in self._settlements(tree)))
            for number, tree in enumerate(trees)
        )

    @cached_property
    def frames(self) -> tuple[Architecture, ...]:
        """The distinct alternatives of everything but the stages, each as a network with the deepest stages."""
        tree = {key: value for key, value in self._tree[0].items() if key != "stages"}
        stages = tuple(max(alternatives, key=lambda stage: stage.depth) for alternatives in self.stages)
        return tuple(dict.fromkeys(frame_of(settled, stages) for _, settled in self._settlements(tree)))

    @cached_property
    def _tree(self) -> tuple[dict[str, Any], tuple[Choice, ...]]:
        return parsed(self.document)

    @cached_property
    def _settled(self) -> tuple[Settled[Architecture], tuple[Settled[Stage], ...]]:
        """The frame (a network's parts other than the stages) and each stage, as cached functions of a point."""
        rest = {key: value for key, value in self._tree[0].items() if key != "stages"}
        stages = self._tree[0]["stages"]
        return Settled(involved(rest), partial(_frame, rest, self.frames[0].stages)), tuple(
            Settled(involved(tree), partial(_stage, number, tree)) for number, tree in enumerate(stages)
        )

    @cached_property
    def _point_costs(self) -> PointCosts:
        return PointCosts(*self._settled)

    @cached_property
    def _active_choices(self) -> ActiveChoices:
        frame, stages = self._settled
        return ActiveChoices((frame, *stages), [len(choice.options) for choice in self.choices])

    def _settlements(self, tree: Any) -> Iterator[tuple[Chosen, Any]]:
        """Yield (options, alternative) for every alternative of `tree`, a part of the parsed document.

        Raises `UserError` if there are more than `MAX_ALTERNATIVES`.
        """
        places = sorted(involved(tree))
        count = prod(len(self.choices[index].options) for index in places)
        if count > MAX_ALTERNATIVES:
            names = ", ".join(self.choices[index].name for index in places)
            raise UserError(
                f"{names} make {count:,} alternatives together; permitted: up to {MAX_ALTERNATIVES:,}. "
                "Pin some of them, or list fewer values."
            )
        point = [0] * len(self.choices)
        for options in product(*(range(len(self.choices[index].options)) for index in places)):
            chosen = dict(zip(places, options, strict=True))
            for index, option in chosen.items():
                point[index] = option
            yield chosen, settle(tree, tuple(point))


def _frame(tree: dict[str, Any], stages: tuple[Stage, ...], point: Point) -> Architecture:
    return frame_of(settle(tree, point), stages)


def _stage(number: int, tree: Any, point: Point) -> Stage:
    return stage_of(number, settle(tree, point))
