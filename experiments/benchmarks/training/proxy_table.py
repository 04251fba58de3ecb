"""A measurement of how well cheap trainings (proxies) rank networks that are then trained for real.

    python -m experiments.benchmarks.training.proxy_table --data FILE.npz [--cell effv2_32] [--device cuda --jobs 12]
    python -m experiments.benchmarks.training.proxy_table --report                       # of what has been trained

A cell is a space, a data set and a random draw of networks. Each network gets long trainings (10 epochs of the real
network, with its own stem and resolution and its full width) and one training by each candidate proxy and seed, all
of them by `search.proxy.training.train`. They are in float32 unless `--precision` says otherwise. Every finished
training is a line of `OUT/CELL.jsonl`, with its precision, written to disk at once; a second start trains what is
missing. Trainings are ordered network by network, the candidates of `CORE` first, so that an unfinished table is
useful.

CPU seconds are the training process's, including building and validation. On a GPU they say little about the cost of
a proxy, so `--only cost` times a few steps of each network and candidate on one CPU thread instead.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, replace
from functools import lru_cache
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args
from unittest import mock

from experiments.benchmarks.training.proxy_cells import CANDIDATES, CELLS, COST, LONG, REAL, Task, tasks
from search.config import Config
from search.proxy.proxy import Precision, Proxy
from space import Architecture, cost

if TYPE_CHECKING:
    from search.data import Dataset

SMALL_SIZE = 0.75
"""The side of the images in the first part of a progressive training, relative to the network's resolution."""
SMALL_STEPS = 2 / 3
"""The part of the steps of a progressive training that is taken at the small size."""
_TIMED_STEPS = 8


@lru_cache(maxsize=2)
def _dataset(name: str, path: str) -> Dataset:
    from search.data import load

    settings = dict(CELLS[name].settings) | ({"data.path": path} if path else {})
    config = Config.of(settings)
    return load(config.data, config.space.frames[0].resolution)


def run(task: Task) -> dict[str, Any]:
    """Carry out one training, or time its steps, and return the line for the journal."""
    import torch

    from search.proxy import training
    from search.proxy.proxy import proxy_architecture
    from space import decode

    torch.set_num_threads(1)
    data, full = _dataset(task.cell, task.data), decode(task.network)
    kind = task.kind.removeprefix(f"{COST} ")
    candidate = REAL if kind == LONG else CANDIDATES[kind]
    proxy = candidate.proxy(CELLS[task.cell], len(data.train), task.precision)
    network = proxy_architecture(full, proxy, len(data.classes), data.channels)
    line = {**asdict(task), "macs": cost(full).macs, "params": cost(full).params}
    del line["data"]
    steps = proxy.epochs * max(1, (proxy.images or 0) // proxy.batch)
    if task.kind != kind:
        return {**line, "steps": steps, "step_seconds": _step_seconds(network, data, proxy)}
    try:
        with _progressive(round(SMALL_STEPS * steps)) if candidate.progressive else nullcontext():
            result = training.train(network, data, proxy, task.seed, device=task.device)
    except training.TrialFailed as error:
        return {**line, "failed": str(error)}
    names = ("accuracy", "loss", "curve", "images", "seconds", "cpu_seconds")
    return {**line, "steps": steps, **{name: getattr(result, name) for name in names}}


@contextmanager
def _progressive(steps: int) -> Iterator[None]:
    """Make the first `steps` steps of a training in this context use images of `SMALL_SIZE`.

    The training uses the loop that takes images of any size.
    """
    from search.data.augment import augment
    from search.proxy import loop_streamed, training

    growing = mock.patch.object(loop_streamed, "augment", _Growing(augment, steps))
    with growing, mock.patch.object(training, "resident", return_value=None):
        yield


class _Growing:
    """A function like `augment` that returns images of `SMALL_SIZE` in the first `steps` calls."""

    def __init__(self, augment: Any, steps: int) -> None:
        self._augment, self._steps, self._calls = augment, steps, 0

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        from torch.nn.functional import interpolate

        images = self._augment(*arguments, **options)
        self._calls += 1
        if self._calls > self._steps:
            return images
        side = round(SMALL_SIZE * images.shape[-1])
        return interpolate(images, size=(side, side), mode="bilinear", antialias=True, align_corners=False)


def _step_seconds(network: Architecture, data: Dataset, proxy: Proxy) -> float:
    """Return the CPU seconds of a training step, measured in a short training on one thread without validation."""
    import torch

    from search.proxy.training import fit
    from space import build

    model = build(network).to(memory_format=torch.channels_last)
    for steps in (2, _TIMED_STEPS):
        short = proxy.model_copy(update={"images": steps * proxy.batch, "epochs": 1})
        started = time.thread_time()
        fit(model, data, short, 0, torch.device("cpu"))
    return (time.thread_time() - started) / _TIMED_STEPS


def read(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a journal, without a line that was cut off when its process ended; [] without a journal."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    finished = []
    for line in lines:
        try:
            finished.append(json.loads(line))
        except ValueError:
            continue
    return finished


def append(path: Path, line: Mapping[str, Any]) -> None:
    """Append the line of a finished training to the journal, and wait until it is on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torn = path.exists() and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8") as file:
        file.write("\n" * torn + json.dumps(line) + "\n")
        file.flush()
        os.fsync(file.fileno())


def missing(wanted: Sequence[Task], lines: Iterable[Mapping[str, Any]]) -> Iterator[Task]:
    """Yield each of the `wanted` trainings that has no line in the journal."""
    finished = {tuple(line[key] for key in ("network", "kind", "seed")) for line in lines}
    return (task for task in wanted if (task.network, task.kind, task.seed) not in finished)


def train(wanted: Sequence[Task], journal: Path, jobs: int, seconds: float = math.inf) -> None:
    """Carry out the trainings of `wanted` that the journal lacks, in `jobs` processes of one thread each.

    After `seconds`, the trainings that wait are cancelled.
    """
    end = time.monotonic() + seconds
    left = list(missing(wanted, read(journal)))
    print(f"{len(wanted)} trainings, {len(wanted) - len(left)} finished: {journal}", flush=True)
    if not left:
        return
    _dataset(left[0].cell, left[0].data)  # The data is decoded only here; the workers memory-map it.
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        number, running = 0, {pool.submit(run, task) for task in left[: 2 * jobs]}
        waiting = iter(left[2 * jobs :])
        while running:
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                number, line = number + 1, future.result()
                append(journal, line)
                result = line.get("failed") or line.get("accuracy") or line.get("step_seconds")
                print(f"{number} of {len(left)}: {line['kind']} seed {line['seed']}: {result}", flush=True)
            if time.monotonic() > end:
                running = {future for future in running if not future.cancel()}
            else:
                running |= {pool.submit(run, task) for task in islice(waiting, len(finished))}


def main(words: Sequence[str] | None = None) -> None:
    """Run the benchmark with the arguments `words`; None: the arguments of the command line."""
    from experiments.benchmarks.training.proxy_report import report

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="", help="path of the data of the cell, where it needs one")
    parser.add_argument("--cell", choices=CELLS, default="effv2_32")
    parser.add_argument(
        "--only", choices=("long", "proxies", COST), help="default: long trainings and proxies"
    )
    parser.add_argument("--candidates", help="names with commas between; default: all")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--jobs", type=int, default=1, help="processes, of one thread each")
    parser.add_argument("--precision", choices=get_args(Precision), default="float32")
    parser.add_argument("--seconds", type=float, default=math.inf, help="begin no training after this time")
    parser.add_argument("--out", type=Path, default=Path("proxy_table"))
    parser.add_argument("--report", action="store_true", help="train nothing; report what is there")
    options = parser.parse_args(words)
    chosen = options.candidates.split(",") if options.candidates else None
    if unknown := [name for name in chosen or () if name not in CANDIDATES]:
        parser.exit(2, f"There is no candidate {unknown[0]!r}; there are {', '.join(CANDIDATES)}.\n")
    journal = options.out / f"{options.cell}.jsonl"
    if not options.report:
        wanted = tasks(options.cell, options.only, chosen)
        wanted = [
            replace(task, data=options.data, device=options.device, precision=options.precision)
            for task in wanted
        ]
        train(wanted, journal, options.jobs, options.seconds)
    report(read(journal), options.out / f"{options.cell}.csv")


if __name__ == "__main__":
    main()
