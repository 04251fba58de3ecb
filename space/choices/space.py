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
from space.architecture import Architecture, Head, Stage, Stem
from space.choices.counting import Range, cost_range, count_networks
from space.choices.inverse import Chosen, find
from space.choices.override import override
from space.choices.points import Point, PointCosts, Settled
from space.cost.cost import Cost
from space.refusal import UserError, unknown_name
from space.stage import with_defaults

MAX_ALTERNATIVES = 5_000
"""The largest number of alternatives of one stage, and of stem, head and images together. Counting visits each."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One decision of the search.

    name: the place of the choice in the document, e.g. "stages.2.kernel". options: the numbers or words to choose
    from; an alternative that is a mapping is named by its only key, or else by its position. ordered: True if
    neighbouring options are similar, as numbers in ascending order are.
    """

    name: str
    options: tuple[int | float | str, ...]
    ordered: bool


@dataclass(frozen=True, repr=False)
class Space:
    """A set of architectures. Make one with `Space.load` or `Space.of`.

    >>> space = Space.load("tiny_space", {"stages.1.kernel": 3})
    >>> [choice.options for choice in space.choices if choice.name == "stages.1.depth"]
    [(1, 2)]

    name: the name of a shipped space, or of a file without its ending. document: the YAML document, with its choices.
    """

    name: str
    document: documents.Document

    @classmethod
    def load(cls, name: str, overrides: Mapping[str, Any] | None = None) -> Space:
        """Return the shipped space `name` (see `space.documents.names("space")`), or the one in a file `./my.yaml`.

        overrides: a mapping of places to new values, which pin or widen choices: {"stages.2.kernel": 3,
        "stages.*.expand": [4, 6]}. Raises `UserError` if the document or an override is not valid.
        """
        document = documents.read("space", name)
        for place, value in (overrides or {}).items():
            document = override(document, place, value)
        stem = name.rsplit("/", 1)[-1].rsplit(".", 1)[0] if name.endswith((".yaml", ".yml")) else name
        return cls.of(document, stem)

    @classmethod
    def of(cls, document: documents.Document, name: str = "space") -> Space:
        """Return the space of `document`. Raises `UserError` if an alternative in it is not valid."""
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

        Once its tables are filled, it is three to four times as fast as `cost(self.at(point))`.
        """
        return self._point_costs(point)

    def find(self, architecture: Architecture) -> Point | None:
        """Return the first point that gives `architecture`; None if the space does not contain it."""
        tree = self._tree[0]
        frames = (
            (chosen, _frame(settled, architecture.stages))
            for chosen, settled in self._settlements({k: v for k, v in tree.items() if k != "stages"})
        )
        stages = [
            [(chosen, _stage(number, settled)) for chosen, settled in self._settlements(stage)]
            for number, stage in enumerate(tree["stages"])
        ]
        options = find(architecture, frames, stages)
        return None if options is None else tuple(options.get(index, 0) for index in range(len(self.choices)))

    def adapt(self, network: Architecture) -> Architecture:
        """Return `network` with the classes and channels of the space, at a resolution of the space.

        The network keeps its resolution if the space has it, and gets the first one of the space otherwise.
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
            tuple(dict.fromkeys(_stage(number, settled) for _, settled in self._settlements(tree)))
            for number, tree in enumerate(trees)
        )

    @cached_property
    def frames(self) -> tuple[Architecture, ...]:
        """The distinct alternatives of stem, head and images, each as a network with the deepest stages."""
        tree = {key: value for key, value in self._tree[0].items() if key != "stages"}
        stages = tuple(max(alternatives, key=lambda stage: stage.depth) for alternatives in self.stages)
        return tuple(dict.fromkeys(_frame(settled, stages) for _, settled in self._settlements(tree)))

    @cached_property
    def _tree(self) -> tuple[dict[str, Any], tuple[Choice, ...]]:
        choices: list[Choice] = []
        tree = _parse(_checked(self.document), "", choices)
        return tree, tuple(choices)

    @cached_property
    def _settled(self) -> tuple[Settled[Architecture], tuple[Settled[Stage], ...]]:
        """The frame (stem, head and images) and each stage as cached functions of a point."""
        rest = {key: value for key, value in self._tree[0].items() if key != "stages"}
        stages = self._tree[0]["stages"]
        return Settled(_involved(rest), partial(_frame_at, rest, self.frames[0].stages)), tuple(
            Settled(_involved(tree), partial(_stage_at, number, tree)) for number, tree in enumerate(stages)
        )

    @cached_property
    def _point_costs(self) -> PointCosts:
        return PointCosts(*self._settled)

    def _settlements(self, tree: Any) -> Iterator[tuple[Chosen, Any]]:
        """Yield (options, alternative) for every alternative of `tree`, a part of the parsed document.

        Raises `UserError` if there are more than `MAX_ALTERNATIVES`.
        """
        involved = sorted(_involved(tree))
        count = prod(len(self.choices[index].options) for index in involved)
        if count > MAX_ALTERNATIVES:
            names = ", ".join(self.choices[index].name for index in involved)
            raise UserError(
                f"{names} make {count:,} alternatives together; permitted: up to {MAX_ALTERNATIVES:,}. "
                "Pin some of them, or list fewer values."
            )
        point = [0] * len(self.choices)
        for options in product(*(range(len(self.choices[index].options)) for index in involved)):
            chosen = dict(zip(involved, options, strict=True))
            for index, option in chosen.items():
                point[index] = option
            yield chosen, _settle(tree, tuple(point))


@dataclass(frozen=True, slots=True)
class _Pick:
    """The placeholder of a choice in a parsed document. choice: its index. options: its parsed alternatives."""

    choice: int
    options: tuple[Any, ...]


def _parse(node: Any, place: str, choices: list[Choice]) -> Any:
    """Return `node`, at `place` in the document, with a `_Pick` for each choice; append the choices to `choices`."""
    if isinstance(node, list) and place == "stages":
        return [_parse(stage, f"stages.{number}", choices) for number, stage in enumerate(node)]
    if isinstance(node, dict) and "choose" in node:
        others, ordered = node.keys() - {"choose", "ordered"}, node.get("ordered", False)
        if others or not isinstance(node["choose"], list) or type(ordered) is not bool:
            raise UserError(f"{place}: choose takes a list, and no other key but ordered: true or false.")
        return _parse_options(node["choose"], place, choices, ordered)
    if isinstance(node, list):
        return _parse_options(node, place, choices)
    if isinstance(node, dict):
        inside = f"{place}." if place else ""
        return {key: _parse(value, f"{inside}{key}", choices) for key, value in node.items()}
    return node


def _parse_options(node: list[Any], place: str, choices: list[Choice], ordered: bool = False) -> Any:
    if not node:
        raise UserError(f"{place} is an empty list; a choice needs at least one option.")
    numbers = all(type(option) in (int, float) for option in node)
    distinct = [option for index, option in enumerate(node) if option not in node[:index]]
    options = sorted(distinct) if numbers else distinct
    if len(options) == 1:
        return _parse(options[0], place, choices)
    keys = [_key(option) for option in options]
    labels = tuple(_label(option, number) for number, option in enumerate(options))
    index = len(choices)
    choices.append(Choice(place, labels, ordered or numbers))
    # Choices inside an option are named by its key, or by its number if its key is not unique.
    named = (
        place if key and keys.count(key) == 1 else f"{place}.{number}" for number, key in enumerate(keys)
    )
    return _Pick(
        index,
        tuple(_parse(option, inside, choices) for option, inside in zip(options, named, strict=True)),
    )


def _label(option: Any, number: int) -> int | float | str:
    """Return the name of an option in a choice: a number or text itself; None, a truth value or a list as text.

    A mapping is called by its key if it has only one, else by its position `number`.
    """
    if isinstance(option, dict):
        return _key(option) or number
    return str(option) if option is None or isinstance(option, (bool, list)) else option


def _key(option: Any) -> str:
    """Return the one key of an option such as `{mb: {...}}`; "" for other options."""
    if not isinstance(option, dict) or len(option) != 1 or "choose" in option:
        return ""
    return str(next(iter(option)))


def _involved(tree: Any) -> set[int]:
    if isinstance(tree, _Pick):
        return {tree.choice}.union(*map(_involved, tree.options))
    inside = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    return set().union(*map(_involved, inside))


def _settle(tree: Any, point: Point) -> Any:
    while isinstance(tree, _Pick):
        tree = tree.options[point[tree.choice]]
    if isinstance(tree, dict):
        return {key: _settle(value, point) for key, value in tree.items()}
    return [_settle(value, point) for value in tree] if isinstance(tree, list) else tree


_KEYS = {
    "": ("resolution", "stem", "stages", "head", "classes", "channels"),
    "stem": tuple(Stem.__dataclass_fields__),
    "stage": tuple(Stage.__dataclass_fields__),
    "head": tuple(Head.__dataclass_fields__),
}


def _checked(document: documents.Document) -> documents.Document:
    _known(document, "", "the space")
    for key in ("resolution", "stem", "stages", "head", "classes"):
        if key not in document:
            raise UserError(f"The space lacks {key}.")
    if not isinstance(document["stages"], list) or not document["stages"]:
        raise UserError("stages must be a list of at least one stage.")
    return document


def _known(node: Any, kind: str, place: str) -> None:
    if not isinstance(node, dict):
        raise UserError(f"{place} is {node!r}; it must be a mapping of {', '.join(_KEYS[kind])}.")
    for key in node:
        if key not in _KEYS[kind]:
            raise unknown_name(f"key in {place}:", key, _KEYS[kind])


def _build(kind: type[Any], key: str, place: str, values: Any) -> Any:
    """Return a `Stem`, `Stage` or `Head` with the fields `values`. Raises `UserError` that names the place."""
    _known(values, key, place)
    try:
        return kind(**values)
    except UserError as error:
        raise UserError(f"{place}: {error}") from None
    except TypeError:
        needed = [name for name, field in kind.__dataclass_fields__.items() if name not in values]
        raise UserError(f"{place} lacks {needed[0]}.") from None


def _stage(number: int, values: Any) -> Stage:
    """Return a stage with the fields `values`. Options of its op, as in {mb: {se: 0.25}}, are fields too."""
    place = f"stages.{number}"
    if isinstance(values, dict) and isinstance(values.get("op"), dict):
        (op, options), *others = values["op"].items() or [("", None)]
        if others or not isinstance(options, dict):
            raise UserError(f"{place}.op: an op with options is written {{mb: {{se: 0.25}}}}.")
        for key in options:
            if key in values:
                raise UserError(f"{place} states {key} itself and for op {op}; keep one.")
        values = {**values, **options, "op": op}
    return _build(Stage, "stage", place, with_defaults(values))  # type: ignore[no-any-return]


def _frame(values: dict[str, Any], stages: tuple[Stage, ...]) -> Architecture:
    stem = _build(Stem, "stem", "stem", values["stem"])
    head = _build(Head, "head", "head", values["head"])
    return Architecture(
        values["resolution"], stem, stages, head, values["classes"], values.get("channels", 3)
    )


def _frame_at(tree: dict[str, Any], stages: tuple[Stage, ...], point: Point) -> Architecture:
    return _frame(_settle(tree, point), stages)


def _stage_at(number: int, tree: Any, point: Point) -> Stage:
    return _stage(number, _settle(tree, point))
