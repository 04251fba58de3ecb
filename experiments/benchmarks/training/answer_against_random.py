"""The most accurate network of a default search against the best of 12 random networks under the same limit.

    python -m experiments.benchmarks.training.answer_against_random --npz FILE.npz --out DIR

The search is `search launch data=folder data.path=DIR/photos reward=accuracy limit.params=200k` on a folder of four
classes (`four_classes`), with default settings otherwise. The random networks of its space are trained once for 10
epochs, and the one with the highest validation accuracy is the rival. The answer and the rival are trained for 10
epochs with each of 5 fresh seeds, and evaluated on the test images. A second start continues the search and the
missing trainings.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from experiments.benchmarks.training.four_classes import draw, make_folder, random_networks, search
from experiments.benchmarks.training.full_training import Job, compared, train_all
from search.runs.run import open_run
from space import cost

RANDOM = 12
LIMIT = 200_000
SEED, SEEDS = 100, (201, 202, 203, 204, 205)


def main(words: Sequence[str] | None = None) -> None:
    """Run the benchmark with the arguments `words`; None: the arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--npz", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--run", default="most-accurate", help="name of the run; another one repeats the search"
    )
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="KEY=VALUE", help="more settings of the search"
    )
    parser.add_argument("--jobs", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--searches", action="store_true", help="search only")
    options = parser.parse_args(words)
    out = options.out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    folder = str(make_folder(options.npz, out / "photos"))
    given = ["data=folder", f"data.path={folder}", "reward=accuracy", f"limit.params={LIMIT}", *options.set]
    search(out, options.run, given)
    if options.searches:
        return
    run, journal = open_run(out / "runs" / options.run), out / "trainings.jsonl"
    answer = str(run.answers.most_accurate.architecture)
    networks = draw(
        random_networks(run.config.space, "random rivals"), RANDOM, lambda one: cost(one).params <= LIMIT
    )
    lines = train_all([Job(str(network), SEED, folder) for network in networks], journal, options.jobs)
    lines.sort(key=lambda line: -line["validation_accuracy"])
    for line in lines:
        print(
            f"{line['validation_accuracy']:.4f} validation, {line['test_accuracy']:.4f} test, {line['network']}"
        )
    rival = lines[0]["network"]
    lines = train_all(
        [Job(one, seed, folder) for one in (answer, rival) for seed in SEEDS], journal, options.jobs
    )
    tested = compared(lines, len(SEEDS))
    for name, network, row in zip(("answer", "rival"), (answer, rival), tested.accuracies, strict=True):
        print(f"{name}: {sum(row) / len(row):.4f}", *(f"{value:.4f}" for value in row), network)
    lead = tested.difference(0, 1)
    print(
        f"answer - rival: {lead.mean:+.4f} ({lead.low:+.4f} to {lead.high:+.4f}), {tested.images} test images"
    )


if __name__ == "__main__":
    main()
