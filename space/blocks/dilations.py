"""Inception convolutions: output channels in groups, each with dilations of its own along rows and columns.

Written `1x1:3+1x2:1`: three shares of the channels look at neighbouring pixels, one at every second column.
Source: Liu et al. 2021, arXiv:2012.13587; yifan123/IC-Conv.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from math import gcd

from space.refusal import UserError

MOST = 64
"""Pixels between those that a kernel reads."""

_GROUP = re.compile(r"([1-9]\d?)x([1-9]\d?):([1-9]\d{0,4})")


@lru_cache(maxsize=4096)
def parse(text: str) -> tuple[tuple[int, int, int], ...]:
    """(share, rows, columns) for each group, in the order of the dilations. Raises `UserError`."""
    shares: dict[tuple[int, int], int] = {}
    for part in text.split("+"):
        match = _GROUP.fullmatch(part)
        if not match or max(int(match[1]), int(match[2])) > MOST:
            raise UserError(f"dilations {text!r}: {part!r} is no group; write 1x1:3+1x2:1.")
        pair = int(match[1]), int(match[2])
        shares[pair] = shares.get(pair, 0) + int(match[3])
    common = gcd(*shares.values())
    return tuple((shares[pair] // common, *pair) for pair in sorted(shares))


def canonical(text: str) -> str:
    """`text` as all write it who mean the same groups."""
    return "+".join(f"{high}x{wide}:{share}" for share, high, wide in parse(text))


def groups(text: str, width: int) -> tuple[tuple[int, int, int], ...]:
    """(channels, rows, columns) for each group of `width` channels; nothing for no text. Raises `UserError`."""
    if not text:
        return ()
    found = parse(text)
    if width < len(found):
        raise UserError(f"{width} channels are too few for {len(found)} groups of dilations.")
    channels = apportioned([share for share, _, _ in found], width)
    return tuple((each, high, wide) for each, (_, high, wide) in zip(channels, found, strict=True))


def apportioned(shares: list[int], room: int) -> list[int]:
    """Channels in proportion to `shares`, at least one each, that add up to `room`, which is enough for that."""
    total = sum(shares)
    bounds = [sum(shares[:end]) * room // total for end in range(len(shares) + 1)]
    widths = [high - low for low, high in pairwise(bounds)]
    while 0 in widths:
        widths[widths.index(max(widths))] -= 1
        widths[widths.index(0)] += 1
    return widths
