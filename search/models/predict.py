"""The predictions of a model for image files: `predict`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from search.data.decoding import FORMATS, photograph, undecodable
from search.data.files import existing, printable
from search.data.layout import image_files
from search.data.source import Images
from search.models.classifier import Classifier, classifier_of, probabilities
from search.models.model import Feeding, Model
from search.tables.table import Column
from space.refusal import UserError

if TYPE_CHECKING:
    from torch import Tensor

SCHEMA, VERSION = "compound-nas.predictions", 1
"""The schema of the columns, and its version, which rises whenever the columns change."""

PREDICTIONS = (
    Column("image", "Image", description="the file", type="string"),
    Column("rank", "Rank", description="1 is the most probable class", form="d"),
    Column("label", "Label", description="the name of the class", type="string"),
    Column("probability", "Probability", description="softmax over all classes", form=".4f", better="high"),
    Column("index", "Index", description="the number of the class, from 0", form="d"),
)
_BATCH = 32
"""The number of images that are decoded and computed at a time."""


def predict(
    model: Model | Classifier,
    images: Sequence[Path],
    top: int = 5,
    skipped: Callable[[UserError], None] | None = None,
) -> list[dict[str, Any]]:
    """Return the `top` most probable classes of each image file, as rows with the columns `PREDICTIONS`.

    images: files and folders; a folder stands for all image files below it, in the order of their names. Images are
    cropped, resized and normalised as the model says. skipped: a function that is called for each file that cannot be
    decoded; such a file has no rows. None: such a file raises `UserError`. Also raises `UserError` for a model that
    is not trained, for a network whose images do not have 1 or 3 channels, for a missing path, and for a folder
    without images.
    """
    classifier = model if isinstance(model, Classifier) else classifier_of(model)
    if not classifier.trained:
        raise UserError("This network is not trained: its predictions would be meaningless.")
    files = [file for path in images for file in _files(path)]
    rows: list[dict[str, Any]] = []
    for batch in _batches(files):
        decoded = _decoded(classifier.channels, classifier.fed, batch, skipped or _refuse)
        if not decoded:
            continue
        shares = probabilities(classifier.logits(np.stack(list(decoded.values()))))
        best = np.argsort(-shares, axis=1, kind="stable")[:, :top]
        for place, own, indices in zip(decoded, shares, best, strict=True):
            rows += _rows(classifier, batch[place], own[indices].tolist(), indices.tolist())
    return rows


def accuracy_by_folders(rows: Iterable[Mapping[str, Any]], classes: Collection[str]) -> tuple[int, int]:
    """Return two numbers of images: the correctly classified ones, and all whose true class is known.

    The true class of an image is the name of its folder if that is one of `classes`; other images are left out.
    rows: the rows of `predict`, of which only the most probable class of each image counts.
    """
    first = [row for row in rows if row["rank"] == 1]
    labelled = [(Path(row["image"]).parent.name, row["label"]) for row in first]
    known = [(folder, label) for folder, label in labelled if folder in classes]
    return sum(folder == label for folder, label in known), len(known)


def inputs(model: Model, paths: Sequence[Path]) -> Tensor:
    """Return the network's input for image files: float32 (n, channels, resolution, resolution), normalised.

    Raises `UserError` for a file that cannot be decoded, and for a model without 1 or 3 image channels.
    """
    import torch

    from search.data.augment import normalise

    conventions = model.weights.conventions
    pixels = _decoded(model.architecture.channels, model.fed, paths, _refuse)
    return normalise(torch.from_numpy(np.stack(list(pixels.values()))), conventions.mean, conventions.std)


def _decoded(
    channels: int, fed: Feeding, paths: Sequence[Path], skipped: Callable[[UserError], None]
) -> dict[int, Images]:
    """Return the pixels of the decodable files by their index in `paths`, and call `skipped` for the others.

    Raises `UserError` for a number of channels other than 1 and 3.
    """
    if channels not in (1, 3):
        raise UserError(f"Image files are read with 1 or 3 channels, and this network has {channels}.")

    def attempt(path: Path) -> Images | UserError:
        try:
            return photograph(str(path), fed.resolution, channels, fed.crop)[0]
        except MemoryError:
            raise
        except Exception as error:  # Malformed bytes make Pillow's decoders raise any exception.
            return UserError(f"Cannot read {printable(str(path))} ({undecodable(error, str(path))}).")

    with ThreadPoolExecutor() as threads:  # Pillow releases Python's lock while it decodes.
        results = dict(enumerate(threads.map(attempt, paths)))
    for result in results.values():
        if isinstance(result, UserError):
            skipped(result)
    return {place: result for place, result in results.items() if not isinstance(result, UserError)}


def _refuse(unreadable: UserError) -> NoReturn:
    raise unreadable


def _rows(
    classifier: Classifier, path: Path, values: list[float], indices: list[int]
) -> Iterator[dict[str, Any]]:
    for rank, (value, index) in enumerate(zip(values, indices, strict=True), 1):
        label = classifier.classes[index]
        yield {
            "image": printable(str(path)),
            "rank": rank,
            "label": label,
            "probability": value,
            "index": index,
        }


def _batches(paths: Sequence[Path]) -> Iterator[list[Path]]:
    remaining = iter(paths)
    while batch := list(islice(remaining, _BATCH)):
        yield batch


def _files(path: Path) -> list[Path]:
    """Return the file, or all image files below a folder.

    Raises `UserError` for a missing path and for a folder without images.
    """
    if not existing(path, "IMAGE").is_dir():
        return [path]
    files = [Path(file.path) for file in image_files(path)]
    if not files:
        raise UserError(f"There is no image ({', '.join(FORMATS)}) in {path}.")
    return files
