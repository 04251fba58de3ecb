"""Overrides that pin or widen choices in a space's document: `stages.2.kernel=3`, `stages.*.expand=4,6`."""

from __future__ import annotations

from typing import Any

from space.documents import Document
from space.refusal import UserError, unknown_name


def override(document: Document, place: str, value: Any) -> Document:
    """Return a copy of `document` in which `place` has `value`.

    place: keys and stage numbers joined by dots. `*` means every stage; without a number, every stage that has the
    key changes. value: a scalar to pin the choice, or a list of options. An op named in `value` keeps the options
    that the document has for it. Raises `UserError` for a place that does not exist. (Its last key may be new.)
    """
    changed = _put(document, place.split("."), value, place)
    assert isinstance(changed, dict)
    return changed


def _put(node: Any, path: list[str], value: Any, place: str) -> Any:
    if not path:
        return _with_options(value, node)
    key, *rest = path
    if isinstance(node, list):
        return [
            _put(item, rest if chosen else path, value, place) if chosen is not None else item
            for item, chosen in _items(node, key, place)
        ]
    if node is None and not rest:
        return {key: value}
    if not isinstance(node, dict):
        raise UserError(f"space.{place}: nothing can be set inside {node!r}.")
    if rest and key not in node:
        raise unknown_name(f"key in space.{place}:", key, node)
    return {**node, key: _put(node.get(key), rest, value, place)}


def _items(node: list[Any], key: str, place: str) -> list[tuple[Any, bool | None]]:
    """Return pairs of each item of the list `node` and a flag.

    The flag is True if `key` is "*" or the item's number, and False if `key` is a key in the item. Otherwise it is
    None, and the item stays as it is. Raises `UserError`, with the `place` in the document, if all flags are None.
    """
    if key == "*" or key.isdecimal():
        chosen = [key in ("*", str(number)) for number in range(len(node))]
        if not any(chosen):
            raise unknown_name(f"number in space.{place}:", key, ("*", *range(len(node))))
        return [(item, True if here else None) for item, here in zip(node, chosen, strict=True)]
    inside = [isinstance(item, dict) and key in item for item in node]
    if not any(inside):
        raise unknown_name(f"key in space.{place}:", key, ("*", *range(len(node))))
    return [(item, False if has else None) for item, has in zip(node, inside, strict=True)]


def _with_options(value: Any, before: Any) -> Any:
    """Return `value` in which each op has its options from `before`, so that mb becomes {mb: {se: 0.25}}."""
    known = {
        name: option
        for option in (before if isinstance(before, list) else [before])
        if isinstance(option, dict)
        for name in option
    }
    if isinstance(value, list):
        return [known.get(item, item) if isinstance(item, str) else item for item in value]
    return known.get(value, value) if isinstance(value, str) else value
