"""The accuracy of a trained model on a split, image by image, as a file beside the model."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from search.files import write_file
from search.training.task import Task
from space.refusal import UserError

Split = Literal["validation", "test"]
LOOKS = "test_looks.json"
"""The file in the folder of a comparison that records each evaluation on the test split."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result of a model on a split.

    accuracy: 0 to 1. loss: the mean cross-entropy. images: the number of images. hits: the images that are classified
    correctly, in the format of `search.stats.hits`; "" where they are not recorded. effective: the effective number
    of images (`search.data.Dataset.effective_images`); None in files of earlier versions.
    """

    accuracy: float
    loss: float
    images: int
    hits: str
    effective: float | None = None


def evaluation_file(folder: Path, split: Split) -> Path:
    """Return the file of the evaluation of the model in `folder` on `split`."""
    return folder / f"{split}.json"


def read_evaluation(folder: Path, split: Split) -> Evaluation:
    """Return the evaluation of the model in `folder` on `split`.

    Raises `UserError` if there is none or it is damaged.
    """
    path = evaluation_file(folder, split)
    try:
        return Evaluation(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"Cannot read the evaluation {path}: {error}.") from None


def evaluate_model(task: Task, folder: Path, split: Split, device: str = "") -> Evaluation:
    """Return the evaluation of the model in `folder` on `split`.

    The first call writes the evaluation into a file beside the model, and later calls read that file. task: the
    training of the model. device: the worker's GPU; "" leaves the device to the recipe. Raises `UserError` if the
    file is damaged.
    """
    if evaluation_file(folder, split).exists():
        return read_evaluation(folder, split)
    from search.data import load, load_test
    from search.models.model import load_model
    from search.proxy.device import choose_device
    from search.proxy.validation import validate
    from space.weights import rebuild

    model = load_model(folder)
    place = choose_device(device or task.recipe.device)
    conventions, resolution = model.weights.conventions, task.architecture.resolution
    data = replace(load(task.source, resolution), mean=conventions.mean, std=conventions.std)
    if split == "test":
        data = replace(data, validation=load_test(task.source, resolution))
    result = validate(rebuild(model.weights).to(place), data, place)
    images, effective = len(data.validation), data.effective_images()
    evaluation = Evaluation(result.accuracy, result.loss, images, result.hits, effective)
    write_file(evaluation_file(folder, split), json.dumps(asdict(evaluation)) + "\n")
    return evaluation


def record_look(out: Path, models: Sequence[Path]) -> None:
    """Record that `models` are about to be evaluated on the test split, with the date.

    The records tell readers how often the test split was looked at. Nothing is added if the latest record has the
    same models, since the evaluation is then repeated or continued. out: the folder of the comparison, whose file
    `LOOKS` has the records. models: the folders of the models, which are recorded by their names.
    """
    looks, names = read_looks(out), sorted(path.name for path in models)
    if not looks or looks[-1]["models"] != names:
        looks.append({"date": time.strftime("%Y-%m-%d"), "models": names})
        write_file(out / LOOKS, json.dumps(looks, indent=1) + "\n")


def read_looks(out: Path) -> list[dict[str, object]]:
    """Return the records of the evaluations on the test split in the folder of a comparison; [] if there are none."""
    path = out / LOOKS
    looks: list[dict[str, object]] = json.loads(path.read_text("utf-8")) if path.exists() else []
    return looks
