"""Full trainings of the answers and best trials of a default search, to check what its page says of each pair.

    python -m experiments.benchmarks.training.answers_against_trials --npz FILE.npz --out DIR

The search is `search launch data=folder data.path=DIR/photos` on a folder of four classes (`four_classes`), with
default settings. Its three answers and its eight best trials are trained for 10 epochs with each of 3 fresh seeds,
and evaluated on the test images. The output lists every pair of these networks with a significant difference in
the page's JSON, and the difference in these trainings. A second start continues the search and the missing trainings.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.benchmarks.training.four_classes import environment, make_folder, search
from experiments.benchmarks.training.full_training import Job, compared, train_all
from search.runs.names import ANSWERS
from search.runs.run import open_run
from space import cost

TOP = 8
SEEDS = (301, 302, 303)


def page(out: Path, run: str) -> dict[str, Any]:
    """Return the content of a run's page, as `search report --json` prints it."""
    command = [sys.executable, "-m", "search", "report", run, "--json"]
    printed = subprocess.run(
        command, cwd=out, env=environment(), stdout=subprocess.PIPE, text=True, check=True
    )
    values: dict[str, Any] = json.loads(printed.stdout)
    return values


def main(words: Sequence[str] | None = None) -> None:
    """Run the benchmark with the arguments `words`; None: the arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--npz", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--run", default="default", help="name of the run; another one repeats the search")
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="KEY=VALUE", help="more settings of the search"
    )
    parser.add_argument("--jobs", type=int, default=2, help="processes of one thread each")
    options = parser.parse_args(words)
    out = options.out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    folder = str(make_folder(options.npz, out / "photos"))
    search(out, options.run, ["data=folder", f"data.path={folder}", *options.set])
    run = open_run(out / "runs" / options.run)
    answers = {name: run.pick(name) for name in ANSWERS}
    trials = {trial.number: trial for trial in (*answers.values(), *run.ranked[:TOP])}
    networks = {number: str(trial.architecture) for number, trial in trials.items()}
    jobs = [Job(network, seed, folder) for network in networks.values() for seed in SEEDS]
    lines = train_all(jobs, out / "trainings.jsonl", options.jobs)
    tested = compared(lines, len(SEEDS))
    places = {number: place for place, number in enumerate(networks)}
    best = places[answers["most-accurate"].number]
    print(
        "trial | answers | accuracy in the search | params | test accuracy, mean of 3 | less the most accurate"
    )
    for number, trial in trials.items():
        names = ", ".join(name for name, answer in answers.items() if answer.number == number)
        less, mean = tested.difference(places[number], best), tested.mean(places[number])
        seen = trial.result.accuracy if trial.result else float("nan")
        print(
            f"{number} | {names} | {seen:.3f} | {cost(trial.architecture).params:,} | {mean.mean:.4f} +- "
            f"{mean.half or 0:.4f} | {less.mean:+.4f} +- {less.half or 0:.4f}{' *' if less.significant else ''}"
        )
    values = page(out, options.run)
    for pair in values["differences"]:
        if pair["significant"] and pair["more"] in places and pair["less"] in places:
            truth = tested.difference(places[pair["more"]], places[pair["less"]])
            print(f"page: {pair['more']} over {pair['less']} by {pair['mean']:+.4f}; table {truth.mean:+.4f}")


if __name__ == "__main__":
    main()
