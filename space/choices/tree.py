"""The document of a space as a tree: choices are nodes with their options, and a point settles all of them.

A settled tree has plain values, of which `stage_of` and `frame_of` make the parts of a network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from space import documents
from space.architecture import Architecture, Head, Stage, Stem
from space.choices.points import Point
from space.refusal import UserError, unknown_name
from space.stage import with_defaults


@dataclass(frozen=True, slots=True)
class Choice:
    """One decision of the search.

    name: the place of the choice in the document, e.g. "stages.2.kernel". options: the numbers or words to choose
    from; an alternative that is a mapping is named by its only key, or else by its position. Equal names get their
    position appended, as in "mb.1". ordered: True if neighbouring options are similar, as numbers in ascending order
    are.
    """

    name: str
    options: tuple[int | float | str, ...]
    ordered: bool


@dataclass(frozen=True, slots=True)
class _Pick:
    """The placeholder of a choice in a parsed document. choice: its index. options: its parsed alternatives."""

    choice: int
    options: tuple[Any, ...]


def parsed(document: documents.Document) -> tuple[dict[str, Any], tuple[Choice, ...]]:
    """Return the tree of a document, and its choices in the order of the document.

    Raises `UserError` if the document lacks a part or has an unknown one, and for an invalid choice.
    """
    choices: list[Choice] = []
    tree = _parse(_checked(document), "", choices)
    return tree, tuple(choices)


def _parse(node: Any, place: str, choices: list[Choice]) -> Any:
    """Return `node`, at `place` in the document, with a `_Pick` for each choice; append the choices to `choices`."""
    if isinstance(node, list) and place == "stages":
        return [_parse(stage, f"stages.{number}", choices) for number, stage in enumerate(node)]
    if isinstance(node, dict) and "choose" in node:
        others, ordered = node.keys() - {"choose", "ordered"}, node.get("ordered", False)
        if others or not isinstance(node["choose"], list) or type(ordered) is not bool:
            raise UserError(
                f"{place}: choose takes a list, and the only other key is ordered: true or false."
            )
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
    distinct_labels = tuple(
        f"{label}.{number}" if labels.count(label) > 1 else label for number, label in enumerate(labels)
    )
    choices.append(Choice(place, distinct_labels, ordered or numbers))
    # Choices inside an option are named by its key, or by its number if its key is not unique.
    named = (
        place if key and keys.count(key) == 1 else f"{place}.{number}" for number, key in enumerate(keys)
    )
    return _Pick(
        index,
        tuple(_parse(option, inside, choices) for option, inside in zip(options, named, strict=True)),
    )


def _label(option: Any, number: int) -> int | float | str:
    """Return the name of an option in a choice. Numbers and texts are their own names.

    None, a truth value or a list is written as text. A mapping is called by its key if it has only one, else by its
    position `number`.
    """
    if isinstance(option, dict):
        return _key(option) or number
    return str(option) if option is None or isinstance(option, (bool, list)) else option


def _key(option: Any) -> str:
    """Return the one key of an option such as `{mb: {...}}`; "" for other options."""
    if not isinstance(option, dict) or len(option) != 1 or "choose" in option:
        return ""
    return str(next(iter(option)))


def involved(tree: Any) -> set[int]:
    """Return the indices of the choices in a part of a tree."""
    if isinstance(tree, _Pick):
        return {tree.choice}.union(*map(involved, tree.options))
    inside = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    return set().union(*map(involved, inside))


def settle(tree: Any, point: Point) -> Any:
    """Return a part of a tree with the options of `point` in place of its choices."""
    while isinstance(tree, _Pick):
        tree = tree.options[point[tree.choice]]
    if isinstance(tree, dict):
        return {key: settle(value, point) for key, value in tree.items()}
    return [settle(value, point) for value in tree] if isinstance(tree, list) else tree


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
    """Return a `Stem`, `Stage` or `Head` with the fields `values`. Raises a `UserError` that names the place."""
    _known(values, key, place)
    try:
        return kind(**values)
    except UserError as error:
        raise UserError(f"{place}: {error}") from None
    except TypeError:
        needed = [name for name, field in kind.__dataclass_fields__.items() if name not in values]
        raise UserError(f"{place} lacks {needed[0]}.") from None


def stage_of(number: int, values: Any) -> Stage:
    """Return a stage with the fields `values`. Options of its op, as in {mb: {se: 0.25}}, are fields too.

    number: the position of the stage in the network, for messages. Raises `UserError` for unknown or missing fields,
    and for invalid values.
    """
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


def frame_of(values: dict[str, Any], stages: tuple[Stage, ...]) -> Architecture:
    """Return the network with these stages, and the rest (such as stem and resolution) from `values`.

    `values` holds the stem, the head, the resolution and the numbers of classes and channels (default 3). Raises
    `UserError` for unknown or missing fields of stem and head, and for invalid values.
    """
    stem = _build(Stem, "stem", "stem", values["stem"])
    head = _build(Head, "head", "head", values["head"])
    return Architecture(
        values["resolution"], stem, stages, head, values["classes"], values.get("channels", 3)
    )
