"""The search space that a word names: a shipped space, a file, or the children of a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from space.catalog import unpublished
from space.choices.inside import EXPANDS, WIDTHS, inside
from space.choices.named import FORMS, named_network
from space.choices.override import override
from space.choices.space import Space
from space.refusal import UserError

INSIDE = "inside:"
"""The beginning of a word for the children of a network, as in "inside:b0"."""
SHARES = {"widths": WIDTHS, "expands": EXPANDS}
"""The settings of such a space beside the places of its document, with their defaults."""


def load_space(word: str, overrides: Mapping[str, Any] | None = None) -> Space:
    """Return the space that `word` names, with the given places of its document changed.

    `inside:NETWORK` is the space of the children of a network that `named_network` knows; its overrides `widths` and
    `expands` are the shares of the network's widths and expansions that children may have. All other words are those
    of `Space.load`. Raises `UserError` if the word, the document or an override is not valid.
    """
    if not word.startswith(INSIDE):
        return Space.load(word, overrides)
    named = named_network(word.removeprefix(INSIDE))
    if named is None:
        raise unpublished("parent for space=inside:PARENT", word.removeprefix(INSIDE), forms=FORMS)
    shares = {key: _shares(key, (overrides or {}).get(key, default)) for key, default in SHARES.items()}
    document = inside(named.architecture, **shares)
    for place, value in (overrides or {}).items():
        if place not in SHARES:
            document = override(document, place, value)
    return Space.of(document, f"inside-{named.name}")


def _shares(key: str, value: Any) -> list[float]:
    """Return the numbers of one setting of `SHARES`. Raises `UserError` for any that is not a share."""
    numbers = list(value) if isinstance(value, list | tuple) else [value]
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number <= 1:
            raise UserError(f"space.{key} has {number!r}; shares of the parent's are above 0 and up to 1.")
    return [float(number) for number in numbers]
