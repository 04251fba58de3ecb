"""Settings as data: YAML documents, shipped under `experiments` and read by name, or read from a user's file.

Reading runs no code: no tags, no interpolation, no includes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from space.refusal import UserError, unknown_name

Document = dict[str, Any]

MOST = 100_000
"""Values in a document, beyond which it isn't read."""


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, for which 3e6 is a number and a key that stands twice is a mistake."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        # Deep: what contains itself is refused.
        return super().construct_object(node, deep=True)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key) for key, _ in node.value if not key.tag.endswith(":merge")]
        twice = [key for key in keys if keys.count(key) > 1]
        if twice:
            raise UserError(f"{twice[0]!r} stands twice (line {node.start_mark.line + 1}).")
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$"),
    list("-+.0123456789"),
)


def parse(text: str, place: str) -> Any:
    """The value that a YAML `text` stands for. Raises `UserError` with `place` and line if it is unreadable."""
    try:
        # `_Loader` extends SafeLoader.
        value = yaml.load(text, _Loader)
        if sum(1 for _ in islice(_values(value), MOST)) == MOST:
            raise UserError(f"it holds more than {MOST:,} values.")
        return value
    except UserError as error:
        raise UserError(f"{place}: {error}") from None
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not readable as YAML"
        raise UserError(f"{place}{line}: {problem}.") from None


def _values(node: Any) -> Iterator[Any]:
    """Everything in a document, as often as it is referred to: a few nested aliases can stand for billions."""
    yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _values(inner)


def names(group: str) -> tuple[str, ...]:
    """The names of the documents that are shipped in `group`, e.g. "space"."""
    return tuple(sorted(item.name[:-5] for item in _folder(group).iterdir() if item.name.endswith(".yaml")))


def read(group: str, name: str) -> Document:
    """The document `name` of `group`: one that is shipped, or a file where `name` ends in .yaml or .yml.

    Raises `UserError` for an unknown name (naming the nearest), a file that cannot be read, or a document
    that is not a mapping.
    """
    place = name if _is_file(name) else f"{group}={name}"
    document = parse(text(group, name), place)
    if not isinstance(document, dict):
        raise UserError(f"{place} holds no mapping of settings.")
    return document


def text(group: str, name: str) -> str:
    """What `read` reads, comments and all. Raises `UserError` for an unknown name or an unreadable file."""
    if _is_file(name):
        return _text(Path(os.path.expanduser(name)))
    if name in names(group):
        return _folder(group).joinpath(f"{name}.yaml").read_text("utf-8")
    raise unknown_name(group, name, (*names(group), "./FILE.yaml"))


def _is_file(name: str) -> bool:
    return name.endswith((".yaml", ".yml"))


def _folder(group: str) -> Traversable:
    return files("experiments").joinpath("settings", group)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        siblings = path.parent.glob("*.y*ml") if path.parent.is_dir() else ()
        raise unknown_name("file", path, siblings) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UserError(f"Cannot read {path}: {reason}.") from None
