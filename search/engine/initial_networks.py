"""Networks that a search tries first: published ones, a user's own, or those of earlier runs."""

from __future__ import annotations

from collections.abc import Iterable

from search.reward import network
from space import CATALOG, Architecture, Space
from space.catalog import unpublished


def enqueued(names: Iterable[str], space: Space) -> tuple[str, ...]:
    """The canonical strings of networks as they are trained in a search of `space`, each once.

    names: of the catalog, canonical strings, and trials of earlier runs ("RUN:12"). Their classes and channels
    become those of the space, and so does a resolution that the space does not have. They need not be in the
    space. Raises `UserError` for a name that stands for nothing.
    """
    return tuple(dict.fromkeys(str(space.adapt(_named(str(name)))) for name in names))


def _named(name: str) -> Architecture:
    from search.runs.run import open_run, split

    run, number = split(name)
    if number is None and ("/" in name or name in CATALOG):
        return network(name)
    if number is None:
        raise unpublished("network for seed", name, forms=("RUN:NUMBER", "a canonical string"))
    return open_run(run).trial(number).architecture
