"""Numbers and times as people type them."""

from __future__ import annotations

import re


def number_or_word(text: str) -> object:
    """Return the number that `text` stands for; the text itself if it is not a number."""
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def seconds(text: str) -> float:
    """Return the seconds in "90", "30m", "1h30m" or "2d". Raises ValueError for anything else, such as "1h30"."""
    number = r"([0-9]+\.?[0-9]*|\.[0-9]+)"
    # Without a unit, 1h30 could be 30 minutes or 30 seconds.
    match = re.fullmatch(rf"(?:{number}d)?(?:{number}h)?(?:{number}m)?(?:{number}s)?|{number}", text.strip())
    if not match or not any(match.groups()):
        raise ValueError("a time is written like 90s, 30m or 1h30m")
    return sum(
        float(count) * unit
        for count, unit in zip(match.groups(), (86400, 3600, 60, 1, 1), strict=True)
        if count
    )
