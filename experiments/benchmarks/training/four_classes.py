"""A folder of photographs of four classes, searches on it, and full trainings: shared by two benchmarks.

The photographs come from an .npz file with the arrays train_x, train_y, test_x, test_y and classes, such as 15,000
images of CIFAR-10. 600 training images of each class become JPEG files under train/, all other images of the class
become test images. A search sees the folder as a user's: without a validation folder, a fifth of train/ is carved.
Every finished training is a line of a journal, with the test images that it gets right.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from experiments.benchmarks.training.proxy_table import append, read
from search.stats.differences import Differences
from search.stats.hits import mean_hits
from space import Architecture, cost, decode

CLASSES = ("airplane", "automobile", "bird", "cat")
PER_CLASS = 600
QUALITY = 95
EPOCHS = 10


@dataclass(frozen=True, slots=True)
class Job:
    """A full training, `search train NETWORK recipe.epochs=10`, on the images in `data`."""

    network: str
    seed: int
    data: str


def make_folder(npz: Path, folder: Path, per_class: int = PER_CLASS) -> Path:
    """Write the photographs as JPEG files, if `folder` does not exist, and return it."""
    import numpy as np
    from PIL import Image

    if folder.exists():
        return folder
    draft = folder.with_name(f".{folder.name}-{os.getpid()}")
    with np.load(npz) as arrays:
        names = [str(name) for name in arrays["classes"]]
        for name in CLASSES:
            label = names.index(name)
            training, test = (arrays[f"{part}_x"][arrays[f"{part}_y"] == label] for part in ("train", "test"))
            parts = {"train": training[:per_class], "test": np.concatenate([training[per_class:], test])}
            for part, images in parts.items():
                (draft / part / name).mkdir(parents=True)
                for number, image in enumerate(images):
                    Image.fromarray(image).save(draft / part / name / f"{number:04}.jpg", quality=QUALITY)
    draft.rename(folder)
    return folder


def environment() -> dict[str, str]:
    """Return the environment of commands that use the code of this checkout, not of an installed package."""
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}


def search(out: Path, name: str, words: Sequence[str]) -> None:
    """Run `search launch` with these words in the folder `out`, or go on with the run, as a user would."""
    known = (out / "runs" / name / "config.yaml").exists()
    command = ["resume", name] if known else ["launch", *words, f"run={name}"]
    print(f"search {' '.join(command)}", flush=True)
    with (out / f"{name}.txt").open("a") as log:
        subprocess.run(
            [sys.executable, "-m", "search", *command], cwd=out, env=environment(), stdout=log, stderr=log
        ).check_returncode()


def draw(networks: Iterator[Architecture], count: int, permits: Any) -> list[Architecture]:
    """Return the first `count` different networks that are permitted."""
    chosen: dict[Architecture, None] = {}
    while len(chosen) < count:
        network = next(networks)
        if permits(network):
            chosen[network] = None
    return list(chosen)


def random_networks(space: Any, seed: str) -> Iterator[Architecture]:
    """Yield random networks of a space, without end."""
    rng = random.Random(seed)
    while True:
        yield space.at(space.sample(rng))


def run(job: Job) -> dict[str, Any]:
    """Carry out one training, and return its line of the journal."""
    import torch

    from search.data import load, load_test
    from search.proxy.validation import validate
    from search.training.loop import train
    from search.training.settings import task_of
    from space.weights import rebuild

    torch.set_num_threads(1)
    words = {
        "data": "folder",
        "data.path": job.data,
        "recipe.epochs": EPOCHS,
        "recipe.device": "cpu",
        "seed": job.seed,
        "threads": 1,
    }
    started = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        task, _ = task_of(job.network, words)
        model = train(task, Path(folder) / "model")
    side = task.architecture.resolution
    network, data = rebuild(model.weights), load(task.source, side)
    test = load_test(task.source, side)
    validated = validate(network, data, torch.device("cpu"))
    tested = validate(network, replace(data, validation=test), torch.device("cpu"))
    values = {f"{m.split}_{m.name}": m.value for m in model.metrics}
    full = decode(job.network)
    line = asdict(job) | {"macs": cost(full).macs, "params": cost(full).params, **values}
    del line["data"]
    return {
        **line,
        "validation_loss": validated.loss,
        "test_images": len(test),
        "hits": tested.hits,
        "cpu_seconds": round(time.process_time() - started, 1),
    }


def train_all(jobs: Iterable[Job], journal: Path, processes: int) -> list[dict[str, Any]]:
    """Carry out the trainings that have no line in the journal yet. Returns the lines of all `jobs`."""
    wanted = list(dict.fromkeys(jobs))
    finished = {(line["network"], line["seed"]) for line in read(journal)}
    left = [job for job in wanted if (job.network, job.seed) not in finished]
    if left:
        os.environ["OMP_NUM_THREADS"] = "1"
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            for number, future in enumerate(as_completed([pool.submit(run, job) for job in left]), start=1):
                line = future.result()
                append(journal, line)
                print(f"{number} of {len(left)}: {line['test_accuracy']:.4f}", flush=True)
    keys = {(job.network, job.seed) for job in wanted}
    lines = {(line["network"], line["seed"]): line for line in read(journal)}
    return [line for key, line in lines.items() if key in keys]


def compared(networks: Sequence[str], lines: Sequence[dict[str, Any]], seeds: Sequence[int]) -> Differences:
    """Return the differences of the networks' mean accuracies on the test images, paired image by image."""
    table = {(line["network"], line["seed"]): line for line in lines}
    rows = [[table[network, seed] for seed in seeds] for network in networks]
    images = rows[0][0]["test_images"]
    hits = [mean_hits([line["hits"] for line in row], images) for row in rows]
    accuracies = [[line["test_accuracy"] for line in row] for row in rows]
    known = [row for row in hits if row is not None]
    return Differences(accuracies, common_seeds=True, images=images, hits=known)
