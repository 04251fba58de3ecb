"""Extension points: mappings of names to this project's own entries and to entries of other installed packages.

For example, a package adds a sampler by these lines in its pyproject.toml. `sampler=mutation` then works wherever the
package is installed, in worker processes too:

    [project.entry-points."compound_nas.samplers"]
    mutation = "my_package:Mutation"

A block family of this project is a file in `space/blocks/` and a line in `BLOCKS` of `space/blocks/registry.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, distributions
from typing import TypeVar

from space.refusal import UserError

T = TypeVar("T")


@cache
def installed(path: tuple[str, ...]) -> EntryPoints:
    """Return the entry points of all packages on `path`, a `sys.path`.

    The result is cached, since reading the metadata of all packages takes milliseconds.
    """
    return EntryPoints(point for package in distributions(path=list(path)) for point in package.entry_points)


class Registry(Mapping[str, T]):
    """A mapping of one extension point: our own entries first, then those of other packages in alphabetical order.

    group: the group of the entry points, such as "compound_nas.samplers". Iteration, `len` and `in` import no
    package. Reading an entry imports its package, and raises `UserError` if that fails. Our own entries take
    precedence, so no package can replace one of them.
    """

    def __init__(self, group: str, ours: Mapping[str, T]) -> None:
        self.group = group
        self._ours = dict(ours)
        self._loaded: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        if name in self._ours:
            return self._ours[name]
        if name not in self._loaded:
            offered = self._offered()
            if name not in offered:
                raise KeyError(name)
            self._loaded[name] = self._load(offered[name])
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        # Installed packages are searched last, since this takes milliseconds and a search makes millions of stages.
        return name in self._ours or name in self._loaded or name in self._offered()

    def __iter__(self) -> Iterator[str]:
        yield from self._ours
        yield from sorted((self._loaded.keys() | self._offered().keys()) - self._ours.keys())

    def __len__(self) -> int:
        return len(self._ours.keys() | self._loaded.keys() | self._offered().keys())

    def __repr__(self) -> str:
        return f"Registry({self.group!r}, {list(self)})"

    def imported(self) -> dict[str, T]:
        """Return the entries that can be read without an import: our own, and those of packages read before."""
        return self._ours | self._loaded

    def package(self, name: str) -> str:
        """Return the name of the installed package that offers `name`. Raises KeyError if none does."""
        entry = self._offered()[name]
        return entry.dist.name if entry.dist else entry.module.partition(".")[0]

    def _load(self, entry: EntryPoint) -> T:
        try:
            loaded: T = entry.load()
        except Exception as error:
            source = f"{entry.value} of {self.group}"
            raise UserError(
                f"Cannot import {entry.name!r} ({source}): {type(error).__name__}: {error}."
            ) from error
        return loaded

    def _offered(self) -> dict[str, EntryPoint]:
        return {entry.name: entry for entry in installed(tuple(sys.path)).select(group=self.group)}
