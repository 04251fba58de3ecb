"""Numbers and times as people type them."""

from __future__ import annotations

import math
import re

_COUNT = re.compile(r"(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)\s*([kKMGBT]?)")
_SUFFIXES = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "B": 10**9, "T": 10**12}


def number_or_word(text: str) -> object:
    """Return the number that `text` stands for; the text itself if it is not a number."""
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def count(text: str) -> int:
    """Return the number in "2000000", "2e9", "12M" or "2.5G", rounded to a whole number.

    Raises ValueError for a number below 1 and for any other text.
    """
    match = _COUNT.fullmatch(text.strip())
    value = float(match[1]) * _SUFFIXES[match[2].replace("K", "k")] if match else 0.0
    if not 1 <= value < math.inf:
        raise ValueError(
            f"{text!r} is not a valid count; write a number from 1 up, such as 2e9, 12M or 2.5G."
        )
    return round(value)


def seconds(text: str) -> float:
    """Return the seconds in "90", "30m", "1h30m" or "2d". Raises ValueError for anything else."""
    number = r"([0-9]+\.?[0-9]*|\.[0-9]+)"
    match = re.fullmatch(rf"(?:{number}d)?(?:{number}h)?(?:{number}m)?(?:{number}s?)?", text.strip())
    if not match or not any(match.groups()):
        raise ValueError("a time is written like 90s, 30m or 1h30m")
    return sum(
        float(count) * unit for count, unit in zip(match.groups(), (86400, 3600, 60, 1), strict=True) if count
    )
