"""Which networks of a space to measure, so that each of its blocks is met in several."""

from __future__ import annotations

import random
from collections import Counter

from search.profiles.blocks import parts, parts_of_space
from space import Architecture, Multipliers, Space, cost, rescale

TIMES = 3
"""How many networks a block should be measured in: their median passes over one bad take."""
_CANDIDATES = 60
_SCALED = (
    (0.75, 1.0),
    (1.5, 1.0),
    (1.0, 0.75),
    (1.25, 1.5),
    (0.5, 1.0),
    (1.0, 1.25),
    (2.0, 1.0),
    (0.75, 1.5),
)
"""Factors of width and resolution. Blocks of scaled networks are estimated, and what they cost does not follow
from multiply-adds of one width: some are measured, for the fit."""


def chosen(space: Space, most: int, seed: int = 0) -> list[Architecture]:
    """Up to `most` networks of `space`, the most telling first, and scaled siblings of the smallest of them.

    Each is the best of some that are drawn, by the blocks in it that were met too seldom. They end when every block
    was met `TIMES` times; a space of very many blocks has some that no network here has.
    """
    rng = random.Random(seed)
    missing = Counter(dict.fromkeys(parts_of_space(space), TIMES))
    networks: list[Architecture] = []
    keys: dict[Architecture, set[str]] = {}
    while any(missing.values()) and len(networks) < most:
        drawn = [space.at(space.sample(rng)) for _ in range(_CANDIDATES)]
        for network in drawn:
            keys.setdefault(network, {part.key for part in parts(network)})
        # A block that was never met counts for more than any that was.
        best = max(drawn, key=lambda network: sum(4 ** missing[key] - 1 for key in keys[network]))
        if all(not missing[key] for key in keys[best]):
            break  # What is missing is too rare to be drawn.
        networks.append(best)
        for key in keys[best]:
            missing[key] = max(0, missing[key] - 1)
    small = sorted(networks, key=lambda network: cost(network).macs)
    scaled = [
        rescale(network, Multipliers(width=width, resolution=resolution))
        for network, (width, resolution) in zip(small, _SCALED, strict=False)
    ]
    return list(dict.fromkeys([*networks, *scaled[: max(1, most // 6)]]))[:most]


def typical(space: Space, seed: int = 0) -> Architecture:
    """Of some networks drawn from `space`, the one in the middle by multiply-adds: a unit for all of them."""
    rng = random.Random(seed)
    drawn = [space.at(space.sample(rng)) for _ in range(15)]
    return sorted(drawn, key=lambda network: cost(network).macs)[len(drawn) // 2]
