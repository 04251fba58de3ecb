"""What a model sees in images: `predict`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from search.data.files import existing, photograph, undecodable
from search.model_file import Model
from search.tables import Column
from space.refusal import Refused

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


def predict(model: Model, images: Sequence[Path], top: int = 5) -> list[dict[str, Any]]:
    """The `top` likeliest classes of each image file, as rows with the columns `PREDICTIONS`, likeliest first.

    Each image is cut and resized by `model.fed` and normalised by the conventions of the weights. Raises `Refused`
    for a model that is not trained, and for the first file that is missing or cannot be decoded.
    """
    import torch

    from space.weights import rebuild

    if not model.trained:
        raise Refused("This network is not trained: its answers would mean nothing.")
    for path in images:
        _require_file(path)
    network = rebuild(model.weights).eval()
    rows: list[dict[str, Any]] = []
    with torch.inference_mode():
        for paths in _batches(images):
            shares = network(inputs(model, paths)).softmax(1)
            found = shares.topk(min(top, len(model.classes)), dim=1)
            for path, values, indices in zip(
                paths, found.values.tolist(), found.indices.tolist(), strict=True
            ):
                rows += _rows(model, path, values, indices)
    return rows


def inputs(model: Model, paths: Sequence[Path]) -> Tensor:
    """What the network is fed for these image files: float32 (n, channels, resolution, resolution), normalised.

    Raises `Refused` for a file that cannot be decoded.
    """
    import torch

    from search.data.augment import normalise

    channels, fed = model.architecture.channels, model.fed
    if channels not in (1, 3):
        raise Refused(f"Image files have 1 or 3 channels here, and this network reads {channels}.")

    def decoded(path: Path) -> np.ndarray[Any, Any]:
        try:
            return photograph(str(path), fed.resolution, channels, fed.crop)[0]
        except MemoryError:
            raise
        except Exception as error:  # Pillow's decoders raise whatever malformed bytes make them raise
            raise Refused(f"Cannot read {path} ({undecodable(error)}).") from None

    with ThreadPoolExecutor() as threads:  # Pillow lets go of Python's lock while it works
        pixels = np.stack(list(threads.map(decoded, paths)))
    told = model.weights.conventions
    return normalise(torch.from_numpy(pixels), told.mean, told.std)


def _rows(model: Model, path: Path, values: list[float], indices: list[int]) -> Iterator[dict[str, Any]]:
    for rank, (value, index) in enumerate(zip(values, indices, strict=True), 1):
        label = model.classes[index]
        yield {"image": str(path), "rank": rank, "label": label, "probability": value, "index": index}


def _batches(paths: Sequence[Path]) -> Iterator[list[Path]]:
    left = iter(paths)
    while batch := list(islice(left, _BATCH)):
        yield batch


def _require_file(path: Path) -> None:
    """Raises `Refused` for a folder, and for what is not there, naming the nearest."""
    if existing(path, "IMAGE").is_dir():
        raise Refused(f"{path} is a folder; name its images: {path}/*.jpg")
