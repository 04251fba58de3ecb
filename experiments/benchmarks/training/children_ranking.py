"""Rank the children of one parent by inherited weights, and by trainings of their own.

    python -m experiments.benchmarks.training.children_ranking alone --data FILE.npz --out DIR
    python -m experiments.benchmarks.training.children_ranking inherited --data FILE.npz --out DIR
    python -m experiments.benchmarks.training.children_ranking report --out DIR

`alone` trains random children from random weights: with two seeds in full, and once at each shorter training.
`inherited` trains the parent once plainly and once with `recipe=elastic`, and validates every child with inherited
weights. Both append a line to DIR/results.jsonl for each training or validation, and continue where they stopped.
`report` prints Kendall's tau of each cheap accuracy with the mean of the full trainings.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from search.config import Config
from search.data import Dataset, load
from search.data.source import Source
from search.proxy.proxy import Proxy, shorter
from search.proxy.training import train
from space import Architecture, Space, decode
from space.choices.inside import inside

PARENT = "r16_i16_s1/mb_d1_k3_s1_e1_w16/mb_d3_k5_s2_e6_w24/mb_d3_k5_s2_e6_w40/h128_c10"
WIDTHS, EXPANDS = (0.4, 0.6, 0.8, 1.0), (0.34, 0.5, 0.67, 1.0)
SHORTER = (3, 1)
"""The epochs of the shorter trainings."""


def children(count: int) -> list[Architecture]:
    """Return the first `count` distinct random children of the parent; more of them begin with fewer."""
    space, rng = Space.of(inside(decode(PARENT), WIDTHS, EXPANDS)), random.Random(0)
    networks: dict[Architecture, None] = {}
    while len(networks) < count:
        networks.setdefault(space.at(space.sample(rng)))
    return list(networks)


def settings(data: str, epochs: int, images: int) -> tuple[Source, Proxy]:
    """Return the data and the proxy of the full trainings."""
    words = {"data": "npz", "data.path": data, "proxy": "mini"}
    config = Config.of({**words, "proxy.epochs": epochs, "proxy.images": images})
    return config.data, config.proxy


def trainings(networks: list[Architecture], epochs: int) -> Iterator[tuple[Architecture, int, int]]:
    """Yield (network, epochs, seed) of the trainings from random weights, those that matter most first."""
    half = len(networks) // 2
    for part in (networks[:half], networks[half:]):
        for seed in (0, 1):
            yield from ((network, epochs, seed) for network in part)
        for rung in SHORTER:
            yield from ((network, rung, 2) for network in part)


def results(out: Path) -> list[dict[str, Any]]:
    """Return the lines of DIR/results.jsonl; an incomplete last line is left out."""
    path = out / "results.jsonl"
    lines = path.read_text("utf-8").splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def append(out: Path, row: dict[str, Any]) -> None:
    """Add a line to DIR/results.jsonl, and wait until it is on the disk."""
    path = out / "results.jsonl"
    whole = "".join(json.dumps(line) + "\n" for line in results(out))
    if path.exists() and path.read_text("utf-8") != whole:
        path.write_text(whole, "utf-8")
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
        file.flush()
        os.fsync(file.fileno())


def train_alone(networks: list[Architecture], data: Dataset, proxy: Proxy, out: Path) -> None:
    """Carry out the trainings that the results lack."""
    done = {(row["network"], row["epochs"], row["seed"]) for row in results(out) if row["kind"] == "alone"}
    for network, epochs, seed in trainings(networks, proxy.epochs):
        if (str(network), epochs, seed) in done:
            continue
        training = train(network, data, shorter(proxy, epochs), seed)
        row = {"kind": "alone", "network": str(network), "epochs": epochs, "seed": seed}
        append(out, row | {"accuracy": training.accuracy, "loss": training.loss, "cpu": training.cpu_seconds})
        print(time.strftime("%H:%M:%S"), network, epochs, seed, training.accuracy, flush=True)


def main() -> None:
    """Run one part of the experiment."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("part", choices=("alone",))
    parser.add_argument("--data", help="an .npz file for data=npz")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--children", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--images", type=int, default=3000)
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    source, proxy = settings(options.data, options.epochs, options.images)
    train_alone(children(options.children), load(source, 16), proxy, options.out)


if __name__ == "__main__":
    main()
