"""The rank correlations of gradient signals before training, and of network sizes, with recorded accuracies.

    python -m experiments.benchmarks.samplers.gradient_signals --effv2-mini
    python -m experiments.benchmarks.samplers.gradient_signals --nas-bench-macro FILE --resolution 16

Every network gets one backward pass with its initial weights, on noise as images and all classes in turn as labels.
`grad norm` is the norm of the gradients of its weights, and `snip` the sum of |weight x gradient| (Lee et al. 2019,
"SNIP", as a score in Abdelfattah et al. 2021, "Zero-cost proxies"). Both are taken as logarithms. For these signals,
for MACs and for params, Spearman's rho with the mean recorded reward is printed, for all networks and for the best
quarter, with intervals over resampled networks.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from experiments.benchmarks.samplers.tabular.recorded import Recorded, effv2_mini, nas_bench_macro
from space import UserError, cost, decode

IMAGES = 16
"""The batch size of the backward pass."""
_RESAMPLED = 500


def signals(text: str, resolution: int | None, seed: int = 0) -> dict[str, float]:
    """Return the signals of the network `text` at random weights, a mapping from the name of a signal to its value.

    resolution: the side of the random input images in pixels; None for the network's own resolution.
    """
    import torch

    from space import build

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    architecture = decode(text)
    pixels = architecture.resolution if resolution is None else resolution
    network = build(replace(architecture, resolution=pixels)).train()
    images = torch.randn(IMAGES, architecture.channels, pixels, pixels)
    labels = torch.arange(IMAGES) % architecture.classes
    torch.nn.functional.cross_entropy(network(images), labels).backward()
    # Only weights of convolutions and the classifier: scales and shifts of normalisation have one dimension.
    weights = [each for each in network.parameters() if each.ndim > 1]
    pairs = [(each.detach(), each.grad) for each in weights if each.grad is not None]
    spent = cost(architecture)
    return {
        "MACs": float(spent.macs),
        "params": float(spent.params),
        "grad norm": 0.5 * math.log(sum(float((gradient**2).sum()) for _, gradient in pairs)),
        "snip": math.log(sum(float((weight * gradient).abs().sum()) for weight, gradient in pairs)),
    }


def ranked(values: NDArray[np.float64], truths: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return Spearman's rho and the bounds of its 95 % interval. Both arguments: (networks,)."""
    draws = np.random.default_rng(0).integers(0, len(values), (_RESAMPLED, len(values)))
    found = [float(spearmanr(values[draw], truths[draw]).statistic) for draw in draws]
    low, high = np.quantile(found, (0.025, 0.975))
    return float(spearmanr(values, truths).statistic), float(low), float(high)


def table(problem: Recorded, resolution: int | None, workers: int) -> str:
    """Return a text: a heading, and for each signal a line with its correlations over the networks of `problem`."""
    truths = np.array(list(problem.truths.values()))
    started = time.perf_counter()
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(partial(signals, resolution=resolution), problem.truths, chunksize=32))
    spent = 1000 * (time.perf_counter() - started) * workers / len(found)
    lines = [f"{problem.name}: {len(found)} networks, {spent:.0f} ms each"]
    best = truths >= np.quantile(truths, 0.75)
    for name in found[0]:
        values = np.array([each[name] for each in found])
        every, top = _told(ranked(values, truths)), _told(ranked(values[best], truths[best]))
        lines.append(f"  {name:9s} all {every}, best quarter {top}")
    return "\n".join(lines)


def _told(correlation: tuple[float, float, float]) -> str:
    rho, low, high = correlation
    return f"{rho:.2f} [{low:.2f} to {high:.2f}]"


def main(words: Sequence[str] | None = None) -> None:
    """Run the benchmark with the arguments `words`; None: the arguments of the command line.

    Exits with status 2 and a one-line message for an invalid argument or file.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--effv2-mini", action="store_true")
    parser.add_argument("--nas-bench-macro", type=Path, metavar="FILE")
    parser.add_argument(
        "--resolution", type=int, help="resolution of the noise (default: that of the networks)"
    )
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args(words)
    problems: list[Recorded] = []
    try:
        if asked.effv2_mini:
            problems.append(effv2_mini())
        if asked.nas_bench_macro:
            problems.append(nas_bench_macro(asked.nas_bench_macro))
        if not problems:
            raise UserError("Which table? --effv2-mini or --nas-bench-macro FILE.")
        for problem in problems:
            print(table(problem, asked.resolution, asked.workers))
    except UserError as error:
        parser.exit(2, f"{error}\n")


if __name__ == "__main__":
    main()
