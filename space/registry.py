"""Where the project can be extended: ours by name, and what installed packages add by entry points.

A package adds a sampler, say, with these lines in its pyproject.toml, and `sampler=mutation` works wherever
that package is installed, in worker processes too:

    [project.entry-points."compound_nas.samplers"]
    mutation = "my_package:Mutation"
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar

from space.refusal import UserError

T = TypeVar("T")


class Registry(dict[str, T]):
    """What one extension point offers, by name: our own entries, then those of other packages.

    group: of the entry points, such as "compound_nas.samplers". Packages are asked only for names that are
    not ours, and imported only when the name is used; so nothing can take the place of what is ours.
    Looking such a name up raises `UserError` if its package cannot be imported.
    """

    def __init__(self, group: str, ours: Mapping[str, T]) -> None:
        super().__init__(ours)
        self.group = group

    def __missing__(self, name: str) -> T:
        offered = self._offered()
        if name not in offered:
            raise KeyError(name)
        try:
            loaded: T = offered[name].load()
        except Exception as error:
            source = f"{offered[name].value} of {self.group}"
            raise UserError(f"Cannot import {name!r} ({source}): {type(error).__name__}: {error}.") from error
        self[name] = loaded
        return loaded

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._offered()

    def __iter__(self) -> Iterator[str]:
        yield from tuple(super().__iter__())
        yield from sorted(name for name in self._offered() if not super(Registry, self).__contains__(name))

    def package(self, name: str) -> str:
        """The installed package that offers `name`."""
        entry = self._offered()[name]
        return entry.dist.name if entry.dist else entry.module.partition(".")[0]

    def _offered(self) -> dict[str, EntryPoint]:
        return {entry.name: entry for entry in entry_points(group=self.group)}
