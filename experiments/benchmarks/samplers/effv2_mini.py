"""The table `effv2_mini`: 256 trained networks of Fused-MBConv and MBConv, to compare samplers on.

    python -m experiments.benchmarks.samplers.effv2_mini train --data FILE.npz     # hours; can be interrupted
    python -m experiments.benchmarks.samplers.effv2_mini write                     # write the table
    python -m experiments.benchmarks.samplers.effv2_mini noise                     # rank correlations between seeds

Each network has three separate trainings, with complete schedules of 9, 3 and 1 epochs and different seeds. Some
networks are also trained for 9 epochs with two more seeds, and the best ones with another. Each part of the
table is a search of our engine with given networks. Most parts take the networks in the same random order,
`_BLOCK` at a time, so that an unfinished table is useful.
"""

from __future__ import annotations

import argparse
import csv
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scipy.stats import spearmanr

from search import launch, open_run, resume
from search.runs.names import RUNS
from space import Architecture, Space

TABLE = Path(__file__).parents[2] / "results" / "effv2_mini.csv"
COLUMNS = ("architecture", "epochs", "seed", "accuracy", "loss", "seconds", "step_ratio", "curve")
_BLOCK = 32


@dataclass(frozen=True, slots=True)
class Part:
    """Trainings of the first `networks` networks for `epochs` epochs with one seed.

    timed: whether step times are measured. best: whether the networks are the most accurate ones of the first part.
    """

    epochs: int
    seed: int
    networks: int = 256
    timed: bool = False
    best: bool = False

    @property
    def run(self) -> str:
        return f"effv2-mini-{self.epochs}-epochs-seed-{self.seed}"


# First the parts that show whether the table is more than noise.
PARTS = (
    Part(9, 1, timed=True),
    Part(9, 4, 32),
    Part(9, 5, 32),
    Part(3, 2),
    Part(1, 3),
    # With one seed, the luckiest networks would be taken for the best.
    Part(9, 6, 16, best=True),
)


def networks() -> list[Architecture]:
    """Return all networks of the space effv2_mini in the order of training, which is a fixed random order."""
    space = Space.load("effv2_mini")
    found = list(dict.fromkeys(space.at(point) for point in space.points()))
    random.Random(0).shuffle(found)
    return found


def train(data: str) -> None:
    """Carry out all trainings of the table that are missing. data: the path of the .npz file."""
    order = [str(network) for network in networks()]
    for end in range(_BLOCK, len(order) + 1, _BLOCK):
        for part in PARTS:
            if end <= part.networks and not part.best:
                _train(part, order, end, data)
    first = {str(t.architecture): t.result.accuracy for t in open_run(PARTS[0].run).ranked if t.result}
    for part in PARTS:
        if part.best:
            _train(part, sorted(first, key=lambda n: -first[n]), part.networks, data)


def _train(part: Part, order: list[str], end: int, data: str) -> None:
    """Train the first `end` networks of `order` that the search of `part` has not trained yet."""
    if (RUNS / part.run).exists():
        run = resume(part.run, {"trials": end, "finals": "off"})
    else:
        run = launch(settings(part, order, data) | {"trials": end})
    done = sum(trial.state == "complete" for trial in run.trials)
    print(f"{run.name}: {done} of {part.networks}", flush=True)


def task(data: str) -> dict[str, object]:
    """Return the settings that all trainings share. data: the path of the .npz file.

    Half of the images are for validation: with a fifth, the ranks of the networks differ too much from seed to seed.
    """
    return {
        "space": "effv2_mini",
        "data": "npz",
        "data.path": data,
        "data.validation": 0.5,
        "proxy": "mini",
    }


def settings(part: Part, order: list[str], data: str) -> dict[str, object]:
    """Return the settings of the search that trains a part."""
    return task(data) | {
        "proxy.epochs": part.epochs,
        "sampler": "random",
        "finals": "off",
        "reward.w": -0.07 if part.timed else 0,
        "step": "measured",
        "seed": part.seed,
        "first": ",".join(order[: part.networks]),
        "run": part.run,
    }


def rows() -> Iterator[dict[str, object]]:
    """Yield the row of the table for each finished training, with the columns `COLUMNS`."""
    for part in PARTS:
        if not (RUNS / part.run).exists():
            continue
        for trial in open_run(part.run).trials:
            if (found := trial.result) and trial.state == "complete":
                yield {
                    "architecture": str(trial.architecture),
                    "epochs": part.epochs,
                    "seed": part.seed,
                    "accuracy": f"{found.accuracy:.6f}",
                    "loss": f"{found.loss:.5f}",
                    "seconds": f"{found.seconds:.2f}",
                    "step_ratio": "" if found.step_ratio is None else f"{found.step_ratio:.4f}",
                    "curve": " ".join(f"{loss:.4f}" for loss in found.curve),
                }


def write() -> None:
    """Write the table of all networks and their trainings to `TABLE`."""
    with TABLE.open("w", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows())
    print(f"Wrote {TABLE}")


def noise() -> None:
    """Print Spearman's rank correlation of accuracies between every two parts of the table."""
    with TABLE.open() as file:
        found: dict[tuple[int, int], dict[str, float]] = defaultdict(dict)
        for row in csv.DictReader(file):
            found[int(row["epochs"]), int(row["seed"])][row["architecture"]] = float(row["accuracy"])
    kinds = sorted(found)
    for place, one in enumerate(kinds):
        for other in kinds[place + 1 :]:
            shared = sorted(found[one].keys() & found[other].keys())
            if len(shared) > 2:
                rho = spearmanr([found[one][n] for n in shared], [found[other][n] for n in shared]).statistic
                print(f"{_told(one)} beside {_told(other)}: rho {rho:.3f} (n = {len(shared)})")


def _told(kind: tuple[int, int]) -> str:
    return f"{kind[0]} epochs (seed {kind[1]})"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("train", "write", "noise"))
    parser.add_argument("--data", help="an .npz file for data=npz")
    asked = parser.parse_args()
    if asked.what == "train" and not asked.data:
        parser.error("train needs --data FILE.npz")
    {"train": lambda: train(asked.data), "write": write, "noise": noise}[asked.what]()


if __name__ == "__main__":
    main()
