"""The grammar of the `KEY=VALUE` words on a command line, and the groups of settings to which they belong."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from search.settings.quantities import number_or_word
from space import documents
from space.refusal import UserError

GROUPS = ("space", "data", "proxy", "reward", "limit", "sampler", "pruner", "executor", "finals")
"""The groups of settings, in the order in which help and `config.yaml` show them."""

KIND = {
    "data": "source",
    "reward": "reward",
    "sampler": "sampler",
    "pruner": "pruner",
    "executor": "executor",
}
"""The setting that names the chosen kind, such as `sampler: gp`, for each group that has several kinds."""

_NAMES = ("run", "from", "first", "weights", "out", "data.path", "data.cache")
"""The settings whose values are always names, even if they look like numbers: run=2026, out=1.10, data.path=2024."""


def is_setting(word: str) -> bool:
    """Return True for a KEY=VALUE word, False for a word that names a network, a run or a file.

    The canonical string of an inception network, "r32_i16/inception_..._b:1+1=2*0.17/...", has a "=" too, but a key
    has no "/".
    """
    key, equals, _ = word.partition("=")
    return bool(equals) and "/" not in key


def parse(words: Iterable[str]) -> dict[str, Any]:
    """Return the settings in `KEY=VALUE` words by their keys.

    A value that looks like a number, a boolean, a list, a mapping or None is converted; any other value is a text.
    The choice of a group is always a text, and the value of a setting in `_NAMES` is a text or None. Raises
    `UserError` for a word of another form, an empty value, and a key that is set twice.
    """
    settings: dict[str, Any] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise UserError(f"{word!r} is not a setting; write KEY=VALUE, such as space=effv2 or trials=100.")
        if key in settings:
            raise UserError(f"{key} is set twice.")
        if not value.strip():
            raise UserError(f"{key}= has no value; {key}=null means none.")
        # A group always has a choice, so pruner=none chooses the pruner named "none".
        settings[key] = value if key in GROUPS else _value(value, key.startswith("space."), key in _NAMES)
    return settings


def _value(text: str, listed: bool = False, named: bool = False) -> Any:
    """Parse a value.

    listed: True if commas separate the items of a list. named: True if the value is a name, never a number.
    """
    if text.lower() in ("null", "none", ""):
        return None
    if named:
        return text
    if listed and "," in text and not text.startswith(("[", "{")):
        return [_value(part.strip()) for part in text.split(",") if part.strip()]
    if text.startswith(("[", "{")):
        return documents.parse(text, repr(text))
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    return number_or_word(text)
