"""The choice of networks to measure, so that each block of a space occurs in several of them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from search.profiles.blocks import parts, parts_of_space
from space import Architecture, Multipliers, Space, cost, rescale

TIMES = 3
"""The number of networks in which each block should occur, so that the median ignores one bad measurement."""
_CANDIDATES = 60
"""The number of random networks from which each measured network of a space is chosen."""
_DRAWS = 2000
"""The number of random networks of which those near a limit are taken."""
_SIZES = (1, 2, 3, 4)
"""The numbers of random networks that are combined into a small one: it has the smallest of their options in each
choice. Limits can be far below the latencies of uniformly drawn networks. In the space around a network that fills
the limit, 0.7 % of 300 uniformly drawn networks are near it, 20 % of those combined from two, 44 % from three and
55 % from four."""
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
"""The factors (width, resolution) of the scaled copies that are measured too. The times of blocks that a profile does
not contain, such as those of scaled networks, are estimated by a fit. Times at other widths do not follow from
multiply-adds alone, so the fit needs some scaled networks."""


def chosen(space: Space, max_count: int, seed: int = 0) -> list[Architecture]:
    """Return up to `max_count` networks: some of `space`, the most informative first, then scaled copies of some.

    Each network of the space is the best of `_CANDIDATES` random ones, by the number of its blocks that are still too
    rare. No more are chosen when every block occurs `TIMES` times, or when no candidate has a block that is too rare.
    In a space of very many blocks, some may not occur at all.
    """
    rng = random.Random(seed)
    networks = _informative(
        lambda: [space.at(space.sample(rng)) for _ in range(_CANDIDATES)], parts_of_space(space), max_count
    )
    small = sorted(networks, key=lambda network: cost(network).macs)
    scaled = [
        rescale(network, Multipliers(width=width, resolution=resolution))
        for network, (width, resolution) in zip(small, _SCALED, strict=False)
    ]
    return list(dict.fromkeys([*networks, *scaled[: max(1, max_count // 6)]]))[:max_count]


def chosen_among(space: Space, permits: Callable[[Architecture], bool], max_count: int) -> list[Architecture]:
    """Return up to `max_count` networks of `space` that `permits` accepts, the most informative first.

    `_DRAWS` random networks are drawn, most of them small (see `_SIZES`). Those that `permits` accepts are the
    candidates for a choice as in `chosen`, without scaled copies.
    """
    rng = random.Random(0)
    drawn = dict.fromkeys(_small(space, _SIZES[draw % len(_SIZES)], rng) for draw in range(_DRAWS))
    pool = [network for network in drawn if permits(network)]
    if not pool:
        return []
    keys = dict.fromkeys(part.key for network in pool for part in parts(network))
    networks = _informative(lambda: rng.sample(pool, min(_CANDIDATES, len(pool))), keys, max_count)
    return list(dict.fromkeys(networks))


def _small(space: Space, count: int, rng: random.Random) -> Architecture:
    """Draw `count` random networks. Return the network with the smallest option of each choice among them.

    Where the options of a choice have no order, the option of the first network is used.
    """
    points = zip(*(space.sample(rng) for _ in range(count)), strict=True)
    options = zip(space.choices, points, strict=True)
    return space.at(tuple(min(each) if choice.ordered else each[0] for choice, each in options))


def _informative(
    draw: Callable[[], list[Architecture]], wanted: Iterable[str], max_count: int
) -> list[Architecture]:
    """Return up to `max_count` networks, each the best of those drawn, by the number of blocks still too rare.

    draw: returns some networks. wanted: the keys of the blocks, each of which should occur `TIMES` times.
    """
    missing = Counter(dict.fromkeys(wanted, TIMES))
    networks: list[Architecture] = []
    keys: dict[Architecture, set[str]] = {}
    while any(missing.values()) and len(networks) < max_count:
        drawn = draw()
        for network in drawn:
            keys.setdefault(network, {part.key for part in parts(network)})
        # The fewer networks contain a block so far, the more it counts.
        best = max(drawn, key=lambda network: sum(4 ** missing[key] - 1 for key in keys[network]))
        if all(not missing[key] for key in keys[best]):
            break  # The missing blocks are too rare to be drawn.
        networks.append(best)
        for key in keys[best]:
            missing[key] = max(0, missing[key] - 1)
    return networks


def covering(space: Space, networks: Sequence[Architecture]) -> float:
    """Return the share of the blocks of `space` that occur in `networks`, 0 to 1."""
    wanted = set(parts_of_space(space))
    return len(wanted & {part.key for network in networks for part in parts(network)}) / len(wanted)


def typical(space: Space, seed: int = 0) -> Architecture:
    """Return the median, by MACs, of 15 random networks of `space`, which serves as the unit of times."""
    rng = random.Random(seed)
    drawn = [space.at(space.sample(rng)) for _ in range(15)]
    return sorted(drawn, key=lambda network: cost(network).macs)[len(drawn) // 2]
