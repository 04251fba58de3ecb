"""Trainings of networks by a proxy, to compare its ranking with the ranking by full trainings.

    python -m experiments.benchmarks.proof.proxies NETWORK ... proxy.epochs=8 --npz FILE.npz --out FILE.jsonl

Words with "=" are settings of the proxy, which otherwise trains at full width and the network's own resolution, for 4
epochs at twice the recipe's learning rate. Each training is a line of the journal, with its accuracy and loss on the
validation images. A second start carries out only missing trainings.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from experiments.benchmarks.training.proxy_table import append, read
from search.config import Config
from search.engine.automatic_proxy import FULL_RATE
from search.proxy.proxy import Proxy, proxy_architecture
from search.settings.words import is_setting, parse
from space import decode

DEFAULTS = {
    "proxy": "small",
    "proxy.learning_rate": FULL_RATE,
    "proxy.resolution": None,
    "proxy.validation_images": None,
}
KEY = ("network", "seed", "side", "epochs", "shift")
CSV = (*KEY, "accuracy", "loss", "cpu_seconds")
"""The columns of the table of all trainings. side: the side of the images in pixels. shift: the largest shift in
pixels."""


def trainings(
    networks: Sequence[str], npz: str, settings: dict[str, Any], seeds: Sequence[int], journal: Path
) -> Iterator[dict[str, Any]]:
    """Yield the line of the journal for each network and seed. Missing trainings are carried out and added.

    npz: the file of the images. settings: the settings of the proxy.
    """
    from search.data import load
    from search.proxy import training

    config = Config.of({**DEFAULTS, **settings, "data": "npz", "data.path": npz})
    proxy: Proxy = config.proxy
    known = {tuple(line[key] for key in KEY): line for line in read(journal)}
    for seed in seeds:
        for network in networks:
            full = decode(network)
            data = load(config.data, proxy.resolution or full.resolution)
            key = (network, seed, data.resolution, proxy.epochs, proxy.shift)
            if key not in known:
                small = proxy_architecture(full, proxy, len(data.classes), data.channels)
                result = training.train(small, data, proxy, seed, device="cpu")
                known[key] = dict(zip(KEY, key, strict=True)) | {
                    "accuracy": result.accuracy,
                    "loss": result.loss,
                    "cpu_seconds": round(result.cpu_seconds, 1),
                }
                append(journal, known[key])
            yield known[key]


def write_table(journal: Path, file: Path) -> None:
    """Write all trainings of a journal to `file` as CSV, with the columns `CSV`."""
    with file.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, CSV)
        writer.writeheader()
        writer.writerows(read(journal))


def main(given: Sequence[str] | None = None) -> None:
    """Run the benchmark with the arguments `given`; None: the arguments of the command line."""
    import torch

    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("words", nargs="+", metavar="NETWORK|KEY=VALUE")
    parser.add_argument("--npz", type=Path, required=True)
    parser.add_argument(
        "--out", type=Path, required=True, help="the journal, of one proxy's trainings or several"
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    options = parser.parse_args(given)
    networks = [word for word in options.words if not is_setting(word)]
    settings = parse(word for word in options.words if is_setting(word))
    for line in trainings(networks, str(options.npz.absolute()), settings, options.seeds, options.out):
        print({key: line[key] for key in CSV}, flush=True)
    write_table(options.out, options.out.with_suffix(".csv"))


if __name__ == "__main__":
    main()
