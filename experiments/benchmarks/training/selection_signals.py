"""A comparison of signals for the choice of finalists and answers: accuracy, validation loss, and their mixtures.

    python -m experiments.benchmarks.training.selection_signals

The networks come from two tables: `effv2_mini.csv` (256 networks, a proxy of 3 epochs, longer trainings of 9) and
`proxy_table_effv2_32.csv` (24 networks, the automatic proxy and real trainings of 10 epochs, two seeds each). Each
repetition draws networks as a search of 20 trials does, chooses by a signal, and looks up the accuracy of the chosen
network in the longer training. The figures are differences to a choice by accuracy, in points, with standard errors
over the repetitions, which share their networks. So the errors say how well this table is averaged, and not how much
another table would differ.

The output has up to three choices. one: the network with the best signal. top: the truly best of the three with the
best signals, as finals without a mistake would choose. finals: of these three, the network with the best signal in a
second training (only in the table of 24 networks).
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import pandas as pd

from search.trials.estimated import mixture

RESULTS = Path(__file__).parents[2] / "results"
DRAWN, TOP, RIVALS, REPETITIONS = 20, 3, 12, 4000
WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
PROXY = "w0.5-own-e2"

Trainings: TypeAlias = dict[str, tuple[float, float]]
"""A mapping of networks to (accuracy, loss)."""
Draw: TypeAlias = Callable[[random.Random], tuple[Trainings, Trainings | None, Mapping[str, float]]]


def estimates(trainings: Sequence[tuple[float, float]], weight: float) -> list[float]:
    """Return the estimates of `search.trials.estimated` from pairs (accuracy, loss).

    weight: the weight of the loss, 0 to 1.
    """
    return mixture([accuracy for accuracy, _ in trainings], [loss for _, loss in trainings], weight)


def chosen(signal: Sequence[float], count: int) -> list[int]:
    """Return the indices of the `count` largest signals, the largest first."""
    return sorted(range(len(signal)), key=lambda place: -signal[place])[:count]


def _trainings(rows: pd.DataFrame, name: str) -> Trainings:
    return {row[name]: (row.accuracy, row.loss) for _, row in rows.iterrows()}


def mini() -> tuple[Trainings, Mapping[str, float]]:
    """Return the results of the table effv2_mini: of the proxy, and of the trainings of 9 epochs.

    The results of the proxy are a mapping of networks to (accuracy, loss), those of 9 epochs to the mean accuracy.
    """
    table = pd.read_csv(RESULTS / "effv2_mini.csv")
    proxy = _trainings(table[table.epochs == 3], "architecture")
    return proxy, table[table.epochs == 9].groupby("architecture").accuracy.mean().to_dict()


def photographs() -> tuple[list[Trainings], Mapping[str, float]]:
    """Return the results of the table of 24 networks: of the proxy for each of two seeds, and of real trainings.

    The results of the proxy are mappings of networks to (accuracy, loss), those of real trainings to the mean
    accuracy.
    """
    table = pd.read_csv(RESULTS / "proxy_table_effv2_32.csv")
    proxy = table[table.training == PROXY]
    seeds = [_trainings(proxy[proxy.seed == seed], "network") for seed in (0, 1)]
    return seeds, table[table.training == "long"].groupby("network").accuracy.mean().to_dict()


def _choices(
    first: Trainings,
    second: Trainings | None,
    truth: Mapping[str, float],
    names: Sequence[str],
    weight: float,
) -> dict[str, float]:
    places = chosen(estimates([first[name] for name in names], weight), TOP)
    true = [truth[names[place]] for place in places]
    values = {"one": true[0], "top": max(true)}
    if second is not None:
        signal = estimates([second[name] for name in names], weight)
        values["finals"] = truth[names[max(places, key=lambda place: signal[place])]]
    return values


def repeated(draw: Draw) -> None:
    """Print the differences of all signals to a choice by accuracy.

    draw: the function that returns, for a random generator, a first and a second training of each network (None: no
    second ones), and the true accuracies.
    """
    differences: dict[tuple[float, str], list[float]] = {}
    for repetition in range(REPETITIONS):
        rng = random.Random(repetition)
        first, second, truth = draw(rng)
        names = rng.sample(list(first), DRAWN)
        base = _choices(first, second, truth, names, 0.0)
        for weight in WEIGHTS[1:]:
            for name, value in _choices(first, second, truth, names, weight).items():
                differences.setdefault((weight, name), []).append(100 * (value - base[name]))
    for (weight, name), values in differences.items():
        error = statistics.stdev(values) / math.sqrt(len(values))
        print(f"weight of the loss {weight:.2f}, {name:6}: {statistics.fmean(values):+.2f} ({error:.2f})")


def against_random() -> list[float]:
    """Return differences in accuracy: the choice of the proxy and its finals less the best of 12 real trainings.

    The proxy chooses among 20 random networks, as a search that learns nothing does: three by the accuracy with one
    seed, and one of these by the accuracy with the other seed. The rival is the best of 12 random networks by one
    real training each. Both are evaluated by real trainings with the seed that did not choose the rival.
    """
    table = pd.read_csv(RESULTS / "proxy_table_effv2_32.csv")
    table = table[table.training == "long"]
    long = [table[table.seed == seed].set_index("network").accuracy.to_dict() for seed in (11, 12)]
    proxies, differences = photographs()[0], []
    for repetition in range(REPETITIONS):
        rng = random.Random(repetition)
        first, second = rng.sample(proxies, 2)
        seen, judge = rng.sample(long, 2)
        names = rng.sample(list(first), DRAWN)
        leaders = sorted(names, key=lambda name: -first[name][0])[:TOP]
        answer = max(leaders, key=lambda name: second[name][0])
        rival = max(rng.sample(list(seen), RIVALS), key=lambda name: seen[name])
        differences.append(judge[answer] - judge[rival])
    return differences


def main() -> None:
    """Print the figures of both tables, and the comparison with random networks that are trained for real."""
    proxy, truth = mini()
    print(f"effv2_mini, {DRAWN} of {len(proxy)} networks")
    repeated(lambda rng: (proxy, None, truth))
    seeds, real = photographs()
    print(f"photographs, {DRAWN} of {len(real)} networks")

    def photograph(rng: random.Random) -> tuple[Trainings, Trainings | None, Mapping[str, float]]:
        first, second = rng.sample(seeds, 2)
        return first, second, real

    repeated(photograph)
    points = [100 * difference for difference in against_random()]
    mean, spread = statistics.fmean(points), statistics.stdev(points)
    print(
        f"proxy's choice of {DRAWN} less the best of {RIVALS} trained for real: {mean:+.2f} points, SD {spread:.2f}"
    )


if __name__ == "__main__":
    main()
