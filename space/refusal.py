"""The error for a user's mistake: one line with the value, its place, the permitted values and the nearest match."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(ValueError):
    """A user's mistake, in one line. Commands print it without a traceback and exit with code 2."""


_MAX_LISTED, _NEAREST = 20, 5
"""A message lists all permitted names if there are at most 20, else only the five nearest."""


def unknown_name(
    what: str, value: object, permitted: Iterable[object], forms: Iterable[str] = (), listed: str = ""
) -> UserError:
    """Return the error for a `value` that is not among the `permitted` names.

    Its message lists these names, or only the nearest of them if there are many.

    what: the kind of value, e.g. "sampler" or "key in stages.2:". forms: further permitted forms, such as
    "FILE.yaml". listed: the command that lists all names, shown if there are too many for the message.
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
    """Return up to `count` names similar to `value`.

    Names with `value` as their initials come first, such as learning_rate for lr. cutoff: the least similarity of the
    others, 0 to 1, as in difflib. If `value` and all names begin with the same group, such as "recipe.", only the
    rest is compared.
    """
    group, dot, key = value.rpartition(".")
    if not dot or not all(name.startswith(f"{group}.") for name in names):
        group, dot, key = "", "", value
    keys = [name.removeprefix(f"{group}{dot}") for name in names]
    initials = [name for name in keys if "_" in name and "".join(word[:1] for word in name.split("_")) == key]
    close = dict.fromkeys([*initials, *get_close_matches(key, keys, n=count, cutoff=cutoff)])
    return [f"{group}{dot}{name}" for name in list(close)[:count]]


def setting_of_other_choice(key: str, group: str, owners: Iterable[str], chosen: str) -> UserError:
    """Return the error for the setting `key`, which belongs to the choices `owners` of `group`, not to `chosen`.

    chosen: the present choice of `group`.
    """
    return UserError(f"{key} is a setting of {group}={', '.join(owners)}; this is {group}={chosen}.")
