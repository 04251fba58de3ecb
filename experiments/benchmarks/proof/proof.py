"""The difference in accuracy between a searched network and every published network of equal latency.

    python -m experiments.benchmarks.proof.proof --npz FILE.npz --profile FILE.json --out DIR --tries widths

For each level the limit is the latency of MobileNetV3-Small of about 6 or 18 million multiply-adds, exported and
run by onnxruntime with one image on one thread (`levels`). Rivals are the published networks of `search compare`, as
large as the limit permits. Each try (`tries`) is a search under the limit; the last try is also made as a random
search of equal cost. There are five stages, and a second start continues each of them:

0. `--until match`: the limits are measured, and the rivals matched to them.
1. `--until search`: the searches.
2. `--until validate`: each rival and the answer of the first try are trained at the low level with three learning
   rates and one seed, and keep the rate with the highest validation accuracy. Then every network is trained with 2
   seeds.
3. `--until tune`: the networks of the final are chosen and kept in a file: the answers of the last try with every
   search seed, the answer of the random search, and the three rivals with the highest validation accuracies. The
   recipe of the best rival is tuned in as many epochs as the search trained.
4. `--until final`: each of these networks, and the best rival with its tuned recipe, is trained with 5 fresh seeds
   and evaluated on the test images. A table and a figure are written to DIR.

    python -m experiments.benchmarks.proof.proof --out experiments/results/proof --report

writes the table and the figure again from the trainings in a folder. All trainings are lines of DIR/trainings.jsonl,
and DIR/trainings.csv lists their seeds and digests. Measure latencies on an idle machine.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from experiments.benchmarks.proof.final import (
    SEARCHED,
    Contender,
    draw,
    read_contenders,
    table,
    write_contenders,
)
from experiments.benchmarks.proof.levels import MACS, Level, level
from experiments.benchmarks.proof.tries import DEFAULTS, TRIES, words
from experiments.benchmarks.proof.tuned import trainings_of_equal_cost, tuned
from experiments.benchmarks.training.four_classes import search
from experiments.benchmarks.training.full_training import Job, Split, compared, key_of, train_all
from experiments.benchmarks.training.proxy_table import read
from search.profiles.profile import Profile
from search.runs.run import open_run
from search.stats.differences import Differences

JOURNAL = "trainings.jsonl"
CSV = (
    *("network", "seed", "rate", "split", "validation_accuracy", "validation_loss", "test_accuracy"),
    *("digest", "cpu_seconds"),
)
"""The columns of the table of all trainings."""
RATES = (0.5, 1.0, 2.0)
SEEDS, FRESH = (0, 1), (100, 101, 102, 103, 104)
"""The seeds of the trainings before the final, and the seeds of the final."""
STRONGEST = 3
"""The number of rivals in the final, those with the highest validation accuracies."""
STAGES = ("match", "search", "validate", "tune", "final")


@dataclass(frozen=True)
class Proof:
    """The files and settings of a proof.

    profile: the file of a profile of latencies; limits are measured in turns with its reference network. tries: the
    names of the searches; the last of them is the search of the proof. seeds: the seeds of the last search; the
    others have only the first of these seeds. jobs: the number of simultaneous trainings. settings: further settings
    of all searches, KEY=VALUE.
    """

    npz: str
    out: Path
    profile: Path
    tries: Sequence[str]
    seeds: Sequence[int]
    jobs: int
    settings: Sequence[str]

    def level(self, name: str) -> Level:
        """Return the limit and the rivals of the level `name`, "low" or "high"."""
        return level(name, self.npz, Profile.load(self.profile), self.out / "levels.json")

    @property
    def last_searches(self) -> list[tuple[str, int]]:
        """The (name, seed) of each search of the last of `tries`, then those of one random search of equal cost."""
        last = self.tries[-1]
        return [*((last, seed) for seed in self.seeds), (f"random-{last}", self.seeds[0])]

    def contenders(self, name: str) -> list[Contender]:
        """Carry out the missing searches of a level. Return the answers of all its searches, then the rivals."""
        limit, first, found = self.level(name).limit, self.seeds[0], []
        for one, seed in [*((one, first) for one in self.tries[:-1]), *self.last_searches]:
            run = f"{name}-{one}-{seed}"
            search(self.out, run, [*words(one, self.npz, limit, seed), *self.settings])
            answer = open_run(self.out / "runs" / run).answers.most_accurate
            ms = answer.result.latency_ms if answer.result else None
            found.append(Contender(run, str(answer.architecture), SEARCHED, ms=ms))
        known = self.level(name)
        rivals = (
            Contender(rival, network, rival, ms=known.ms[rival]) for rival, network in known.rivals.items()
        )
        return [*found, *rivals]

    def train(self, jobs: Sequence[Job]) -> list[dict[str, Any]]:
        """Carry out the trainings of `jobs` that the journal lacks, and return the journal's lines of all `jobs`."""
        return train_all(jobs, self.out / JOURNAL, self.jobs)

    @cached_property
    def rates(self) -> dict[str, float]:
        """The factor of the recipe's learning rate for each family, by the family's name.

        It is the factor in `RATES` with the highest validation accuracy at the low level.
        """
        families = {one.family: one for one in reversed(self.contenders("low"))}
        tries = [(one, rate) for one in families.values() for rate in RATES]
        jobs = [Job(one.network, SEEDS[0], self.npz, rate, "validation") for one, rate in tries]
        lines = dict(zip(((one.family, rate) for one, rate in tries), self.train(jobs), strict=True))
        return {
            family: max(RATES, key=lambda rate: float(lines[family, rate]["validation_accuracy"]))
            for family in families
        }

    def trained(self, every: Sequence[Contender], seeds: Sequence[int], split: Split) -> Differences:
        """Train each network once with each seed, and return the differences between their accuracies on `split`."""
        jobs = [
            Job(one.network, seed, self.npz, one.rate or self.rate(one.family), split, one.more)
            for one in every
            for seed in seeds
        ]
        return compared(self.train(jobs), len(seeds), split)

    def rate(self, family: str) -> float:
        """Return the factor of the learning rate of a family; 1 if the low level has no network of this family."""
        return self.rates.get(family, 1.0)

    def finalists(self, name: str) -> list[Contender]:
        """Return the networks of the final: the answers of the last try and random search, and the strongest rivals.

        The rivals are chosen by validation accuracy. The networks are chosen once and kept in a file.
        """
        file = self.out / f"finalists-{name}.json"
        if not file.exists():
            every = self.contenders(name)
            means = self.trained(every, SEEDS, "validation").means
            last = {f"{name}-{one}-{seed}" for one, seed in self.last_searches}
            own = [one for one in every if one.name in last]
            order = sorted(zip(means, every, strict=True), key=lambda pair: -pair[0])
            rivals = [one for _, one in order if one.family != SEARCHED][:STRONGEST]
            write_contenders(file, [replace(one, rate=self.rate(one.family)) for one in (*own, *rivals)])
        return read_contenders(file)

    def tuned(self, name: str) -> Contender:
        """Return the strongest rival of a level, with its recipe tuned in as many epochs as the search trained."""
        rival = next(one for one in self.finalists(name) if one.family != SEARCHED)
        run = open_run(self.out / "runs" / f"{name}-{self.tries[-1]}-{self.seeds[0]}")
        count = trainings_of_equal_cost(run)
        best = tuned(rival.network, self.npz, count, self.train)
        return replace(rival, name=f"{rival.name}, tuned", rate=best.rate, more=best.more)


def write_trainings(journal: Path, file: Path) -> None:
    """Write all trainings of a journal to `file` as CSV, with the columns `CSV`."""
    lines = read(journal)
    with file.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, CSV, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(lines)


def final_networks(out: Path, name: str) -> Path:
    """Return the path of the file with the networks of a level's final, the tuned rival included."""
    return out / f"final-{name}.json"


def write_final(out: Path, name: str, every: Sequence[Contender], differences: Differences) -> None:
    """Print the table of a level's final, and write the networks, the table and the figure to the folder `out`."""
    text = "\n".join(table(every, differences)) + "\n"
    print(text, flush=True)
    write_contenders(final_networks(out, name), every)
    (out / f"final-{name}.md").write_text(text, "utf-8")
    draw(every, differences, "test", out / f"final-{name}")


def write_final_again(out: Path, name: str) -> None:
    """Write the table and the figure of a final again, from the trainings and networks in `out`, without training."""
    every = read_contenders(final_networks(out, name))
    known = {key_of(line): line for line in read(out / JOURNAL)}
    jobs = [Job(one.network, seed, "", one.rate or 1.0, "test", one.more) for one in every for seed in FRESH]
    write_final(out, name, every, compared([known[job.key] for job in jobs], len(FRESH), "test"))


def main(given: Sequence[str] | None = None) -> None:
    """Run the benchmark with the arguments `given`; None: the arguments of the command line."""
    options = _parsed(given)
    out = options.out.absolute()
    if options.report:
        known = [name for name in options.levels if final_networks(out, name).exists()]
        for name in known:
            write_final_again(out, name)
        sys.exit(0 if known else f"{out} has no final, a file such as final-low.json.")
    out.mkdir(parents=True, exist_ok=True)
    npz, profile = str(options.npz.absolute()), options.profile.absolute()
    proof = Proof(npz, out, profile, options.tries, options.seeds, options.jobs, options.set)
    for name in options.levels:
        _level(proof, name, STAGES.index(options.until))
    if (out / JOURNAL).exists():
        write_trainings(out / JOURNAL, out / "trainings.csv")


def _parsed(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--npz", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--profile", type=Path, help="of latencies: search profile --out")
    parser.add_argument("--levels", nargs="+", choices=[*MACS], default=[*MACS])
    parser.add_argument("--tries", nargs="+", choices=[*TRIES], default=[DEFAULTS])
    parser.add_argument("--seeds", nargs="+", type=int, default=[1], help="of the searches of the last try")
    parser.add_argument("--until", choices=STAGES, default=STAGES[-1])
    parser.add_argument("--jobs", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="more settings of searches")
    parser.add_argument("--report", action="store_true", help="only write the final's table and figure again")
    options = parser.parse_args(given)
    if not options.report and not (options.npz and options.profile):
        parser.error("--npz and --profile are needed, unless --report is given")
    return options


def _level(proof: Proof, name: str, until: int) -> None:
    """Carry out the stages of a level up to the index `until` of `STAGES`, and print their results."""
    print(f"{name}: {proof.level(name).limit:g} ms", flush=True)
    if until >= STAGES.index("search"):
        for one in proof.contenders(name):
            print(f"{one.name}: {one.network}")
    if until >= STAGES.index("validate"):
        every = proof.contenders(name)
        print("\n".join(table(every, proof.trained(every, SEEDS, "validation"))), flush=True)
    if until >= STAGES.index("tune"):
        tuned_rival = proof.tuned(name)
        print(f"{tuned_rival.name}: rate {tuned_rival.rate:g}", *tuned_rival.more, flush=True)
    if until >= STAGES.index("final"):
        every = [*proof.finalists(name), proof.tuned(name)]
        write_final(proof.out, name, every, proof.trained(every, FRESH, "test"))


if __name__ == "__main__":
    main()
