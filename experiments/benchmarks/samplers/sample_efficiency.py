"""The number of trials that samplers need to select a good network, in spaces of which every training is recorded.

    python -m experiments.benchmarks.samplers.sample_efficiency --effv2-mini
    python -m experiments.benchmarks.samplers.sample_efficiency --nas-bench-macro FILE
    python -m experiments.benchmarks.samplers.sample_efficiency --table FILE --space NAME --samplers auto tpe
    python -m experiments.benchmarks.samplers.sample_efficiency --nas-bench-macro FILE --report   # only tables
    python -m experiments.benchmarks.samplers.sample_efficiency --problem my_module:problem

The engine, its ledger and its handling of duplicates are real. A training is a look-up of one of the recorded
seeds. In searches with the same number, all samplers get the same seed for a network. The time of trainings is
simulated, and the CPU time of the driver is added. A search selects the network with the best reward seen. The true
reward of this network is the mean over the recorded seeds.

Every finished search is appended to `searches.jsonl` of `--out`, and the same command runs only what is
missing. NAS-Bench-Macro: nas-bench-macro_cifar10.json of github.com/xiusu/NAS-Bench-Macro (1.2 MB, Apache
2.0).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from experiments.benchmarks.samplers.effv2_mini import TABLE as EFFV2_MINI
from experiments.benchmarks.samplers.tabular.contestants import CONTESTANTS, FEW, PRUNERS, pruned
from experiments.benchmarks.samplers.tabular.problem import Benchmark, load
from experiments.benchmarks.samplers.tabular.recorded import (
    ACCURACY_ALONE,
    Recorded,
    made_up,
    nas_bench_macro,
    trained,
)
from experiments.benchmarks.samplers.tabular.simulation import Searched, Step, searched
from search.files import write_file
from search.settings.words import parse
from space import Space, UserError

OUT = Path("experiments/results/sample_efficiency")
DEFAULT = ("random", "auto", "gp", "tpe", "evolution", "optuna_nsga2", "local_search")
FEW_TRIALS, MANY_TRIALS = 128, 1024
"""The number of trials of a search with a slow sampler, and with any other sampler."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A search to run. trials: the number of its trials."""

    sampler: str
    workers: int
    seed: int
    trials: int

    def done(self, runs: Sequence[Searched], problem: Benchmark) -> bool:
        """Return True if `runs` contain this search, or a longer one with the same settings."""
        own = (problem.name, self.sampler, self.workers, self.seed)
        return any(own == (r.problem, r.sampler, r.workers, r.seed) and r.trials >= self.trials for r in runs)


def plans(
    problem: Benchmark,
    samplers: Sequence[str],
    workers: Sequence[int],
    seeds: Iterable[int],
    most: int | None,
) -> Iterator[Plan]:
    """Yield all searches, seed by seed, so that at any time about the same number of each kind is finished.

    most: a number of trials below the usual one; None: the usual number. Searches with a pruner have twice as many.
    No search has more trials than half of the networks.
    """
    for seed in seeds:
        for count in workers:
            for name in samplers:
                sampler, plus, _ = name.partition("+")
                usual = FEW_TRIALS if sampler.partition(":")[0] in FEW else MANY_TRIALS
                trials = min(most or usual, usual) * (2 if plus else 1)
                yield Plan(name, count, seed, min(trials, len(problem.readings) // 2))


def kept(path: Path) -> list[Searched]:
    """Return the searches in a file, only the longest of duplicates; [] if there is no file.

    The last line may be incomplete after a kill.
    """
    found: dict[tuple[str, str, int, int], Searched] = {}
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        try:
            values: dict[str, Any] = json.loads(line)
            steps = tuple(Step(*step) for step in values.pop("steps"))
            run = Searched(**values, steps=steps)
        except (ValueError, TypeError, LookupError):
            continue
        key = (run.problem, run.sampler, run.workers, run.seed)
        if key not in found or found[key].trials < run.trials:
            found[key] = run
    return list(found.values())


def keep(path: Path, run: Searched) -> None:
    """Append a search to the file on a new line, even if the last line of the file is incomplete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = asdict(run) | {"steps": [list(asdict(step).values()) for step in run.steps]}
    with path.open("ab+") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 1))
        cut = file.read(1) not in (b"\n", b"")
        file.write(("\n" * cut + json.dumps(values) + "\n").encode())
        file.flush()


def run_all(problem: Benchmark, every: Sequence[Plan], out: Path) -> None:
    """Run the searches of `every` that `searches.jsonl` in the folder `out` lacks, and print a line for each."""
    path = out / "searches.jsonl"
    runs = kept(path)
    for plan in every:
        if plan.done(runs, problem):
            continue
        sampler, pruner = pruned(plan.sampler)
        run = searched(problem, plan.sampler, sampler, plan.workers, plan.seed, plan.trials, pruner)
        keep(path, run)
        print(
            f"{run.problem} {run.sampler} x{run.workers} seed {run.seed}: {run.trials} trials, "
            f"best {run.steps[-1].true:.4f} at {run.steps[-1].trials}, driver {run.driver_seconds:.1f} s",
            flush=True,
        )


def machines(runs: Sequence[Searched]) -> str:
    """Return the processors of the searches as a text, which also names their samplers if there are several."""
    samplers: dict[str, dict[str, None]] = {}
    for run in runs:
        samplers.setdefault(run.processor or "an unknown processor", {})[run.sampler] = None
    if len(samplers) == 1:
        return next(iter(samplers))
    return "; ".join(f"{', '.join(names)} on {processor}" for processor, names in samplers.items())


def report(problem: Benchmark, out: Path) -> None:
    """Write the tables and the figure of a problem's searches to the folder `out`, and print the table.

    Raises `UserError` if there is no search of the problem.
    """
    from experiments.benchmarks.samplers.tabular.epochs import by_epochs
    from experiments.benchmarks.samplers.tabular.report import as_csv, as_markdown, figure, rows

    runs = [run for run in kept(out / "searches.jsonl") if run.problem == problem.name]
    if not runs:
        raise UserError(f"{out / 'searches.jsonl'} has no search of {problem.name}.")
    versions = f"optuna {version('optuna')}, scipy {version('scipy')}, Python {sys.version.split()[0]}"
    about = f"{machines(runs)}; {versions}."
    # Searches with low-fidelity trainings are compared by epochs, not by numbers of trials.
    whole = [run for run in runs if "+" not in run.sampler]
    text = as_markdown(problem, whole, about) + by_epochs(problem, runs)
    write_file(out / f"{problem.name}.md", text)
    write_file(out / f"{problem.name}.csv", as_csv(rows(problem, whole)))
    figure(problem, whole, out / f"{problem.name}.png")
    print(text)


def _problems(asked: argparse.Namespace) -> Iterator[Benchmark]:
    if asked.nas_bench_macro:
        yield nas_bench_macro(asked.nas_bench_macro)
    if asked.effv2_mini:
        yield _table(EFFV2_MINI, "effv2_mini", asked.settings)
    if asked.table:
        if not asked.space:
            raise UserError(f"--table {asked.table} also needs --space NAME, the space of its networks.")
        yield _table(asked.table, asked.space, asked.settings)
    if asked.made_up:
        yield made_up()
    for word in asked.problem:
        yield load(word)


def _table(path: Path, space: str, settings: Sequence[str]) -> Recorded:
    """Return the problem with the trainings in a file.

    The name of the problem is the file's name without its ending, followed by the settings, if any.
    """
    name = "-".join([path.stem, *(text.replace("=", "") for text in settings)])
    return trained(name, Space.load(space), {**ACCURACY_ALONE, **parse(settings)}, path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--effv2-mini",
        action="store_true",
        help=f"our own table, {EFFV2_MINI}: 256 networks, trained for real",
    )
    parser.add_argument("--nas-bench-macro", type=Path, metavar="FILE")
    parser.add_argument("--table", type=Path, metavar="FILE", help="table of trainings, JSONL or CSV")
    parser.add_argument("--space", metavar="NAME", help="space of the table")
    parser.add_argument(
        "--problem",
        nargs="+",
        default=[],
        metavar="MODULE:NAME",
        help="problems of your own, with the methods settings, train and accuracy",
    )
    parser.add_argument(
        "--made-up", action="store_true", help="124 networks with invented accuracies, for quick checks"
    )
    parser.add_argument(
        "--samplers",
        nargs="+",
        default=list(DEFAULT),
        metavar="NAME",
        help=f"of {', '.join(CONTESTANTS)}; with low-fidelity trainings also with +{', +'.join(PRUNERS)}; "
        "with options: ordinal_gp:sizes=false,startup=6",
    )
    parser.add_argument("--seeds", type=int, default=30, help="searches of each kind")
    parser.add_argument(
        "--first-seed",
        type=int,
        default=0,
        help="first seed; use others than the reported ones, 0 to 29, to develop a sampler",
    )
    parser.add_argument("--workers", nargs="+", type=int, default=[1])
    parser.add_argument(
        "--trials",
        type=int,
        help=f"at most this number (default: {FEW_TRIALS} with slow samplers, else {MANY_TRIALS})",
    )
    parser.add_argument("--report", action="store_true", help="run nothing")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument(
        "settings", nargs="*", metavar="KEY=VALUE", help="settings of the table's reward: reward.w=-0.07"
    )
    return parser


def main(words: Sequence[str] | None = None) -> None:
    """Run the benchmark with the arguments `words`; None: the arguments of the command line.

    Exits with status 2 and a one-line message for an invalid argument or file.
    """
    parser = _parser()
    asked = parser.parse_args(words)
    try:
        for name in asked.samplers:
            pruned(name)
        problems = list(_problems(asked))
        if not problems:
            raise UserError(
                "Which problem? --effv2-mini, --nas-bench-macro FILE, --table FILE --space NAME, "
                "--problem MODULE:NAME, or --made-up."
            )
        for problem in problems:
            seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
            every = plans(problem, asked.samplers, asked.workers, seeds, asked.trials)
            if not asked.report:
                run_all(problem, list(every), asked.out)
            report(problem, asked.out)
    except UserError as error:
        parser.exit(2, f"{error}\n")


if __name__ == "__main__":
    main()
