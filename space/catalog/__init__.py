"""Published networks by name, each with the place it comes from: a file for each group of families."""

from __future__ import annotations

from collections.abc import Iterable

from space.architecture import Architecture
from space.catalog.efficientnet import DERIVED, EFFICIENTNETS
from space.catalog.inception import INCEPTIONS
from space.catalog.mobilenet import MOBILENETS
from space.catalog.others import OTHERS
from space.catalog.row import Published
from space.catalog.shufflenet import SHUFFLENETS
from space.refusal import UserError, unknown_name

CATALOG: dict[str, Published] = {
    row.name: row for row in (*EFFICIENTNETS, *DERIVED, *MOBILENETS, *SHUFFLENETS, *INCEPTIONS, *OTHERS)
}


def published(name: str) -> Published:
    """The published network called `name`, e.g. "b0" or "v2-s". Raises `UserError` naming the nearest."""
    if name not in CATALOG:
        raise unpublished("network", name)
    return CATALOG[name]


def unpublished(what: str, value: str, others: Iterable[str] = (), forms: Iterable[str] = ()) -> UserError:
    """The refusal of `value`, which is neither a published network nor one of `others`; see `unknown_name`."""
    return unknown_name(what, value, (*CATALOG, *others), forms, listed="scale --published --family all")


def name_of(architecture: Architecture) -> str | None:
    """The published name of `architecture`, whatever its resolution, classes and image channels; else None."""
    parts = (architecture.stem, architecture.stages, architecture.head)
    rows = ((row.name, row.architecture) for row in CATALOG.values())
    return next((name for name, a in rows if (a.stem, a.stages, a.head) == parts), None)


def families() -> tuple[str, ...]:
    """What published networks are listed under: "efficientnet", "mobilenet", ..."""
    return tuple(dict.fromkeys(row.family for row in CATALOG.values()))


__all__ = ["CATALOG", "Published", "families", "name_of", "published", "unpublished"]
