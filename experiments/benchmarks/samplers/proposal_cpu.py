"""The CPU time of a proposal, by the number of results that the sampler has.

    python -m experiments.benchmarks.samplers.proposal_cpu
    python -m experiments.benchmarks.samplers.proposal_cpu --spaces mobile --sampler tpe --results 128

Nothing is trained. The results are random networks with an invented reward that depends on their MACs, params and
options. The rows also give a digest of the proposals, by which two versions of the code can be compared.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import random
import statistics
import time
from collections.abc import Sequence

from search.config import Config
from search.samplers import Observation, Sampler
from space import Point, Space, cost

SPACES = ("effv2_32", "effv2", "mobile")
RESULTS = (32, 128, 480)
PROPOSALS = 8
"""The number of consecutive proposals that are measured. Before each, one more result is added."""


def invented_reward(space: Space, point: Point) -> float:
    """Return a reward that rises with MACs, falls with params, and has a random part for every point."""
    digest = hashlib.sha256(repr((space.name, point)).encode()).digest()
    spent = cost(space.at(point))
    return 0.5 + 0.03 * math.log(spent.macs) - 0.02 * math.log(spent.params) + 0.02 * digest[0] / 255


def random_history(space: Space, count: int, seed: int = 0) -> list[Observation]:
    """Return the results of `count` random networks, with invented rewards."""
    rng = random.Random(seed)
    points = [space.sample(rng) for _ in range(count)]
    return [Observation(n, point, invented_reward(space, point), True) for n, point in enumerate(points)]


def measured(space: Space, sampler: Sampler, results: int, proposals: int) -> tuple[list[float], str]:
    """Return the CPU seconds of each proposal after the first, and a digest of all proposals.

    The first proposal also fills the sampler's caches, so it is not measured.
    """
    proposer, history = sampler.proposer(space), random_history(space, results)
    seconds, points = [], []
    for seed in range(proposals + 1):
        before = time.process_time()
        points.append(proposer.propose(history, seed))
        seconds.append(time.process_time() - before)
        history.append(Observation(len(history), points[-1], invented_reward(space, points[-1]), True))
    return seconds[1:], hashlib.sha256(repr(points).encode()).hexdigest()[:12]


def main(words: Sequence[str] | None = None) -> None:
    """Print a row for each space and number of results. words: the arguments; None: those of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--spaces", nargs="+", default=SPACES)
    parser.add_argument("--results", nargs="+", type=int, default=RESULTS)
    parser.add_argument("--sampler", default="auto")
    parser.add_argument("--proposals", type=int, default=PROPOSALS, help="proposals measured for each row")
    asked = parser.parse_args(words)
    sampler = Config.of({"sampler": asked.sampler}).sampler
    if hasattr(sampler, "early_stop"):
        sampler = sampler.model_copy(update={"early_stop": False})
    print(
        "| space | results | CPU per proposal, mean | median | longest | digest |\n|---|---|---|---|---|---|"
    )
    for name in asked.spaces:
        space = Space.load(name)
        for results in asked.results:
            seconds, digest = measured(space, sampler, results, asked.proposals)
            shown = (statistics.fmean(seconds), statistics.median(seconds), max(seconds))
            figures = " | ".join(f"{1e3 * value:.0f} ms" for value in shown)
            print(f"| {name} | {results} | {figures} | {digest} |", flush=True)


if __name__ == "__main__":
    main()
