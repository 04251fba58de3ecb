"""Measure how well cheap trainings (proxies) rank networks that are then trained for real.

    python -m experiments.benchmarks.training.proxy_table --data FILE.npz [--cell effv2_32] [--device cuda --jobs 12]
    python -m experiments.benchmarks.training.proxy_table --report                       # of what has been trained

A cell is a space, a data set and a random draw of networks. Each network gets long trainings (the real network: own
stem, full width, own resolution; 10 epochs) and one training by each candidate proxy and seed, all of them by
`search.proxy.training.train`, in float32 and without compilation on every device. Every finished training is a line
of `OUT/CELL.jsonl`, written to disk before the next one; a second start trains what is missing. Trainings are
ordered network by network, the candidates of `CORE` first, so that an unfinished table is useful.

CPU seconds are those of the training process, with building and validation. On a GPU they say little about the cost
of a proxy; `--only cost` times a few steps of each network and candidate on one CPU thread instead.
"""

from __future__ import annotations

import argparse
import json
import os
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from search.config import Config
from search.proxy.proxy import Proxy
from space import Architecture, Space, cost

if TYPE_CHECKING:
    from search.data import Dataset

LONG = "long"
COST = "cost"
LONG_SEEDS = (11, 12)
PROXY_SEEDS = (0, 1)
SMALL_SIZE = 0.75
"""Side of the images in the first part of a progressive training, relative to the network's own."""
SMALL_STEPS = 2 / 3
"""The part of the steps of a progressive training that is taken at the small size."""
_TIMED_STEPS = 8


@dataclass(frozen=True, slots=True)
class Cell:
    """A space on a data set. settings: of `search launch`, without the path of the data.

    images, validation_images: limits on the images that all trainings use; None: all.
    macs: permitted multiply-adds of the networks, in millions.
    """

    settings: Mapping[str, object]
    networks: int = 24
    long_seeds: tuple[int, ...] = LONG_SEEDS
    macs: tuple[float, float] = (4, 20)
    images: int | None = None
    validation_images: int | None = None


CELLS: dict[str, Cell] = {
    "effv2_32": Cell({"space": "effv2_32", "data": "npz"}),
    "effv2_32-again": Cell({"space": "effv2_32", "data": "npz"}, 24, (11,)),
    "mobile": Cell({"space": "mobile", "data": "npz"}, 12, (11,)),
    "fashion": Cell(
        {"space": "effv2_32", "data": "fashion_mnist"}, 12, (11,), images=9600, validation_images=2400
    ),
    "shapes-64px": Cell(
        {
            "space": "effv2_32",
            "space.resolution": 64,
            "space.stem.stride": 2,
            "data": "shapes",
            "data.images": 4000,
        },
        12,
        (11,),
    ),
}
"""The cells by name. The draw of networks depends on the name: `effv2_32-again` has others than `effv2_32`."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A proxy. part: share of the training images; progressive: see `SMALL_SIZE` and `SMALL_STEPS`."""

    width: float = 1.0
    stem_stride: int | None = None
    epochs: int = 10
    part: float = 1.0
    progressive: bool = False

    @property
    def name(self) -> str:
        """A name such as w0.25-s2-e3: width, stride of the stem, epochs."""
        parts = [f"w{self.width:g}", "own" if self.stem_stride is None else f"s{self.stem_stride}"]
        parts += [f"e{self.epochs}"]
        parts += [f"part{self.part:g}"] * (self.part < 1) + ["progressive"] * self.progressive
        return "-".join(parts)

    def proxy(self, cell: Cell, images: int) -> Proxy:
        """Return the settings of its training on `images` training images."""
        count = min(cell.images or images, images)
        return Proxy(
            resolution=None,
            width=self.width,
            stem_stride=self.stem_stride,
            epochs=self.epochs,
            images=round(self.part * count),
            validation_images=cell.validation_images,
            step_pixels=None,
            precision="float32",
        )


REAL = Candidate()
CORE = (
    Candidate(0.25, 2, 3),
    Candidate(0.25, None, 3),
    Candidate(0.5, 2, 4),
    Candidate(0.5, None, 2),
    Candidate(1, 2, 3),
    Candidate(1, None, 1),
    Candidate(1, None, 2, part=0.5),
)
"""The candidates that cost about a tenth of the long training."""
REST = tuple(
    candidate
    for candidate in (
        *(Candidate(w, s, e) for w in (1, 0.5, 0.25) for s in (None, 2) for e in (2, 3, 4)),
        *(Candidate(1, None, e, progressive=True) for e in (1, 2, 3)),
        Candidate(1, None, 4, part=0.5),
        Candidate(0.5, None, 3, progressive=True),
    )
    if candidate not in CORE
)
CANDIDATES = {candidate.name: candidate for candidate in (*CORE, *REST)}


@dataclass(frozen=True, slots=True)
class Task:
    """One training (or timing, with kind `COST`). kind: LONG, COST or a name of `CANDIDATES`."""

    cell: str
    network: str
    kind: str
    seed: int
    data: str = field(compare=False, default="")
    device: str = field(compare=False, default="cpu")


def draw(name: str) -> list[Architecture]:
    """Return the networks of the cell `name`, in the order in which they are trained."""
    cell = CELLS[name]
    space = Space.load(str(cell.settings["space"]), _inner(cell.settings, "space."))
    rng = random.Random(f"proxy table {name}")
    low, high = (1e6 * millions for millions in cell.macs)
    chosen: dict[Architecture, None] = {}
    while len(chosen) < cell.networks:
        network = space.at(space.sample(rng))
        if low <= cost(network).macs <= high:
            chosen[network] = None
    return list(chosen)


def _inner(settings: Mapping[str, object], prefix: str) -> dict[str, object]:
    return {key.removeprefix(prefix): value for key, value in settings.items() if key.startswith(prefix)}


def tasks(name: str, data: str, device: str, only: str | None, chosen: Iterable[str] | None) -> list[Task]:
    """Return all trainings of a cell in their order: network by network in each of four passes.

    only: "long", "proxies" or "cost", else all trainings. chosen: names of candidates, else all.
    """
    permitted = set(CANDIDATES) if chosen is None else set(chosen)
    networks = [str(network) for network in draw(name)]
    core, rest = ([c.name for c in group if c.name in permitted] for group in (CORE, REST))
    if only == COST:
        kinds = [[(f"{COST} {kind}", 0) for kind in (LONG, *core, *rest)]]
    else:
        cell, kinds = CELLS[name], []
        for group in (core, rest):
            for place, seed in enumerate(PROXY_SEEDS):
                long = cell.long_seeds[place : place + 1] if group is core else ()
                kinds.append([*((LONG, s) for s in long), *((kind, seed) for kind in group)])
        keep = {"long": lambda kind: kind == LONG, "proxies": lambda kind: kind != LONG}.get(only or "")
        kinds = [[pair for pair in group if keep is None or keep(pair[0])] for group in kinds]
    return [
        Task(name, n, kind, seed, data, device) for group in kinds for n in networks for kind, seed in group
    ]


@lru_cache(maxsize=2)
def _dataset(name: str, path: str) -> Dataset:
    from search.data import load

    settings = dict(CELLS[name].settings) | ({"data.path": path} if path else {})
    config = Config.of(settings)
    return load(config.data, config.space.frames[0].resolution)


def run(task: Task) -> dict[str, Any]:
    """Train once. Returns the line of the journal."""
    import torch

    from search.data.augment import augment
    from search.proxy import training
    from search.proxy.proxy import proxy_architecture
    from space import decode

    torch.set_num_threads(1)
    torch.backends.cudnn.allow_tf32 = False
    data, full = _dataset(task.cell, task.data), decode(task.network)
    kind = task.kind.removeprefix(f"{COST} ")
    candidate = REAL if kind == LONG else CANDIDATES[kind]
    proxy = candidate.proxy(CELLS[task.cell], len(data.train))
    network = proxy_architecture(full, proxy, len(data.classes), data.channels)
    line = {**asdict(task), "macs": cost(full).macs, "params": cost(full).params}
    del line["data"]
    steps = proxy.epochs * max(1, (proxy.images or 0) // proxy.batch)
    if task.kind != kind:
        return {**line, "steps": steps, "step_seconds": _step_seconds(network, data, proxy)}
    patch: AbstractContextManager[object] = nullcontext()
    if candidate.progressive:
        patch = mock.patch.object(training, "augment", _Growing(augment, round(SMALL_STEPS * steps)))
    try:
        with patch:
            result = training.train(network, data, proxy, task.seed, device=task.device)
    except training.TrialFailed as error:
        return {**line, "failed": str(error)}
    names = ("accuracy", "loss", "curve", "images", "seconds", "cpu_seconds")
    return {**line, "steps": steps, **{name: getattr(result, name) for name in names}}


class _Growing:
    """`augment`, whose images have `SMALL_SIZE` for the first `steps` calls."""

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
    """Return the CPU seconds of a training step: of a short training on one thread, without its validation."""
    import time

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
    """Return the finished trainings. A line that was cut off by the end of a process does not count."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    finished = []
    for line in lines:
        try:
            finished.append(json.loads(line))
        except ValueError:
            continue
    return finished


def append(path: Path, line: Mapping[str, Any]) -> None:
    """Write a finished training to the end of the journal, down to the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torn = path.exists() and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8") as file:
        file.write("\n" * torn + json.dumps(line) + "\n")
        file.flush()
        os.fsync(file.fileno())


def missing(wanted: Sequence[Task], lines: Iterable[Mapping[str, Any]]) -> Iterator[Task]:
    """Yield those of the `wanted` trainings that have no line."""
    finished = {tuple(line[key] for key in ("network", "kind", "seed")) for line in lines}
    return (task for task in wanted if (task.network, task.kind, task.seed) not in finished)


def train(wanted: Sequence[Task], journal: Path, jobs: int) -> None:
    """Train what is missing in `jobs` processes of one thread each."""
    left = list(missing(wanted, read(journal)))
    print(f"{len(wanted)} trainings, {len(wanted) - len(left)} finished: {journal}", flush=True)
    if not left:
        return
    _dataset(left[0].cell, left[0].data)  # Decoded once, here; the workers map it.
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(run, task) for task in left]
        for number, future in enumerate(as_completed(futures), start=1):
            line = future.result()
            append(journal, line)
            result = line.get("failed") or line.get("accuracy") or line.get("step_seconds")
            print(f"{number} of {len(left)}: {line['kind']} seed {line['seed']}: {result}", flush=True)


def main(words: Sequence[str] | None = None) -> None:
    """Run what `words`, or the command line, ask for."""
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
    parser.add_argument("--out", type=Path, default=Path("proxy_table"))
    parser.add_argument("--report", action="store_true", help="train nothing; report what is there")
    options = parser.parse_args(words)
    chosen = options.candidates.split(",") if options.candidates else None
    if unknown := [name for name in chosen or () if name not in CANDIDATES]:
        parser.exit(2, f"There is no candidate {unknown[0]!r}; there are {', '.join(CANDIDATES)}.\n")
    journal = options.out / f"{options.cell}.jsonl"
    if not options.report:
        train(tasks(options.cell, options.data, options.device, options.only, chosen), journal, options.jobs)
    report(read(journal), options.out / f"{options.cell}.csv")


if __name__ == "__main__":
    main()
