"""The quality of predictions by the model of `ordinal_gp` for unseen networks, with four encodings of points.

    python -m experiments.benchmarks.samplers.encodings TABLE.csv --space around:NETWORK
    python -m experiments.benchmarks.samplers.encodings TABLE.csv --space effv2_mini --size 16

The table has a line for each training, with its network (a column "network" or "architecture") and loss. Each network
is predicted from all others by the mixture of Gaussian processes that `ordinal_gp` fits. The share of the variance
that the predictions explain is printed for four encodings: with and without code 0 for choices that are not active,
and with and without the axes that the same choice in several stages shares. Choices that are not active get random
options, as in a search, and the shares are means over several draws of them. With `--size`, each draw is also of a
random subset of that many networks.
"""

from __future__ import annotations

import argparse
import csv
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from search.config import Config
from search.samplers.ordinal_gp.encoding import Encoding
from search.samplers.ordinal_gp.kernels import Inputs, Pairs
from search.samplers.ordinal_gp.regression import hypotheses
from space import Point, Space, UserError, decode

DRAWS = 12
"""The number of draws. Each draws a subset of the networks, and random options of the choices that are not active."""

Vector = NDArray[np.float64]


def encodings(space: Space) -> Iterator[tuple[str, Encoding]]:
    """Yield the name and the encoding for each of the four encodings of a space's points."""
    apart = [replace(choice, name=f"{number}.{choice.name}") for number, choice in enumerate(space.choices)]
    for zeros, sums in product((True, False), repeat=2):
        active = space.active if zeros else lambda point: (True,) * len(point)
        name = f"{'with' if zeros else 'without'} zeros, {'with' if sums else 'without'} sums"
        yield name, Encoding(space.choices if sums else apart, active)


def explained(inputs: Inputs, targets: Vector) -> float:
    """Return the share of the variance of `targets` that leave-one-out predictions explain; negative if they mislead.

    The kernels and their weights are fitted to all targets. targets: (n,).
    """
    targets = (targets - targets.mean()) / targets.std()
    pairs, count = Pairs(inputs, inputs), len(targets)
    predicted = np.zeros(count)
    for each in hypotheses(inputs, targets):
        inverse = np.linalg.inv(pairs.covariance(each.kernel) + each.noise * np.eye(count))
        predicted += each.weight * (targets - inverse @ targets / np.diag(inverse))
    return float(1 - ((predicted - targets) ** 2).mean())


def shares(space: Space, losses: Mapping[str, float], size: int | None = None) -> dict[str, float]:
    """Return the share that `explained` gives for each encoding, by its name.

    It is the mean over `DRAWS` draws. losses: the mean loss of each network, by canonical string. size: the number of
    random networks in each draw; None: all networks. Raises `UserError` for a network that the space lacks.
    """
    rng, found = random.Random(0), dict[str, list[float]]()
    for _ in range(DRAWS):
        drawn = rng.sample(sorted(losses), size or len(losses))
        points = [_point(space, network, rng) for network in drawn]
        targets = -np.array([losses[network] for network in drawn])
        spent = [space.cost_at(point) for point in points]
        sizes = _standardised(np.array([(math.log(each.macs), math.log(each.params)) for each in spent]))
        for name, encoding in encodings(space):
            codes, sums = encoding(points)
            scaled = codes / math.sqrt(encoding.spread), sums / math.sqrt(encoding.spread_of_sums)
            inputs = Inputs(*scaled, sizes)
            found.setdefault(name, []).append(explained(inputs, targets))
    return {name: fmean(each) for name, each in found.items()}


def _standardised(sizes: Vector) -> Vector:
    spread = sizes.std(0)
    return (sizes - sizes.mean(0)) / (np.where(spread > 0, spread, np.inf) * math.sqrt(sizes.shape[1]))


def _point(space: Space, network: str, rng: random.Random) -> Point:
    """Return a point that gives `network`, with random options of the choices that are not active.

    Raises `UserError` if the space lacks the network.
    """
    point = space.find(decode(network))
    if point is None:
        raise UserError(f"{network} is not a network of {space.name}.")
    for choice, active in enumerate(space.active(point)):
        if not active:
            option = rng.randrange(len(space.choices[choice].options))
            point = (*point[:choice], option, *point[choice + 1 :])
    return point


def read(file: Path) -> dict[str, float]:
    """Return the mean loss of each network in a table, by the network's canonical string.

    Raises `UserError` for a row without a network or a loss.
    """
    losses: dict[str, list[float]] = {}
    with file.open(newline="") as opened:
        for line in csv.DictReader(opened):
            network = line.get("network") or line.get("architecture")
            if not network or not line.get("loss"):
                raise UserError(f"{file} needs the columns network (or architecture) and loss.")
            losses.setdefault(network, []).append(float(line["loss"]))
    return {network: fmean(each) for network, each in losses.items()}


def main(given: Sequence[str] | None = None) -> None:
    """Run the benchmark with the arguments `given`; None: the arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("table", type=Path)
    parser.add_argument("--space", required=True)
    parser.add_argument("--size", type=int, help="the networks of a random subset (default: all at once)")
    options = parser.parse_args(given)
    losses = read(options.table)
    for name, share in shares(Config.of({"space": options.space}).space, losses, options.size).items():
        print(f"{name}: {share:.2f} of the variance of {options.size or len(losses)} networks")


if __name__ == "__main__":
    main()
