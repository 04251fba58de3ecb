"""Dilations that EDO (efficient dilation optimization) derives from a trained network, compared with three baselines.

    python -m experiments.benchmarks.training.dilations --data FILE.npz --epochs 4 --seeds 3

For each seed, a network with 7 x 7 kernels is trained and dilated (`space.network.edo`). Four networks with 3 x 3
kernels and equal params and MACs are then trained for as many epochs again: the dilated network from inherited
weights, an undilated one from the middles of the same kernels, and both from random weights. Accuracies are measured
on the validation split after the last epoch.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from search.data.dataset import source_from
from search.models.model import Model, load_model, save_model
from search.training.loop import train
from search.training.settings import recipe_of
from search.training.task import Task
from space import Architecture, cost, decode
from space.network.edo import edo
from space.network.network import build
from space.weights import rebuild

LARGE = "r32_i16_s1/mb_d1_k7_s2_e4_w24/mb_d2_k7_s2_e4_w40/mb_d1_k7_s2_e4_w64/h192_c10"


def undilated(network: Architecture) -> Architecture:
    """Return `network` with 3 x 3 kernels in all stages."""
    return replace(network, stages=tuple(replace(stage, kernel=3) for stage in network.stages))


def middles(network: Architecture, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return `tensors` with their kernels cropped at the centre to the kernel sizes of `network`."""
    cropped = {}
    for name, own in build(network).state_dict().items():
        tensor = tensors[name]
        if own.shape != tensor.shape:
            edge = (tensor.shape[-1] - own.shape[-1]) // 2
            tensor = tensor[..., edge:-edge, edge:-edge]
        cropped[name] = tensor
    return cropped


def trained(task: Task, folder: Path, begin: Model | None = None) -> Model:
    """Train the model `begin` (None: the network of `task` from random weights), and return the trained model.

    folder: the folder for the models.
    """
    if begin:
        save_model(begin, folder / "begin")
        task = replace(task, architecture=begin.architecture, weights=folder / "begin")
    return train(task, folder / "model")


def contest(task: Task, folder: Path) -> dict[str, float]:
    """Return the validation accuracy of each contestant, 0 to 1, by its name. folder: the folder for the models."""
    trained(task, folder / "large")
    large = load_model(folder / "large" / "model")
    network, tensors = edo(rebuild(large.weights))
    small = undilated(task.architecture)
    middle = replace(large.weights, architecture=small, tensors=middles(small, large.weights.tensors))
    read_off = replace(large.weights, architecture=network, tensors=tensors)
    models = {
        "7 x 7": large,
        "dilated, read off": trained(task, folder / "off", replace(large, weights=read_off)),
        "undilated, the middles": trained(task, folder / "middle", replace(large, weights=middle)),
        "dilated, fresh": trained(replace(task, architecture=network), folder / "dilated"),
        "undilated, fresh": trained(replace(task, architecture=small), folder / "small"),
    }
    metrics = {name: model.metric("accuracy", "validation") for name, model in models.items()}
    print(network, flush=True)
    return {name: metric.value for name, metric in metrics.items() if metric}


def main() -> None:
    """Print the accuracies of all contestants for each seed, and then their means."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", required=True, help="an .npz file for data=npz")
    parser.add_argument("--network", default=LARGE)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    source = source_from({"source": "npz", "path": options.data})
    recipe = recipe_of("small", {"epochs": options.epochs})
    rows: list[dict[str, float]] = []
    for seed in range(options.seeds):
        task = Task(decode(options.network), source, recipe, seed=seed, threads=1).for_data()
        with tempfile.TemporaryDirectory() as folder:
            rows.append(contest(task, Path(folder)))
        print(seed, rows[-1], flush=True)
    for one in (decode(options.network), undilated(decode(options.network))):
        print(f"{one}: {cost(one).params:,} params, {cost(one).macs:,} MACs")
    for name in rows[0]:
        values = [row[name] for row in rows]
        spread = statistics.stdev(values) if len(values) > 1 else float("nan")
        print(
            f"{name:<24}{statistics.mean(values):.4f} +- {spread:.4f} (standard deviation, n = {len(values)})"
        )


if __name__ == "__main__":
    main()
