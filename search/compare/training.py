"""One training of a comparison, on this machine or on another one.

On this machine a worker writes into the folder of the training. A worker on another machine shares no folder with
this one. It works in a folder of its own, and the files travel as bytes, with the job and with its result. It returns
its files after some minutes, so that little is lost when a machine or the comparison ends early. The training then
continues from these files, on any machine.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from search.compare.evaluation import Split, evaluate_model
from search.files import write_file
from search.models.model import is_model, load_model, model_files
from search.training.task import DOCUMENT as TASK
from search.training.task import Task

if TYPE_CHECKING:
    from search.training.progress import Callback

TURN = 600.0
"""The seconds after which a training on another machine returns with its next checkpoint."""
_WEIGHTS = "weights"
"""The name of the folder of the initial weights, beside the folder of the training, on another machine."""
Files = Mapping[str, bytes]
"""A mapping of the names of a folder's files to their contents, in the order in which they were written."""


@dataclass(frozen=True, slots=True)
class Training:
    """One training of a contender with its evaluation, as it is sent to a worker.

    number: the number of the job. folder: the folder of the training. split: the images that the model is evaluated
    on. device: the worker's GPU; "" leaves the device to the recipe. files: the content of the folder, for a worker
    on another machine; None for a worker that can open the folder. weights: the files of the model that the training
    starts from, for a worker on another machine. With None, the worker reads the model's folder or starts from
    random weights.
    """

    number: int
    task: Task
    folder: Path
    device: str = ""
    split: Split = "test"
    files: Files | None = None
    weights: Files | None = None


@dataclass(frozen=True, slots=True)
class Returned:
    """The result of a job.

    accuracy: the accuracy of the model, 0 to 1; None if the training is not finished. files: a mapping of names to
    contents of the files that were written on another machine; None for a file that was deleted there.
    """

    accuracy: float | None
    files: Mapping[str, bytes | None]


def trained(job: Training, report: Callable[[int, float], None]) -> Returned:
    """Train and evaluate in a worker: to the end on this machine, for one turn (see `TURN`) on another one.

    Returns the accuracy and, from another machine, the files.
    """
    from search.proxy.device import current

    with current(job.device):
        if job.files is None:
            return Returned(_accuracy(job, job.task, job.folder), {})
        return _elsewhere(job, job.files)


def packed(job: Training) -> Training:
    """Return the job with the files that a worker on another machine needs.

    The files of initial weights are left out if the training is finished.
    """
    files, path = _content(job.folder), job.task.weights
    if path is None or is_model(job.folder):
        return replace(job, files=files)
    model = load_model(path)
    named = replace(model.weights, origin=model.weights.origin or str(path))
    return replace(job, files=files, weights=model_files(replace(model, weights=named)))


def unpack(job: Training, returned: Returned) -> None:
    """Write the files that came back from another machine into the folder of the training."""
    if returned.files and not (job.folder / TASK).exists():
        write_file(job.folder / TASK, yaml.safe_dump(job.task.document(), sort_keys=False))
    for name, content in returned.files.items():
        if content is None:
            (job.folder / name).unlink(missing_ok=True)
        else:
            write_file(job.folder / name, content)


def _accuracy(job: Training, task: Task, folder: Path, callback: Callback | None = None) -> float:
    from search.training.loop import train

    if not is_model(folder):
        train(task, folder, callback)
    return evaluate_model(task, folder, job.split, job.device).accuracy


def _elsewhere(job: Training, sent: Files) -> Returned:
    """Train for one turn (see `TURN`) in a temporary folder. Return the accuracy and the files that have changed."""
    with tempfile.TemporaryDirectory(prefix="compound-nas-") as place:
        folder, task = Path(place) / "training", job.task
        _write(folder, sent)
        if job.weights is not None:
            task = replace(task, weights=Path(place) / _WEIGHTS)
            _write(Path(place) / _WEIGHTS, job.weights)
        accuracy = _turn(job, task, folder)
        now = _content(folder)
        written = {name: content for name, content in now.items() if sent.get(name) != content}
        return Returned(accuracy, {**written, **{name: None for name in sent if name not in now}})


def _turn(job: Training, task: Task, folder: Path) -> float | None:
    """Train in `folder` for one turn. Return the accuracy of the finished model on the split of `job`, 0 to 1.

    Return None if the turn ended before the training did.
    """
    from search.training.progress import Paused, Turn

    try:
        return _accuracy(job, task, folder, Turn(folder, TURN))
    except Paused:
        return None


def _write(folder: Path, files: Files) -> None:
    for name, content in files.items():
        write_file(folder / name, content)


def _content(folder: Path) -> Files:
    """Return the files of a folder, without the task's document, whose paths are valid on one machine only.

    JSON documents come last, since a model or a checkpoint is complete once its document exists.
    """
    paths = [path for path in folder.glob("[!.]*") if path.is_file() and path.name != TASK]
    paths.sort(key=lambda path: (path.suffix == ".json", path.stat().st_mtime_ns))
    return {path.name: path.read_bytes() for path in paths}
