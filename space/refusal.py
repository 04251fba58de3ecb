"""How the project says no: one line with the value, the place, what is permitted and the nearest match."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(ValueError):
    """A user's mistake, told in one line. Commands print it without a traceback and exit with 2."""


_MOST, _NEAREST = 20, 5
"""Permitted names that a line names all of, and of more of them."""


def unknown_name(
    what: str, value: object, permitted: Iterable[object], forms: Iterable[str] = (), listed: str = ""
) -> UserError:
    """The refusal of `value`, which is none of the `permitted` ones, naming the nearest of them.

    what: what the value was meant to be, e.g. "sampler" or "key in stages.2". forms: of other values that are
    permitted, "FILE.yaml". listed: the command that names all of many.
    """
    names = [str(name) for name in permitted]
    close = get_close_matches(str(value), names, n=1, cutoff=0.5)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    if len(names) <= _MOST:
        told = f" Permitted: {', '.join([*names, *forms])}." if names else ""
    else:
        near = get_close_matches(str(value), names, n=_NEAREST, cutoff=0)
        told = f" {len(names)} are permitted, such as {', '.join([*near, *forms])}."
        told += f" See all: {listed}" if listed else ""
    return UserError(f"Unknown {what} {str(value)!r}.{hint}{told}")


def setting_of_other_choice(key: str, group: str, owners: Iterable[str], chosen: str) -> UserError:
    """The refusal of a setting that other choices of a group have. chosen: the one that has not."""
    return UserError(f"{key} is a setting of {group}={', '.join(owners)}; this is {group}={chosen}.")
