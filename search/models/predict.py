"""What a model sees in images: `predict`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from search.data.files import FORMATS, existing, photograph, undecodable
from search.data.folder import image_files
from search.data.source import Images
from search.models.model import Model
from search.tables.table import Column
from space.refusal import UserError

if TYPE_CHECKING:
    from torch import Tensor

SCHEMA, VERSION = "compound-nas.predictions", 1
"""What programs know the columns by; the version rises with every change of them."""

PREDICTIONS = (
    Column("image", "Image", description="the file", type="string"),
    Column("rank", "Rank", description="1 is the likeliest", form="d"),
    Column("label", "Label", description="the name of the class", type="string"),
    Column(
        "probability", "Probability", description="by softmax over all classes", form=".4f", better="high"
    ),
    Column("index", "Index", description="of the class, from 0", form="d"),
)
_BATCH = 32
"""Images that are decoded and computed at a time."""


def predict(
    model: Model, images: Sequence[Path], top: int = 5, skipped: Callable[[UserError], None] | None = None
) -> list[dict[str, Any]]:
    """The `top` likeliest classes of each image file, as rows with the columns `PREDICTIONS`, likeliest first.

    images: files, and folders for all image files below them, in the order of their names. Each is cut and resized by
    `model.fed` and normalised by the conventions of the weights. skipped: is told of every file that cannot be
    decoded, which has no rows then. Raises `UserError` for a model that is not trained, for what is not there, for a
    folder without images, and if nobody is told, for the first file that cannot be decoded.
    """
    import torch

    from space.weights import rebuild

    if not model.trained:
        raise UserError("This network is not trained: its answers would mean nothing.")
    found = [file for path in images for file in _files(path)]
    network = rebuild(model.weights).eval()
    rows: list[dict[str, Any]] = []
    with torch.inference_mode():
        for batch in _batches(found):
            decoded = _decoded(model, batch, skipped or _refuse)
            if not decoded:
                continue
            shares = network(_normalised(model, decoded.values())).softmax(1)
            best = shares.topk(min(top, len(model.classes)), dim=1)
            for place, values, indices in zip(
                decoded, best.values.tolist(), best.indices.tolist(), strict=True
            ):
                rows += _rows(model, batch[place], values, indices)
    return rows


def inputs(model: Model, paths: Sequence[Path]) -> Tensor:
    """What the network is fed for these image files: float32 (n, channels, resolution, resolution), normalised.

    Raises `UserError` for a file that cannot be decoded.
    """
    return _normalised(model, _decoded(model, paths, _refuse).values())


def _decoded(model: Model, paths: Sequence[Path], skipped: Callable[[UserError], None]) -> dict[int, Images]:
    """The pixels of those files that can be decoded, by their places in `paths`; `skipped` is told of the others."""
    channels, fed = model.architecture.channels, model.fed
    if channels not in (1, 3):
        raise UserError(f"Image files have 1 or 3 channels here, and this network reads {channels}.")

    def attempt(path: Path) -> Images | UserError:
        try:
            return photograph(str(path), fed.resolution, channels, fed.crop)[0]
        except MemoryError:
            raise
        except Exception as error:  # Pillow's decoders raise whatever malformed bytes make them raise
            return UserError(f"Cannot read {path} ({undecodable(error)}).")

    with ThreadPoolExecutor() as threads:  # Pillow lets go of Python's lock while it works
        results = dict(enumerate(threads.map(attempt, paths)))
    for result in results.values():
        if isinstance(result, UserError):
            skipped(result)
    return {place: result for place, result in results.items() if not isinstance(result, UserError)}


def _normalised(model: Model, images: Iterable[Images]) -> Tensor:
    import torch

    from search.data.augment import normalise

    told = model.weights.conventions
    return normalise(torch.from_numpy(np.stack(list(images))), told.mean, told.std)


def _refuse(unreadable: UserError) -> NoReturn:
    raise unreadable


def _rows(model: Model, path: Path, values: list[float], indices: list[int]) -> Iterator[dict[str, Any]]:
    for rank, (value, index) in enumerate(zip(values, indices, strict=True), 1):
        label = model.classes[index]
        yield {"image": str(path), "rank": rank, "label": label, "probability": value, "index": index}


def _batches(paths: Sequence[Path]) -> Iterator[list[Path]]:
    left = iter(paths)
    while batch := list(islice(left, _BATCH)):
        yield batch


def _files(path: Path) -> list[Path]:
    """The file, or all image files below a folder. Raises `UserError` for what is not there, naming the nearest."""
    if not existing(path, "IMAGE").is_dir():
        return [path]
    found = [Path(file.path) for file in image_files(path)]
    if not found:
        raise UserError(f"There is no image ({', '.join(FORMATS)}) in {path}.")
    return found
