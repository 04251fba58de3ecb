"""The settings that other packages add to the groups of a search, converted from classes to YAML documents."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, Any

from space import documents
from space.extension_points import Registry

if TYPE_CHECKING:
    from pydantic import BaseModel

ENTRY_POINTS = {
    "data": "compound_nas.datasets",
    "reward": "compound_nas.rewards",
    "sampler": "compound_nas.samplers",
    "pruner": "compound_nas.pruners",
    "executor": "compound_nas.executors",
}
"""The groups that other packages can add to, each with the name of its Python entry points."""


def added(group: str) -> tuple[str, ...]:
    """Return the names that installed packages add to a group, () if there are none. Imports none of the packages."""
    shipped = documents.names(group)
    return tuple(name for name in _theirs(group) if name not in shipped) if group in ENTRY_POINTS else ()


def package(group: str, name: str) -> str:
    """Return the name of the package that adds the choice `name` to a group. Raises KeyError if none does."""
    return _theirs(group).package(name)


def text(group: str, name: str) -> str:
    """Return a YAML document for `name`, which a package adds: docstrings as comments, defaults as values.

    Raises `UserError` if the package cannot be imported, and KeyError if no package adds `name`.
    """
    model: type[BaseModel] = _theirs(group)[name]
    return "".join(f"{line}\n" for line in (*_about(group, model), *_values(model)))


def _theirs(group: str) -> Registry[Any]:
    return Registry(ENTRY_POINTS[group], {})


def _about(group: str, model: type[BaseModel]) -> Iterator[str]:
    first, _, _ = inspect.cleandoc(model.__doc__ or "").partition("\n\n")
    yield f"# {_line(first)}"
    for key, field in model.model_fields.items():
        if field.is_required():
            yield f"# Needs {group}.{key}=VALUE."


def _values(model: type[BaseModel]) -> Iterator[str]:
    from pydantic_core import to_jsonable_python

    meanings = _meanings(model)
    for key, field in model.model_fields.items():
        if not field.is_required():
            default = field.get_default(call_default_factory=True)
            value = json.dumps(to_jsonable_python(default, fallback=str), ensure_ascii=False)
            meaning = _line(field.description or meanings.get(key, ""))
            yield f"{key}: {value}" + f"  # {meaning}" * bool(meaning)


def _meanings(model: type[BaseModel]) -> dict[str, str]:
    """Return the docstrings below the fields of a class and its bases, by field.

    Classes of this package are left out, since they have YAML documents.
    """
    meanings: dict[str, str] = {}
    for base in takewhile(lambda base: not base.__module__.startswith("search."), model.__mro__):
        # The source of some classes is not available.
        with suppress(OSError, TypeError, SyntaxError):
            (defined,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
            meanings = dict(_documented(defined)) | meanings
    return meanings


def _documented(defined: ast.stmt) -> Iterator[tuple[str, str]]:
    for field, below in pairwise(defined.body if isinstance(defined, ast.ClassDef) else ()):
        match field, below:
            case (ast.AnnAssign(target=ast.Name(id=key)), ast.Expr(value=ast.Constant(value=str(text)))):
                yield key, text


def _line(text: str) -> str:
    return " ".join(text.split())
