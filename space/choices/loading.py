"""Search spaces by name: a shipped space, a file, or the children (sub-networks) of a network.

The documents of the shipped spaces are in `experiments/settings/space`, one YAML file for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from space.catalog import unpublished
from space.choices.inside import EXPANDS, WIDTHS, inside
from space.choices.named_networks import FORMS, named_network
from space.choices.override import override
from space.choices.space import Space
from space.refusal import UserError

INSIDE = "inside:"
"""The beginning of the name of a space of children, as in "inside:b0"."""
SHARES = {"widths": WIDTHS, "expands": EXPANDS}
"""The settings of such a space that are not places in its document, with their defaults: shares of the parent's
widths and expansions."""


def load_space(word: str, overrides: Mapping[str, Any] | None = None) -> Space:
    """Return the space that `word` names, with `overrides` (place in its document: new value) applied.

    `inside:NETWORK` is the space of the children of a network that `named_network` finds. Its overrides `widths` and
    `expands` are the shares of the network's widths and expansions that children may have. Other words are passed to
    `Space.load`. Raises `UserError` if the word, the document or an override is not valid.
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
    """Return `value`, of the setting `key`, as a list. Raises `UserError` for a number not above 0 and up to 1."""
    numbers = list(value) if isinstance(value, list | tuple) else [value]
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number <= 1:
            raise UserError(
                f"space.{key} has {number!r}; a share of the parent's {key} is above 0 and up to 1."
            )
    return [float(number) for number in numbers]
