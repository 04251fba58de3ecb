"""Gaussian process against random search with equal numbers of trials.

    python experiments/benchmarks/samplers/gp_against_random.py --seeds 5 space=effv2_32 data=npz data.path=FILE

For each seed there is a search with each sampler. The network with the best reward in each search is then trained
again with fresh seeds, and the new rewards are compared in pairs. Everything is stored in ./runs, and the same
command continues an interrupted comparison.
"""

from __future__ import annotations

import argparse
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from search import Run, Trial, launch, open_run, resume
from search.config import Config
from search.data import load
from search.engine.display import Silent
from search.engine.driving import drive
from search.engine.proposals import Proposal
from search.proxy.evaluate import evaluate
from search.runs.creation import create
from search.runs.environment import environment
from search.runs.names import RUNS
from search.settings.words import parse
from space import Architecture

SAMPLERS = ("gp", "random")


@dataclass(frozen=True, slots=True)
class Again:
    """A source of proposals that trains each of `networks` with each of `seeds`."""

    networks: tuple[Architecture, ...]
    seeds: tuple[int, ...]

    @property
    def total(self) -> int:
        return len(self.networks) * len(self.seeds)

    def next(self, trials: Sequence[Trial]) -> Proposal | None:
        if len(trials) >= self.total:
            return None
        which, seed = divmod(len(trials), len(self.seeds))
        return Proposal((which, seed), self.networks[which], self.seeds[seed])

    def over(self, trials: Sequence[Trial]) -> bool:
        return True


def searched(name: str, settings: dict[str, object]) -> Run:
    """Return the finished run `name`, after launching or resuming it if necessary."""
    return resume(name) if (RUNS / name).exists() else launch({"finals": "off", **settings, "run": name})


def trained_again(name: str, config: Config, winners: Sequence[Architecture], seeds: int) -> dict[str, float]:
    """Return the mean reward over `seeds` fresh seeds of each winner, by canonical string."""
    data = load(config.data, config.proxy.resolution)
    networks = tuple(dict.fromkeys(winners))
    path = RUNS / name
    if not path.exists():
        create(name, config.document(), data)
    again = Again(networks, tuple(range(1000, 1000 + seeds)))
    drive(path, config, again, data, Silent(), evaluate)
    trials = open_run(name).trials
    return {
        str(network): statistics.mean(t.terms.reward for t in trials if t.architecture == network and t.terms)
        for network in networks
    }


def report(pairs: list[tuple[float, float]], what: str) -> None:
    differences = [gp - random for gp, random in pairs]
    spread = statistics.stdev(differences) if len(differences) > 1 else float("nan")
    wins = sum(difference > 0 for difference in differences)
    print(f"\n{what}: gp better in {wins} of {len(pairs)} pairs")
    print(f"  mean difference {statistics.mean(differences):+.4f}, standard deviation {spread:.4f}")
    for seed, (gp, random) in enumerate(pairs):
        print(f"  seed {seed}: gp {gp:.4f}, random {random:.4f}, difference {gp - random:+.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5, help="pairs of searches")
    parser.add_argument("--again", type=int, default=3, help="fresh seeds for each winner")
    parser.add_argument("--name", default="compare", help="prefix of the names of the runs")
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE")
    given = parser.parse_args()
    settings = parse(given.settings)
    runs: dict[tuple[str, int], Run] = {}
    for seed in range(given.seeds):
        for sampler in SAMPLERS:
            name = f"{given.name}-{sampler}-{seed}"
            runs[sampler, seed] = run = searched(name, {**settings, "sampler": sampler, "seed": seed})
            print(
                f"{name}: best {run.best.terms.reward:.4f} of {len(run.ranked)} in {run.seconds:.0f} s",
                flush=True,
            )
    winners = {key: run.best.architecture for key, run in runs.items()}
    config = runs[SAMPLERS[0], 0].config
    fresh = trained_again(f"{given.name}-winners", config, list(winners.values()), given.again)
    seeds = range(given.seeds)
    report([tuple(runs[s, n].best.terms.reward for s in SAMPLERS) for n in seeds], "Best seen by the search")
    report(
        [tuple(fresh[str(winners[s, n])] for s in SAMPLERS) for n in seeds],
        f"Winners trained again with {given.again} fresh seeds",
    )
    about = environment(load(config.data, config.proxy.resolution))
    print(f"\n{about['processor']}, {about['cores']} cores, {platform.platform()}, {about['versions']}")


if __name__ == "__main__":
    main()
