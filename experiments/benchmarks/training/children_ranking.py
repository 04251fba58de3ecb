"""Rankings of the children (sub-networks) of one parent by inherited weights, and by trainings of their own.

    python -m experiments.benchmarks.training.children_ranking alone --data FILE.npz --out DIR
    python -m experiments.benchmarks.training.children_ranking inherited --data FILE.npz --out DIR
    python -m experiments.benchmarks.training.children_ranking report --out DIR

`alone` trains random children from random weights: in full with two seeds, and once each for 3 epochs and for 1.
`inherited` trains the parent once plainly and once with `recipe=elastic`, and validates every child with inherited
weights. Both append a line to DIR/results.jsonl for each training or validation, and continue where they stopped.
`report` prints Kendall's tau of each cheap accuracy (of a shorter training, or with inherited weights) with the mean
of the full trainings.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from experiments.benchmarks.training.proxy_table import append, read
from search.config import Config
from search.data import Dataset, load
from search.data.source import Source
from search.models.model import is_model, load_model
from search.models.trained import read_trained
from search.proxy.classifier import fit_classifier
from search.proxy.proxy import Proxy, shorter
from search.proxy.training import train
from search.proxy.validation import recalibrate, validate
from search.stats.rank_correlation import agreement
from search.training.loop import train as run_training
from search.training.settings import recipe_of
from search.training.task import Task
from space import Architecture, Space, decode
from space.choices.inside import inside
from space.weights import Weights, rebuild
from space.weights.children import inherit

PARENT = "r16_i16_s1/mb_d1_k3_s1_e1_w16/mb_d3_k5_s2_e6_w24/mb_d3_k5_s2_e6_w40/h128_c10"
WIDTHS, EXPANDS = (0.4, 0.6, 0.8, 1.0), (0.34, 0.5, 0.67, 1.0)
RESULTS = "results.jsonl"
SHORTER = (3, 1)
"""The epochs of the shorter trainings."""


def children(count: int) -> list[Architecture]:
    """Return the first `count` distinct random children of the parent. A larger `count` only adds further ones."""
    space, rng = Space.of(inside(decode(PARENT), WIDTHS, EXPANDS)), random.Random(0)
    networks: dict[Architecture, None] = {}
    while len(networks) < count:
        networks.setdefault(space.at(space.sample(rng)))
    return list(networks)


def settings(data: str, epochs: int, images: int) -> tuple[Source, Proxy]:
    """Return the data and the proxy of the full trainings. data: the path of the .npz file."""
    words = {"data": "npz", "data.path": data, "proxy": "mini"}
    config = Config.of({**words, "proxy.epochs": epochs, "proxy.images": images})
    return config.data, config.proxy


def trainings(networks: list[Architecture], epochs: int) -> Iterator[tuple[Architecture, int, int]]:
    """Yield (network, epochs, seed) of the trainings from random weights, the most important ones first."""
    half = len(networks) // 2
    for part in (networks[:half], networks[half:]):
        for seed in (0, 1):
            yield from ((network, epochs, seed) for network in part)
        for rung in SHORTER:
            yield from ((network, rung, 2) for network in part)


def train_alone(networks: list[Architecture], data: Dataset, proxy: Proxy, out: Path) -> None:
    """Carry out those `trainings` of the networks from random weights that `RESULTS` in the folder `out` lacks."""
    done = {
        (row["network"], row["epochs"], row["seed"]) for row in read(out / RESULTS) if row["kind"] == "alone"
    }
    for network, epochs, seed in trainings(networks, proxy.epochs):
        if (str(network), epochs, seed) in done:
            continue
        training = train(network, data, shorter(proxy, epochs), seed)
        row: dict[str, Any] = {"kind": "alone", "network": str(network), "epochs": epochs, "seed": seed}
        row |= {"accuracy": training.accuracy, "loss": training.loss, "cpu": training.cpu_seconds}
        append(out / RESULTS, row)
        print(time.strftime("%H:%M:%S"), network, epochs, seed, training.accuracy, flush=True)


def parents(source: Source, epochs: int, out: Path) -> Iterator[tuple[str, Weights, float]]:
    """Yield each parent's name, its weights ordered for its children, and the wall-clock seconds of its training.

    A training that was interrupted is resumed.
    """
    for name, recipe in (("plain", "small"), ("elastic", "elastic")):
        folder = out / name
        if not is_model(folder):
            own = {"epochs": epochs, "device": "cpu", "checkpoint": 10.0, "validate_every": epochs}
            if recipe == "elastic":
                own["children"] = {"every": 4, "widths": WIDTHS, "expands": EXPANDS}
            task = Task(decode(PARENT), source, recipe_of(recipe, own), threads=1)
            run_training(task.for_data(), folder)
        trained = read_trained(folder)
        seconds = load_model(folder).provenance.seconds or 0.0
        yield name, trained.ordered(trained.weights), seconds


def validate_inherited(
    networks: list[Architecture], data: Dataset, proxy: Proxy, weights: Weights, parent: str, seconds: float
) -> Iterator[dict[str, Any]]:
    """Yield the accuracies of each child with inherited weights, as a row for the results.

    The column "frozen" is for the weights as they are, "recalibrated" for new batch-norm statistics, and "fitted" for
    a fitted classifier in addition. seconds: the wall-clock seconds of the parent's training.
    """
    conventions, cpu = weights.conventions, torch.device("cpu")
    data = replace(data, mean=conventions.mean, std=conventions.std)
    for network in networks:
        own = rebuild(inherit(weights, network))
        frozen = validate(own, data, cpu).accuracy
        recalibrate(own, data, cpu, 2048)
        row = {"kind": "inherited", "parent": parent, "network": str(network), "seconds": seconds}
        row |= {"frozen": frozen, "recalibrated": validate(own, data, cpu).accuracy}
        fit_classifier(own, data, cpu, proxy.images)
        yield row | {"fitted": validate(own, data, cpu).accuracy}


def inherited(networks: list[Architecture], source: Source, proxy: Proxy, epochs: int, out: Path) -> None:
    """Validate each network with weights inherited from each parent, unless `RESULTS` in the folder `out` has it.

    epochs: the epochs of the parents' trainings.
    """
    data = load(source, 16)
    for parent, weights, seconds in parents(source, epochs, out):
        done = {row["network"] for row in read(out / RESULTS) if row.get("parent") == parent}
        left = [network for network in networks if str(network) not in done]
        for row in validate_inherited(left, data, proxy, weights, parent, seconds):
            append(out / RESULTS, row)


def report(rows: list[dict[str, Any]], epochs: int) -> Iterator[str]:
    """Yield a heading, and for each cheap accuracy two lines: its tau over all networks and over the best quarter."""
    alone = [row for row in rows if row["kind"] == "alone"]
    seeds: dict[str, list[float]] = {}
    for row in alone:
        if row["epochs"] == epochs:
            seeds.setdefault(row["network"], []).append(row["accuracy"])
    full = {network: statistics.mean(values) for network, values in seeds.items()}
    cheap: dict[str, dict[str, float]] = {}
    for row in rows:
        if row["kind"] == "inherited":
            for kind in ("frozen", "recalibrated", "fitted"):
                cheap.setdefault(f"{row['parent']} parent, {kind}", {})[row["network"]] = row[kind]
        elif row["epochs"] != epochs:
            cheap.setdefault(f"{row['epochs']} epochs", {})[row["network"]] = row["accuracy"]
    counts = sorted(len(values) for values in seeds.values())
    yield f"{len(full)} networks, {counts[:1]} to {counts[-1:]} seeds of {epochs} epochs"
    for name, accuracies in cheap.items():
        common = sorted(full.keys() & accuracies.keys(), key=lambda network: -full[network])
        parts = [("all", common), ("best quarter", common[: max(2, len(common) // 4)])]
        for part, networks in parts:
            found = agreement([full[n] for n in networks], [accuracies[n] for n in networks])
            yield f"{name:<32} {part:<13} n {len(networks):<3} tau {found.tau} ({found.low} to {found.high})"


def main() -> None:
    """Run the part of the experiment that the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("part", choices=("alone", "inherited", "report"))
    parser.add_argument("--data", help="an .npz file for data=npz")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--children", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--parent-epochs", type=int, default=12)
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.part == "report":
        print(*report(read(options.out / RESULTS), options.epochs), sep="\n")
        return
    source, proxy = settings(options.data, options.epochs, options.images)
    networks = children(options.children)
    if options.part == "alone":
        train_alone(networks, load(source, 16), proxy, options.out)
    else:
        inherited(networks, source, proxy, options.parent_epochs, options.out)


if __name__ == "__main__":
    main()
