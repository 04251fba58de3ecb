"""Inception convolutions: groups of output channels with their own dilations along rows and columns.

In the notation `1x1:3+1x2:1`, three quarters of the channels read neighbouring pixels, and one quarter reads every
second column.
Source: Liu et al. 2021, arXiv:2012.13587; yifan123/IC-Conv.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from math import gcd

from space.refusal import UserError

MAX_DILATION = 64
"""The largest permitted dilation: the distance in pixels between neighbouring values that a kernel reads."""

_GROUP = re.compile(r"([1-9]\d?)x([1-9]\d?):([1-9]\d{0,4})")


@lru_cache(maxsize=4096)
def parse(text: str) -> tuple[tuple[int, int, int], ...]:
    """Return (share, row dilation, column dilation) for each group, sorted by dilation.

    The shares have no common divisor. Raises `UserError` for an invalid text.
    """
    shares: dict[tuple[int, int], int] = {}
    for part in text.split("+"):
        match = _GROUP.fullmatch(part)
        if not match or max(int(match[1]), int(match[2])) > MAX_DILATION:
            raise UserError(
                f"dilations {text!r}: {part!r} is not a group; write 1x1:3+1x2:1, with dilations of 1 to"
                f" {MAX_DILATION}."
            )
        pair = int(match[1]), int(match[2])
        shares[pair] = shares.get(pair, 0) + int(match[3])
    common = gcd(*shares.values())
    return tuple((shares[pair] // common, *pair) for pair in sorted(shares))


def canonical(text: str) -> str:
    """Return the canonical form of `text`, which all texts for the same groups share.

    Raises `UserError` if it is invalid.
    """
    return "+".join(f"{high}x{wide}:{share}" for share, high, wide in parse(text))


def groups(text: str, width: int) -> tuple[tuple[int, int, int], ...]:
    """Return (channels, row dilation, column dilation) for each group of `text`, for `width` output channels.

    An empty text gives (). Raises `UserError` for an invalid text, and if there are fewer channels than groups.
    """
    if not text:
        return ()
    parts = parse(text)
    if width < len(parts):
        raise UserError(f"{width} channels are too few for {len(parts)} groups of dilations.")
    channels = apportioned([share for share, _, _ in parts], width)
    return tuple((each, high, wide) for each, (_, high, wide) in zip(channels, parts, strict=True))


def apportioned(shares: list[int], room: int) -> list[int]:
    """Return `room` channels divided in proportion to `shares`, in their order, at least one for each.

    `room` must be at least len(shares).
    """
    total = sum(shares)
    bounds = [sum(shares[:end]) * room // total for end in range(len(shares) + 1)]
    widths = [high - low for low, high in pairwise(bounds)]
    while 0 in widths:
        widths[widths.index(max(widths))] -= 1
        widths[widths.index(0)] += 1
    return widths
