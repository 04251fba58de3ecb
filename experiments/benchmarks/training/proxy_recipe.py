"""Reliability of proxy recipes in ranking networks, measured on networks of `effv2_mini`.

    python -m experiments.benchmarks.training.proxy_recipe --data FILE.npz [--networks 24] [--seeds 3] [--epochs 3]

Each network is trained with each seed by the recipe of `proxy=mini` and by recipes that differ from it in one
respect. Every training is evaluated in several ways ("readings"): last weights or running average; batch-norm
statistics as trained or recomputed; the image only or with its mirror image. The reliability of a reading is the rank
correlation of accuracies between seeds (Spearman's rho, mean over pairs of seeds). It has an interval over resampled
networks, and so has its difference to the plain reading of the plain recipe. The column `whole` is the rank
correlation with the trainings of 9 epochs in the table `effv2_mini.csv`.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import numpy as np
from scipy.stats import spearmanr

from experiments.benchmarks.samplers.effv2_mini import networks
from experiments.benchmarks.samplers.effv2_mini import task as of_table
from experiments.benchmarks.samplers.tabular.recorded import effv2_mini
from search.config import Config

if TYPE_CHECKING:
    from torch import Tensor

RECIPES: dict[str, dict[str, object]] = {
    "plain": {},
    "no label smoothing": {"label_smoothing": 0.0},
    "half the images twice as often": {"images": 3000, "epochs": 2.0},
    "no warm-up": {"warmup": 0.0},
    "random flip": {"flip": "random"},
    "no flip": {"flip": "none"},
}
"""The settings that each recipe changes. epochs: the factor of the number of epochs. flip: "random" mirrors a random
half of the images in each epoch, "none" mirrors none; without this setting, each image is mirrored in every other
epoch."""
EMA = 0.97
"""The decay of the running average, which spans about a tenth of the steps of three epochs."""
ANEW = 2000
"""The number of images for recomputed batch-norm statistics."""
READINGS = tuple(itertools.product(("last", "average"), ("trained", "anew"), ("plain", "mirror")))
_RESAMPLED = 500


@dataclass(frozen=True, slots=True)
class Task:
    """One training. recipe: a key of `RECIPES`."""

    architecture: str
    recipe: str
    seed: int
    data: str
    epochs: int


def readings(task: Task) -> tuple[Task, float, dict[tuple[str, str, str], float]]:
    """Train a network. Returns the task, the CPU seconds of the training, and the accuracy of each reading.

    A reading is a key of (weights, statistics, image), as in `READINGS`.
    """
    import torch

    from search.data import load
    from search.proxy import loop_streamed
    from search.proxy.ema import Average
    from search.proxy.training import begin, fit
    from search.proxy.validation import recalibrate, validate
    from space import build, decode

    torch.set_num_threads(1)
    change = dict(RECIPES[task.recipe])
    epochs = round(task.epochs * float(change.pop("epochs", 1.0)))  # type: ignore[arg-type]
    flip = change.pop("flip", None)
    config = Config.of(of_table(task.data))
    proxy = config.proxy.model_copy(update={**change, "epochs": epochs})
    data, cpu = load(config.data, proxy.resolution), torch.device("cpu")
    torch.manual_seed(2 * task.seed)
    started = time.process_time()
    network = build(decode(task.architecture))
    begin(network)
    average = Average(network, EMA)
    with mock.patch.object(loop_streamed, "mirrored", FLIPS[str(flip)]) if flip else nullcontext():
        fit(network.to(memory_format=torch.channels_last), data, proxy, task.seed, cpu, average=average)
    spent = time.process_time() - started
    last = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    accuracies = {}
    for weights, statistics in itertools.product(("last", "average"), ("trained", "anew")):
        network.load_state_dict(last if weights == "last" else average.tensors)
        if statistics == "anew":
            recalibrate(network, data, cpu, ANEW)
        for image in ("plain", "mirror"):
            accuracies[weights, statistics, image] = validate(
                network, data, cpu, flip_tta=image == "mirror"
            ).accuracy
    return task, spent, accuracies


def _at_random(indices: Tensor, epoch: int, seed: int) -> Tensor:
    """Return a mask (b,) of the images to mirror: a new random half in every epoch."""
    from search.data.augment import mirrored

    return mirrored(indices, 0, (seed + 1) * 1_000_003 + epoch)


def _not_at_all(indices: Tensor, epoch: int, seed: int) -> Tensor:
    return indices < 0


FLIPS = {"random": _at_random, "none": _not_at_all}


def reliability(accuracies: np.ndarray) -> float:
    """Return the mean of Spearman's rho over all pairs of seeds. accuracies: (networks, seeds)."""
    pairs = itertools.combinations(range(accuracies.shape[1]), 2)
    return float(np.mean([spearmanr(accuracies[:, a], accuracies[:, b]).statistic for a, b in pairs]))


def foretold(accuracies: np.ndarray, whole: np.ndarray) -> float:
    """Return the rank correlation between accuracies of one seed and of full trainings, averaged over seeds.

    accuracies: (networks, seeds). whole: (networks,).
    """
    return float(np.mean([spearmanr(own, whole).statistic for own in accuracies.T]))


def rows(
    by_reading: Mapping[tuple[str, str, str, str], np.ndarray],
    seconds: Mapping[str, float],
    whole: np.ndarray,
) -> Iterator[dict[str, object]]:
    """Yield a row for each recipe and reading.

    by_reading: the accuracies (networks, seeds) of each reading. seconds: the CPU seconds of a training, by recipe.
    whole: the accuracies (networks,) of full trainings. The columns "more" and "whole_more" are differences to the
    plain reading of the plain recipe; "low" and "high" are bounds of 95 % intervals.
    """
    plain = by_reading["plain", *READINGS[0]]
    draws = np.random.default_rng(0).integers(0, len(plain), (_RESAMPLED, len(plain)))
    for (recipe, *reading), accuracies in by_reading.items():
        rho = [reliability(accuracies[draw]) for draw in draws]
        more = [r - reliability(plain[draw]) for r, draw in zip(rho, draws, strict=True)]
        gain = [
            foretold(accuracies[draw], whole[draw]) - foretold(plain[draw], whole[draw]) for draw in draws
        ]
        yield {
            "recipe": recipe,
            "weights": reading[0],
            "statistics": reading[1],
            "image": reading[2],
            "rho": f"{reliability(accuracies):.3f}",
            "low": f"{np.quantile(rho, 0.025):.3f}",
            "high": f"{np.quantile(rho, 0.975):.3f}",
            "more": f"{reliability(accuracies) - reliability(plain):+.3f}",
            "more_low": f"{np.quantile(more, 0.025):+.3f}",
            "more_high": f"{np.quantile(more, 0.975):+.3f}",
            "whole": f"{foretold(accuracies, whole):.3f}",
            "whole_more": f"{foretold(accuracies, whole) - foretold(plain, whole):+.3f}",
            "whole_low": f"{np.quantile(gain, 0.025):+.3f}",
            "whole_high": f"{np.quantile(gain, 0.975):+.3f}",
            "seed_sd": f"{np.sqrt(accuracies.var(axis=1, ddof=1).mean()):.4f}",
            "network_sd": f"{accuracies.mean(axis=1).std(ddof=1):.4f}",
            "accuracy": f"{accuracies.mean():.4f}",
            "seconds": f"{seconds[recipe]:.1f}",
            "n": f"{accuracies.shape[0]} x {accuracies.shape[1]}",
        }


def main(words: Sequence[str] | None = None) -> None:
    """Run the benchmark with the arguments `words`; None: the arguments of the command line.

    Exits with status 2 and a one-line message for an invalid argument or file.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, help="an .npz file for data=npz")
    parser.add_argument("--networks", type=int, default=24)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument(
        "--recipes", default=",".join(RECIPES), help="separated by commas; always includes plain"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("proxy_recipe.csv"))
    options = parser.parse_args(words)
    chosen = [str(network) for network in networks()[: options.networks]]
    recipes = list(dict.fromkeys(("plain", *options.recipes.split(","))))
    if unknown := [recipe for recipe in recipes if recipe not in RECIPES]:
        parser.exit(2, f"There is no recipe {unknown[0]!r}; there are {', '.join(RECIPES)}.\n")
    if not Path(options.data).is_file():
        parser.exit(2, f"There is no file {options.data}.\n")
    if options.seeds < 2 or not 2 <= options.networks <= len(networks()):
        parser.exit(
            2,
            f"--seeds {options.seeds} --networks {options.networks}: "
            f"2 seeds or more and 2 to {len(networks())} networks are needed.\n",
        )
    tasks = [
        Task(network, recipe, seed, options.data, options.epochs)
        for recipe in recipes
        for seed in range(options.seeds)
        for network in chosen
    ]
    by_reading = {
        (recipe, *reading): np.zeros((len(chosen), options.seeds))
        for recipe in recipes
        for reading in READINGS
    }
    spent: dict[str, list[float]] = {recipe: [] for recipe in recipes}
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
        for done, (task, seconds, accuracies) in enumerate(pool.map(readings, tasks), start=1):
            for reading, accuracy in accuracies.items():
                by_reading[task.recipe, *reading][chosen.index(task.architecture), task.seed] = accuracy
            spent[task.recipe].append(seconds)
            print(f"{done} of {len(tasks)}", flush=True)
    truths = effv2_mini().truths
    whole = np.array([truths[network] for network in chosen])
    table = list(
        rows(by_reading, {recipe: float(np.median(times)) for recipe, times in spent.items()}, whole)
    )
    with options.out.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    print(f"Wrote {options.out}")


if __name__ == "__main__":
    main()
