"""Numbers as text: counts with nouns and metric prefixes, durations such as 1:02:03, and ratios in words."""

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


def plural(count: int, noun: str) -> str:
    """Return "1 trial", "2 trials" or "1,000 trials"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def times_as_many(ours: float, theirs: float, noun: str) -> str:
    """Return the ratio of two positive numbers in words: "108 times fewer params" or "about as many params"."""
    ratio = theirs / ours
    if 1 / 1.05 < ratio < 1.05:
        return f"about as many {noun}"
    factor = float(f"{max(ratio, 1 / ratio):.3g}")
    times = f"{factor:,.0f}" if factor >= 100 else f"{factor:g}"
    return f"{times} times fewer {noun}" if ratio > 1 else f"{times} times as many {noun}"


def clock(seconds: float) -> str:
    """Return a number of seconds as 1:02:03 or 2:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def one_line(text: str) -> str:
    r"""Return a text with unprintable characters escaped: names of classes and files can hold `\n` or `\x1b`."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def unwrapped(text: str, width: int | None) -> bool:
    """Return True if `text` must be written as one line, however long, and not wrapped between words.

    Text in files is not wrapped. A text with a word wider than the terminal, such as the string of a network, is not
    wrapped either, so that it can be copied. width: the columns of the terminal, None for a file.
    """
    return width is None or any(len(word) > width for word in text.split())
