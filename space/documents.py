"""A reader of settings in YAML: documents shipped under `experiments/settings`, read by name, and users' files.

Reading runs no code: there are no tags, no interpolation and no includes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from space.refusal import UserError, unknown_name

Document = dict[str, Any]

SETTINGS = Path(__file__).resolve().parents[1] / "experiments" / "settings"
"""The folder of the shipped documents, with one subfolder for each group of settings. It lies next to this package
both in a checkout and in site-packages. `experiments` is not imported to find it, since a user's package may have
that name."""
MAX_VALUES = 100_000
"""A document with this many values or more is refused. A value counts once for each reference to it."""


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, except that 3e6 is a number, and that repeated keys and cyclic values are refused."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        # With deep=True, PyYAML refuses a value that contains itself.
        return super().construct_object(node, deep=True)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key) for key, _ in node.value if not key.tag.endswith(":merge")]
        twice = [key for key in keys if keys.count(key) > 1]
        if twice:
            raise UserError(f"{twice[0]!r} occurs twice in the mapping at line {node.start_mark.line + 1}.")
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$"),
    list("-+.0123456789"),
)


def parse(text: str, place: str) -> Any:
    """Return the value of the YAML in `text`. Raises `UserError` if it is invalid or has `MAX_VALUES` values or more.

    place: the name of the document in messages.
    """
    try:
        value = yaml.load(text, _Loader)  # A subclass of SafeLoader.
        if sum(1 for _ in islice(_values(value), MAX_VALUES)) == MAX_VALUES:
            raise UserError(f"it holds {MAX_VALUES:,} values or more; fewer are permitted.")
        return value
    except UserError as error:
        raise UserError(f"{place}: {error}") from None
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not readable as YAML"
        raise UserError(f"{place}{line}: {problem}.") from None


def _values(node: Any) -> Iterator[Any]:
    """Yield `node` and every value in it, once per reference: a few nested aliases can stand for billions."""
    yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _values(inner)


def names(group: str) -> tuple[str, ...]:
    """Return the names of the documents that are shipped in `group`, e.g. "space", in alphabetical order."""
    return tuple(sorted(path.stem for path in (SETTINGS / group).iterdir() if path.suffix == ".yaml"))


def read(group: str, name: str) -> Document:
    """Return the shipped document `name` of `group`, or the document in the file `name` (.yaml or .yml).

    Raises `UserError` for an unknown name (naming the nearest), a file that cannot be read, or a document
    that is not valid YAML or not a mapping.
    """
    place = name if _is_file(name) else f"{group}={name}"
    document = parse(text(group, name), place)
    if not isinstance(document, dict):
        raise UserError(f"{place} is not a mapping of settings (KEY: VALUE).")
    return document


def text(group: str, name: str) -> str:
    """Return the text of the document that `read` parses, with comments.

    Raises `UserError` for an unknown name, and for a file that cannot be read.
    """
    if _is_file(name):
        return _text(Path(os.path.expanduser(name)))
    if name in names(group):
        return (SETTINGS / group / f"{name}.yaml").read_text("utf-8")
    raise unknown_name(group, name, (*names(group), "./FILE.yaml"))


def _is_file(name: str) -> bool:
    return name.endswith((".yaml", ".yml"))


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        siblings = path.parent.glob("*.y*ml") if path.parent.is_dir() else ()
        raise unknown_name("file", path, siblings) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UserError(f"Cannot read {path}: {reason}.") from None
