"""The catalog of published networks with their sources. Each file has a group of families."""

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
    """Return the published network `name`, e.g. "b0" or "v2-s". Raises `UserError` for an unknown name.

    >>> published("v2-s").architecture.resolution
    384
    """
    if name not in CATALOG:
        raise unpublished("network", name)
    return CATALOG[name]


def unpublished(what: str, value: str, others: Iterable[str] = (), forms: Iterable[str] = ()) -> UserError:
    """Return the error for a `value` that is neither a published network nor in `others`; see `unknown_name`."""
    return unknown_name(what, value, (*CATALOG, *others), forms, listed="scale --published --family all")


def name_of(architecture: Architecture) -> str | None:
    """Return the name of the published network with the stem, stages and head of `architecture`, or None.

    Resolution, classes and channels may differ.
    """
    parts = (architecture.stem, architecture.stages, architecture.head)
    rows = ((row.name, row.architecture) for row in CATALOG.values())
    return next((name for name, a in rows if (a.stem, a.stages, a.head) == parts), None)


def families() -> tuple[str, ...]:
    """Return the families of published networks: "efficientnet", "mobilenet", ..."""
    return tuple(dict.fromkeys(row.family for row in CATALOG.values()))


__all__ = ["CATALOG", "Published", "families", "name_of", "published", "unpublished"]
