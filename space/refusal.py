"""Refusals of a user's mistake: one line with the value, the place, the permitted values and the nearest match."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(ValueError):
    """A user's mistake, in one line. Commands print it without a traceback and exit with code 2."""


_MAX_LISTED, _NEAREST = 20, 5
"""Up to 20 permitted names are listed; of more, the five nearest are."""


def unknown_name(
    what: str, value: object, permitted: Iterable[object], forms: Iterable[str] = (), listed: str = ""
) -> UserError:
    """Return the refusal of `value`, which is not among the `permitted` names, with the nearest of them.

    what: the kind of value, e.g. "sampler" or "key in stages.2". forms: further permitted forms, such as "FILE.yaml".
    listed: the command that lists all names if there are many.
    """
    names = [str(name) for name in permitted]
    close = get_close_matches(str(value), names, n=1, cutoff=0.5)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    if len(names) <= _MAX_LISTED:
        permission = f" Permitted: {', '.join([*names, *forms])}." if names else ""
    else:
        near = get_close_matches(str(value), names, n=_NEAREST, cutoff=0)
        permission = f" {len(names)} are permitted, such as {', '.join([*near, *forms])}."
        permission += f" See all: {listed}" if listed else ""
    return UserError(f"Unknown {what} {str(value)!r}.{hint}{permission}")


def setting_of_other_choice(key: str, group: str, owners: Iterable[str], chosen: str) -> UserError:
    """Return the refusal of a setting that only other choices of its group have. chosen: the present choice."""
    return UserError(f"{key} is a setting of {group}={', '.join(owners)}; this is {group}={chosen}.")
