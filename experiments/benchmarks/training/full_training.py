"""A journal of full trainings with `search train`, and the differences between the accuracies of their networks.

Every finished training is a line of a journal, with the images that it gets right. Trainings that have a line are not
repeated, so a script that uses a journal can be stopped and started again.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

from experiments.benchmarks.training.proxy_table import append, read
from search.stats.differences import Differences
from search.stats.hits import networks_hits
from space import cost, decode

EPOCHS = 10
Split = Literal["validation", "test"]


@dataclass(frozen=True, slots=True)
class Job:
    """A full training, `search train NETWORK recipe.epochs=10`, on the images in `data`.

    data: a folder of images, or an .npz file. rate: the factor of the recipe's learning rate. split: the images for
    which it is recorded whether they are classified correctly ("hits"); only "test" reads the test images. more:
    further settings of the training.
    """

    network: str
    seed: int
    data: str
    rate: float = 1.0
    split: Split = "test"
    more: tuple[tuple[str, Any], ...] = ()

    @property
    def key(self) -> tuple[object, ...]:
        """The identity of the training within a journal, in which all trainings have the same data."""
        return self.network, self.seed, self.rate, self.split, self.more


def run(job: Job) -> dict[str, Any]:
    """Carry out one training, and return its line for the journal."""
    import torch

    from search.data import load, load_test
    from search.proxy.validation import validate
    from search.training.loop import train
    from search.training.settings import task_of
    from space.weights import rebuild
    from space.weights.files import weights_digest

    torch.set_num_threads(1)
    words = {
        "data": "npz" if job.data.endswith(".npz") else "folder",
        "data.path": job.data,
        "recipe.epochs": EPOCHS,
        "recipe.device": "cpu",
        "seed": job.seed,
        "threads": 1,
        **dict(job.more),
    }
    started = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        task, _ = task_of(job.network, words)
        recipe = task.recipe.model_copy(update={"learning_rate": task.recipe.learning_rate * job.rate})
        task = replace(task, recipe=recipe, test=job.split == "test")
        model = train(task, Path(folder) / "model")
    side = task.architecture.resolution
    network, data = rebuild(model.weights), load(task.source, side)
    validated = read_split = validate(network, data, torch.device("cpu"))
    images = len(data.validation)
    if job.split == "test":
        test = load_test(task.source, side)
        read_split, images = validate(network, replace(data, validation=test), torch.device("cpu")), len(test)
    full = decode(job.network)
    line = asdict(job) | {"macs": cost(full).macs, "params": cost(full).params}
    del line["data"]
    return {
        **line,
        **{f"{metric.split}_{metric.name}": metric.value for metric in model.metrics},
        "validation_loss": validated.loss,
        f"{job.split}_images": images,
        "hits": read_split.hits,
        "digest": weights_digest(model.weights),
        "cpu_seconds": round(time.process_time() - started, 1),
    }


def train_all(jobs: Iterable[Job], journal: Path, processes: int) -> list[dict[str, Any]]:
    """Carry out the trainings that have no line in the journal yet. Returns the lines of `jobs` in order.

    Equal jobs have one line.
    """
    wanted = {job.key: job for job in jobs}
    known = {key_of(line): line for line in read(journal)}
    left = [job for key, job in wanted.items() if key not in known]
    if left:
        os.environ["OMP_NUM_THREADS"] = "1"
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            for number, future in enumerate(as_completed([pool.submit(run, job) for job in left]), start=1):
                line = future.result()
                known[key_of(line)] = line
                append(journal, line)
                print(f"{number} of {len(left)}: {line[line['split'] + '_accuracy']:.4f}", flush=True)
    return [known[key] for key in wanted]


def key_of(line: dict[str, Any]) -> tuple[object, ...]:
    """Return the `Job.key` of a journal's line. Fields that lines of earlier versions lack have their defaults."""
    more = tuple((name, value) for name, value in line.get("more", ()))
    return line["network"], line["seed"], line.get("rate", 1.0), line.get("split", "test"), more


def compared(lines: Sequence[dict[str, Any]], seeds: int, split: Split = "test") -> Differences:
    """Return the differences of the networks' mean accuracies on a split, paired image by image.

    If a training has no hits, as with more than `search.stats.hits.MAX_IMAGES` images, each network counts as if it
    had images of its own.

    lines: `seeds` lines for the first network, then as many for the next, each with the same seeds in the same order.
    """
    rows = [lines[start : start + seeds] for start in range(0, len(lines), seeds)]
    images = lines[0][f"{split}_images"]
    hits = networks_hits([[line["hits"] for line in row] for row in rows], images)
    accuracies = [[line[f"{split}_accuracy"] for line in row] for row in rows]
    return Differences(accuracies, common_seeds=True, images=images, hits=hits)
