"""The errors of predicted step times of networks that the profile has not seen, and the effect of other load.

    search profile space=effv2_32
    python experiments/benchmarks/cost/step_time.py --networks 60 --scaled 20                    # about 12 minutes
    python experiments/benchmarks/cost/step_time.py --networks 60 --scaled 0 --load other both   # about 20 more

The networks are random ones of the space, none of them measured for the profile, and random ones scaled in
depth, width and resolution. All are measured once and then all again, in turns with the profile's reference
network (`step_ratio`). The second take shows the error of a repeated measurement. With --load, the networks of
the space are measured again beside one training on the other core, or beside as many trainings as there are
cores. At the end, the rewards under predicted and under measured step times S are compared. The
accuracies are drawn from the relation of accuracy and size in `experiments/results/photographs_32px.csv`. Start
it on an idle machine.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from scipy.stats import kendalltau

from search.profiles import Predictor, Profile
from search.profiles.profile import BATCH, file_of
from search.profiles.profiling import device_for
from search.profiles.sampling import chosen
from search.reward import EfficientNetV2
from space import Architecture, Multipliers, Space, cost, decode, rescale
from space.network.network import build
from space.timing.ratio import step_ratio

TRAINED = Path(__file__).parents[2] / "results" / "photographs_32px.csv"
_NEIGHBOUR = """
import torch
from space import decode
from space.timing.clock import undisturbed
from space.network.network import build
from space.timing.ratio import training_step
network = build(decode(%r)).to(memory_format=torch.channels_last)
images = torch.randn(%d, 3, 32, 32).contiguous(memory_format=torch.channels_last)
torch.set_num_threads(1)
step = training_step(network, images, torch.zeros(len(images), dtype=torch.long), None)
while True:
    step()
"""


def drawn(space: Space, number: int, seed: int, known: set[Architecture]) -> list[Architecture]:
    """Return `number` distinct networks of `space` that are not in `known`."""
    rng, found = random.Random(seed), dict[Architecture, None]()
    while len(found) < number:
        network = space.at(space.sample(rng))
        if network not in known:
            found[network] = None
    return list(found)


def scaled(space: Space, number: int, seed: int, most: int) -> list[Architecture]:
    """Return `number` networks of `space`, randomly scaled, with at most `most` multiply-adds."""
    rng, found = random.Random(seed), dict[Architecture, None]()
    while len(found) < number:
        factors = Multipliers(rng.uniform(1, 1.6), rng.uniform(0.5, 1.6), rng.uniform(0.75, 1.6))
        network = rescale(space.at(space.sample(rng)), factors)
        if cost(network).macs <= most:
            found[network] = None
    return list(found)


def measured(networks: Sequence[Architecture], reference: Architecture, batch: int, name: str) -> np.ndarray:
    """Return the ratio of each network's step time to the step time of `reference`.

    batch: the number of images in a step. name: a name for the networks in messages.
    """
    started, ratios = time.monotonic(), []
    other, images = inputs(reference, batch)
    for number, network in enumerate(networks, 1):
        own, batch_images = inputs(network, batch)
        labels = torch.arange(batch) % min(network.classes, reference.classes)
        taken = step_ratio(own, other, batch_images, labels, reference_batch=images, pairs=9, max_pairs=27)
        ratios.append(taken.ratio)
        if number % 20 == 0 or number == len(networks):
            seconds = time.monotonic() - started
            print(f"  {name}: {number} of {len(networks)}, {seconds:.0f} s", file=sys.stderr, flush=True)
    return np.array(ratios)


def inputs(network: Architecture, batch: int) -> tuple[torch.nn.Module, torch.Tensor]:
    """Return a network as a torch module, and a batch of random images for it."""
    shape = batch, network.channels, network.resolution, network.resolution
    images = torch.randn(shape).contiguous(memory_format=torch.channels_last)
    return build(network).to(memory_format=torch.channels_last), images


@contextmanager
def neighbours(number: int, network: Architecture, batch: int) -> Iterator[None]:
    """Train `network` in `number` background processes of one thread each, until the context ends."""
    code = _NEIGHBOUR % (str(network), batch)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    started = [subprocess.Popen([sys.executable, "-c", code], env=environment) for _ in range(number)]
    time.sleep(10)
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def line(name: str, told: np.ndarray, truth: np.ndarray, flagged: int | None = None) -> str:
    """Return a line with Kendall's tau, and the mean and largest absolute error of `told` relative to `truth`.

    flagged: the number of networks with a block that was never measured; None: no such column.
    """
    errors = np.abs(told / truth - 1)
    rest = "" if flagged is None else f"{flagged:>9}"
    tau = kendalltau(told, truth).statistic
    return f"{name:<44}{len(truth):>4}{tau:>8.3f}{errors.mean():>8.1%}{errors.max():>8.1%}{rest}"


def accuracies(networks: Sequence[Architecture], seed: int) -> np.ndarray:
    """Draw an accuracy for each network: a linear function of log MACs plus a random residual.

    The function is fitted to the real trainings in `TRAINED`, and the residuals are drawn from those of this fit.
    """
    with TRAINED.open() as file:
        rows = [(float(row["accuracy"]), math.log(float(row["macs"]))) for row in csv.DictReader(file)]
    known, sizes = np.array(rows).T
    slope, level = np.polyfit(sizes, known, 1)
    residuals = known - (level + slope * sizes)
    drawn = np.random.default_rng(seed).choice(residuals, len(networks))
    return level + slope * np.log([cost(network).macs for network in networks]) + drawn


def rewards(networks: Sequence[Architecture], accuracy: np.ndarray, ratios: np.ndarray) -> np.ndarray:
    """Return the reward of each network by `reward=effv2` with its default exponents.

    accuracy: 0 to 1, for each network. ratios: the step time of each network. The step time S and the params P in the
    reward are relative to the first network.
    """
    objective = EfficientNetV2(reward="effv2")
    unit = cost(networks[0]).params
    return np.array(
        [
            objective.terms(a, {"step": s / ratios[0], "params": cost(network).params / unit}).reward
            for network, a, s in zip(networks, accuracy, ratios, strict=True)
        ]
    )


def agreement(networks: Sequence[Architecture], told: np.ndarray, truth: np.ndarray) -> str:
    """Return a line of text: the overlap of the ten networks with the highest rewards under `told` and `truth`.

    told, truth: the predicted and the measured step time of each network.
    """
    shared, best = [], 0
    for seed in range(20):
        accuracy = accuracies(networks, seed)
        tops = [set(np.argsort(-rewards(networks, accuracy, s))[:10]) for s in (told, truth)]
        shared.append(len(tops[0] & tops[1]))
        best += np.argmax(rewards(networks, accuracy, told)) == np.argmax(rewards(networks, accuracy, truth))
    return (
        f"the best 10 of {len(networks)} by reward under one S and the other: {np.mean(shared):.1f} the same on "
        f"average of 20 draws of accuracies, at least {min(shared)}; the best one the same in {best} of 20"
    )


def main() -> None:
    """Print hardware, versions, and the tables of errors."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--space", default="effv2_32")
    parser.add_argument(
        "--profile", type=Path, help="file of a profile (default: the space's on this device)"
    )
    parser.add_argument("--batch", type=int, default=BATCH)
    parser.add_argument("--networks", type=int, default=60)
    parser.add_argument("--scaled", type=int, default=20)
    parser.add_argument("--load", nargs="*", choices=("other", "both"), default=[])
    parser.add_argument("--seed", type=int, default=1000)
    options = parser.parse_args()

    space, device = Space.load(options.space), device_for("cpu")
    path = options.profile or file_of(device, options.batch, space)
    profile = Profile.load(path)
    profile.check(device, options.batch)
    reference, predictor = decode(profile.reference), Predictor(profile)
    bare = Predictor(profile.model_copy(update={"blocks": {}}))
    known = {*chosen(space, profile.networks), reference}
    print(f"{device.processor}, one thread of {device.cores} cores, load {os.getloadavg()[0]:.1f}, ", end="")
    print(
        f"torch {device.torch}; {options.batch} images a step, profile {profile.digest} of {profile.made}\n"
    )
    print(f"{'':<44}{'n':>4}{'tau':>8}{'MAPE':>8}{'worst':>8}{'flagged':>9}")

    def told(networks: Sequence[Architecture], by: Predictor) -> np.ndarray:
        return by.all(networks)[0] / profile.reference_ms

    own = drawn(space, options.networks, options.seed, known)
    most = 3 * max(cost(network).macs for network in own[:10])
    for name, networks in (
        (f"{space.name}", own),
        ("scaled", scaled(space, options.scaled, options.seed, most)),
    ):
        if not networks:
            continue
        first = measured(networks, reference, options.batch, f"{name}, first take")
        second = measured(networks, reference, options.batch, f"{name}, second take")
        flagged = sum(predictor(network).flagged for network in networks)
        print(line(f"{name}: profile beside first take", told(networks, predictor), first, flagged))
        print(line(f"{name}: profile beside second take", told(networks, predictor), second, flagged))
        print(line(f"{name}: first take beside second", first, second))
        print(line(f"{name}: no block of the table", told(networks, bare), first, len(networks)), flush=True)
        if networks is own:
            idle = first
    for kind in options.load:
        count = 1 if kind == "other" else os.cpu_count() or 1
        with neighbours(count, reference, options.batch):
            beside = measured(own, reference, options.batch, f"beside {count}")
        moved = np.abs(beside / idle - 1)
        print(line(f"first take beside one with {count} trainings beside it", beside, idle))
        print(f"  moved by under 5%: {sum(moved < 0.05)} of {len(own)}, by under 10%: {sum(moved < 0.1)}")
    if len(own) >= 20:
        print(agreement(own, told(own, predictor), idle))


if __name__ == "__main__":
    main()
