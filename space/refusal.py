"""Refusals of a user's mistake: one line with the value, the place, the permitted values and the nearest match."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(ValueError):
    """A user's mistake, in one line. Commands print it without a traceback and exit with code 2."""


_MAX_LISTED, _NEAREST = 20, 5
"""The limits of a message: it lists up to 20 permitted names, or the five nearest if there are more."""


def unknown_name(
    what: str, value: object, permitted: Iterable[object], forms: Iterable[str] = (), listed: str = ""
) -> UserError:
    """Return the refusal of `value`, which is not among the `permitted` names, with the nearest of them.

    what: the kind of value, e.g. "sampler" or "key in stages.2". forms: further permitted forms, such as "FILE.yaml".
    listed: the command that lists all names if there are many.
    """
    names = [str(name) for name in permitted]
    close = _nearest(str(value), names, 1, 0.5)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    if len(names) <= _MAX_LISTED:
        permission = f" Permitted: {', '.join([*names, *forms])}." if names else ""
    else:
        near = _nearest(str(value), names, _NEAREST, 0)
        permission = f" {len(names)} are permitted, such as {', '.join([*near, *forms])}."
        permission += f" See all: {listed}" if listed else ""
    return UserError(f"Unknown {what} {str(value)!r}.{hint}{permission}")


def _nearest(value: str, names: list[str], count: int, cutoff: float) -> list[str]:
    """Return the nearest names. Names with the initials `value` come first, such as learning_rate for lr.

    A group that all names share, such as "recipe.", does not make them similar.
    """
    group, dot, key = value.rpartition(".")
    if not dot or not all(name.startswith(f"{group}.") for name in names):
        group, dot, key = "", "", value
    keys = [name.removeprefix(f"{group}{dot}") for name in names]
    initials = [name for name in keys if "_" in name and "".join(word[:1] for word in name.split("_")) == key]
    close = dict.fromkeys([*initials, *get_close_matches(key, keys, n=count, cutoff=cutoff)])
    return [f"{group}{dot}{name}" for name in list(close)[:count]]


def setting_of_other_choice(key: str, group: str, owners: Iterable[str], chosen: str) -> UserError:
    """Return the refusal of a setting that only other choices of its group have. chosen: the present choice."""
    return UserError(f"{key} is a setting of {group}={', '.join(owners)}; this is {group}={chosen}.")
