"""Numbers for people: counts with metric prefixes, durations as clocks show them."""

from __future__ import annotations

from typing import Any

_PREFIXES = ("", "k", "M", "G", "T")


def si(value: Any) -> str:
    """Return `value` with three significant digits and a metric prefix: 385814752 -> "386M", 1.5e9 -> "1.5G"."""
    exponent = 0
    number = float(f"{float(value):.3g}")
    while abs(number) >= 1000 and exponent < len(_PREFIXES) - 1:
        number, exponent = number / 1000, exponent + 1
    return f"{number:.3g}{_PREFIXES[exponent]}"


def clock(seconds: float) -> str:
    """Return a number of seconds as 1:02:03 or 2:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
