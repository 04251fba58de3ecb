"""Search spaces by name: a shipped space, a file, or a space that a network defines (its children, or its variants).

The documents of the shipped spaces are in `experiments/settings/space`, one YAML file for each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from space.catalog import unpublished
from space.choices import around, inside
from space.choices.named_networks import FORMS, named_network
from space.choices.override import override
from space.choices.space import Space
from space.documents import Document
from space.refusal import UserError

INSIDE, AROUND = "inside:", "around:"
"""The prefixes of the names of spaces that a network defines. "inside:b0" is the space of the children of b0, and
"around:b0" is the space of networks like b0 with other blocks and sizes."""


@dataclass(frozen=True, slots=True)
class _Derived:
    """A kind of space that a network defines.

    document: the function from the network and `shares` to the document. what: the role of the network, for error
    messages. shares: the settings that are factors of the network's values, with their defaults. They are not in the
    document. largest: the largest permitted factor.
    """

    document: Callable[..., Document]
    what: str
    shares: Mapping[str, tuple[float, ...]]
    largest: float


_DERIVED = {
    INSIDE: _Derived(
        inside.inside,
        "parent for space=inside:PARENT",
        {"widths": inside.WIDTHS, "expands": inside.EXPANDS},
        1,
    ),
    AROUND: _Derived(around.around, "network for space=around:NETWORK", {"widths": around.WIDTHS}, inf),
}


def network_of(word: str) -> tuple[str, str, str] | None:
    """Return (prefix, name of the network, role of the network in words) for a space that a network defines.

    Returns None for all other names.
    """
    for beginning, kind in _DERIVED.items():
        if word.startswith(beginning):
            return beginning, word.removeprefix(beginning), kind.what
    return None


def load_space(word: str, overrides: Mapping[str, Any] | None = None) -> Space:
    """Return the space that `word` names, with `overrides` (place in its document: new value) applied.

    `inside:NETWORK` is the space of the children of a network, and `around:NETWORK` the space around it, for every
    NETWORK that `named_network` finds. In both, the override `widths` sets the factors of the network's widths; for
    children, `expands` sets the factors of its expansions. Other words are passed to `Space.load`. Raises `UserError`
    if the word, the document or an override is not valid.
    """
    derived = network_of(word)
    if derived is None:
        return Space.load(word, overrides)
    beginning, name, what = derived
    named, kind, given = named_network(name), _DERIVED[beginning], overrides or {}
    if named is None:
        raise unpublished(what, name, forms=FORMS)
    shares = {
        key: _shares(key, given.get(key, default), kind.largest) for key, default in kind.shares.items()
    }
    document = kind.document(named.architecture, **shares)
    for place, value in given.items():
        if place not in shares:
            document = override(document, place, value)
    return Space.of(document, f"{beginning[:-1]}-{named.name}")


def _shares(key: str, value: Any, largest: float) -> list[float]:
    """Return `value`, of the setting `key`, as a list of numbers.

    Raises `UserError` for anything but numbers above 0 and up to `largest`.
    """
    numbers = list(value) if isinstance(value, list | tuple) else [value]
    up_to = "" if largest == inf else f" and up to {largest:g}"
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number <= largest:
            raise UserError(f"space.{key} has {number!r}; a factor of the network's {key} is above 0{up_to}.")
    return [float(number) for number in numbers]
