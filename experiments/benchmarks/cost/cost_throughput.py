"""The number of networks per second whose exact params, MACs and activations are computed on one core.

    python experiments/benchmarks/cost/cost_throughput.py --space effv2 --networks 20000 --repeats 7

All networks differ, within a repeat and between repeats, as their digests show. The first repeat begins with empty
caches of block costs. Later repeats find the blocks of earlier networks there, as a search does. Rates are per second
of CPU time, which other load on the machine does not affect. Drawing networks is timed too, since a search also draws
them. It takes half a minute with the defaults.
"""

from __future__ import annotations

import argparse
import platform
import random
import statistics
import time
from collections.abc import Callable, Sequence

from space import Architecture, cost
from space.choices.space import Space
from space.timing.device import processor


def drawn(space: Space, number: int, rng: random.Random, seen: set[str]) -> tuple[list[Architecture], float]:
    """Return `number` networks that are not in `seen`, and the draws per second of CPU time, duplicates included.

    The digests of the networks are added to `seen`.
    """
    networks: list[Architecture] = []
    draws, spent = 0, 0.0
    while len(networks) < number:
        before = time.thread_time()
        batch = [space.at(space.sample(rng)) for _ in range(number - len(networks))]
        spent += time.thread_time() - before
        draws += len(batch)
        for network in batch:
            if network.digest not in seen:
                seen.add(network.digest)
                networks.append(network)
    return networks, draws / spent


def rate(count: Callable[[Architecture], object], networks: Sequence[Architecture]) -> float:
    """Return the number of networks that `count` processes per second of CPU time."""
    before = time.thread_time()
    for network in networks:
        count(network)
    return len(networks) / (time.thread_time() - before)


def row(name: str, rates: Sequence[float]) -> str:
    """Return a line of the table: `name`, and the median and the extremes of `rates`."""
    return f"{name:<34}{statistics.median(rates):>10,.0f}{min(rates):>10,.0f}{max(rates):>10,.0f}"


def main() -> None:
    """Print hardware, versions, and a table of networks per second."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--space", default="effv2")
    parser.add_argument("--networks", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    space, rng, seen = Space.load(options.space), random.Random(options.seed), set[str]()
    if options.networks * options.repeats > space.size / 4:
        parser.error(
            f"{space.name} has {space.size:,} networks; --networks times --repeats must be at most a quarter of that."
        )
    counting, drawing = [], []
    for _ in range(options.repeats):
        networks, draws = drawn(space, options.networks, rng, seen)
        drawing.append(draws)
        counting.append(rate(cost, networks))
    assert len(seen) == options.networks * options.repeats

    print(f"{processor()}, one core; Python {platform.python_version()}, {platform.system()}")
    print(f"{space.name}, {space.size:,} networks; {options.repeats} x {options.networks:,} distinct ones\n")
    print(f"{'networks per second':<34}{'median':>10}{'lowest':>10}{'highest':>10}")
    print(row("counted, first repeat", counting[:1]))
    if counting[1:]:
        print(row("counted, further repeats", counting[1:]))
    print(row("drawn from the space", drawing))


if __name__ == "__main__":
    main()
