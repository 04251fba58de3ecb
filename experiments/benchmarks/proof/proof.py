"""Is the searched network more accurate than every published network of equal latency, and by how much?

    python -m experiments.benchmarks.proof.proof --npz FILE.npz --profile FILE.json --out DIR --tries widths

For each level the limit is the latency of MobileNetV3-Small of about 6 or 18 million multiply-adds, exported and
run by onnxruntime with one image on one thread (`levels`). Rivals are the published networks of `search compare`, as
large as the limit permits. Each try (`tries`) is a search under the limit; a random search of equal cost stands
beside the last one. There are five stages, and a second start continues each of them:

0. `--until match`: the limits are measured, and the rivals matched to them.
1. `--until search`: the searches.
2. `--until validate`: each rival and the answer of the first try are trained at the low level with three learning
   rates and one seed, and keep the rate of the highest validation accuracy. Then every network is trained with 2
   seeds.
3. `--until tune`: the answers of the last try with every search seed, the random search's and the three best rivals
   by validation are written down. The recipe of the best rival is tuned for as many steps as the search trained.
4. `--until final`: each of these networks, and the best rival with its tuned recipe, is trained with 5 fresh seeds
   and evaluated on the test images.

All trainings are lines of DIR/trainings.jsonl; their seeds and digests become a csv. Latencies need an idle machine.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from experiments.benchmarks.proof.levels import MACS, Level, level
from experiments.benchmarks.proof.tries import DEFAULTS, TRIES, words
from experiments.benchmarks.proof.tuned import trainings_of_equal_cost, tuned
from experiments.benchmarks.training.four_classes import search
from experiments.benchmarks.training.full_training import Job, Split, compared, train_all
from experiments.benchmarks.training.proxy_table import read
from search.files import write_file
from search.profiles.profile import Profile
from search.runs.run import open_run
from search.stats.differences import Differences
from space import cost, decode

JOURNAL = "trainings.jsonl"
CSV = (
    *("network", "seed", "rate", "split", "validation_accuracy", "validation_loss", "test_accuracy"),
    *("digest", "cpu_seconds"),
)
"""The columns of the table of all trainings."""
RATES = (0.5, 1.0, 2.0)
SEEDS, FRESH = (0, 1), (100, 101, 102, 103, 104)
"""The seeds of trainings while one iterates, and those of the final."""
STRONGEST = 3
"""The number of rivals in the final, the best by validation."""
SEARCHED = "searched"
"""The family of all searched networks."""
STAGES = ("match", "search", "validate", "tune", "final")


@dataclass(frozen=True, slots=True)
class Contender:
    """A network under a limit.

    family: the rival's name, or `SEARCHED`; a family has one learning rate. rate: the factor of the recipe's learning
    rate; None: the family's. more: other settings of the recipe.
    """

    name: str
    network: str
    family: str
    rate: float | None = None
    more: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Proof:
    """The files and settings of a proof.

    profile: the file of a profile of latencies, whose reference the limits are measured beside. tries: the searches,
    the last of which is the proof's. seeds: the seeds of that search; the others have only the first of these. jobs:
    the number of simultaneous trainings. settings: more words of all searches.
    """

    npz: str
    out: Path
    profile: Path
    tries: Sequence[str]
    seeds: Sequence[int]
    jobs: int
    settings: Sequence[str]

    def level(self, name: str) -> Level:
        """Return the limit and the rivals of a level."""
        return level(name, Profile.load(self.profile), self.out / "levels.json")

    @property
    def last_searches(self) -> list[tuple[str, int]]:
        """The searches of the last try, each with its seed, and the random search of equal cost."""
        last = self.tries[-1]
        return [*((last, seed) for seed in self.seeds), (f"random-{last}", self.seeds[0])]

    def contenders(self, name: str) -> list[Contender]:
        """Carry out the missing searches of a level. Return the answers of all its searches, and the rivals."""
        limit, first, found = self.level(name).limit, self.seeds[0], []
        for one, seed in [*((one, first) for one in self.tries[:-1]), *self.last_searches]:
            run = f"{name}-{one}-{seed}"
            search(self.out, run, [*words(one, self.npz, limit, seed), *self.settings])
            answer = open_run(self.out / "runs" / run).answers.most_accurate
            found.append(Contender(run, str(answer.architecture), SEARCHED))
        rivals = self.level(name).rivals.items()
        return [*found, *(Contender(rival, network, rival) for rival, network in rivals)]

    def train(self, jobs: Sequence[Job]) -> list[dict[str, Any]]:
        """Return the lines of `jobs`, which are carried out where the journal has none."""
        return train_all(jobs, self.out / JOURNAL, self.jobs)

    def rates(self) -> dict[str, float]:
        """Return the factor of the learning rate of each family, chosen at the low level."""
        families = {one.family: one for one in reversed(self.contenders("low"))}
        tries = [(one, rate) for one in families.values() for rate in RATES]
        jobs = [Job(one.network, SEEDS[0], self.npz, rate, "validation") for one, rate in tries]
        lines = dict(zip(((one.family, rate) for one, rate in tries), self.train(jobs), strict=True))
        return {
            family: max(RATES, key=lambda rate: float(lines[family, rate]["validation_accuracy"]))
            for family in families
        }

    def trained(self, every: Sequence[Contender], seeds: Sequence[int], split: Split) -> Differences:
        """Return the differences between networks after one training with each seed."""
        rates = self.rates()
        jobs = [
            # A family that the low level lacks has the recipe's own rate.
            Job(one.network, seed, self.npz, one.rate or rates.get(one.family, 1.0), split, one.more)
            for one in every
            for seed in seeds
        ]
        return compared(self.train(jobs), len(seeds), split)

    def finalists(self, name: str) -> list[Contender]:
        """Return the networks of the final: answers of the last try, the random search's, and the strongest rivals.

        They are chosen by validation once, and kept in a file.
        """
        file = self.out / f"finalists-{name}.json"
        if not file.exists():
            every = self.contenders(name)
            means = self.trained(every, SEEDS, "validation").means
            last = {f"{name}-{one}-{seed}" for one, seed in self.last_searches}
            own = [one for one in every if one.name in last]
            order = sorted(zip(means, every, strict=True), key=lambda pair: -pair[0])
            rivals = [one for _, one in order if one.family != SEARCHED][:STRONGEST]
            write_file(file, json.dumps([asdict(one) for one in (*own, *rivals)], indent=1) + "\n")
        return [Contender(**values) for values in json.loads(file.read_text("utf-8"))]

    def tuned(self, name: str) -> Contender:
        """Return the strongest rival of a level with its recipe tuned for as many steps as the search trained."""
        rival = next(one for one in self.finalists(name) if one.family != SEARCHED)
        run = open_run(self.out / "runs" / f"{name}-{self.tries[-1]}-{self.seeds[0]}")
        count = trainings_of_equal_cost(run)
        best = tuned(rival.network, self.npz, count, self.train)
        return replace(rival, name=f"{rival.name}, tuned", rate=best.rate, more=best.more)


def report(every: Sequence[Contender], differences: Differences) -> Iterator[str]:
    """Yield a Markdown table of the networks, each compared with the first, which is the searched one."""
    yield f"| network | params | MACs | accuracy, {len(differences.accuracies[0])} seeds | first less it |"
    yield "|---|---:|---:|---:|---:|"
    for place, one in enumerate(every):
        spent, own, lead = (
            cost(decode(one.network)),
            differences.mean(place),
            differences.difference(0, place),
        )
        less = (
            f"{lead.mean:+.2%} ({lead.low:+.2%} to {lead.high:+.2%}){' *' * lead.significant}"
            if place
            else ""
        )
        half = f" +- {own.half:.2%}" if own.half is not None else ""
        yield f"| {one.name} | {spent.params:,} | {spent.macs / 1e6:.1f}M | {own.mean:.2%}{half} | {less} |"
    yield f"* differs beyond chance, over seeds and {differences.images} images, adjusted for all pairs"


def write_trainings(journal: Path, file: Path) -> None:
    """Write a table of all trainings with their seeds and digests as csv."""
    lines = read(journal)
    with file.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, CSV, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(lines)


def main(given: Sequence[str] | None = None) -> None:
    """Run the command line, or the words `given` in its place."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--npz", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--profile", type=Path, required=True, help="of latencies: search profile --out")
    parser.add_argument("--levels", nargs="+", choices=[*MACS], default=[*MACS])
    parser.add_argument("--tries", nargs="+", choices=[*TRIES], default=[DEFAULTS])
    parser.add_argument("--seeds", nargs="+", type=int, default=[1], help="of the searches of the last try")
    parser.add_argument("--until", choices=STAGES, default=STAGES[-1])
    parser.add_argument("--jobs", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="more settings of searches")
    options = parser.parse_args(given)
    out = options.out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    npz, profile = str(options.npz.absolute()), options.profile.absolute()
    proof = Proof(npz, out, profile, options.tries, options.seeds, options.jobs, options.set)
    until = STAGES.index(options.until)
    for name in options.levels:
        print(f"{name}: {proof.level(name).limit:g} ms", flush=True)
        if until >= STAGES.index("search"):
            for one in proof.contenders(name):
                print(f"{one.name}: {one.network}")
        if until >= STAGES.index("validate"):
            every = proof.contenders(name)
            print("\n".join(report(every, proof.trained(every, SEEDS, "validation"))), flush=True)
        if until >= STAGES.index("tune"):
            tuned_rival = proof.tuned(name)
            print(f"{tuned_rival.name}: rate {tuned_rival.rate:g}", *tuned_rival.more, flush=True)
        if until >= STAGES.index("final"):
            every = [*proof.finalists(name), proof.tuned(name)]
            print("\n".join(report(every, proof.trained(every, FRESH, "test"))), flush=True)
    if (out / JOURNAL).exists():
        write_trainings(out / JOURNAL, out / "trainings.csv")


if __name__ == "__main__":
    main()
