"""Predictions of a trained model."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from search.models.classifier import Classifier, load_classifier
from search.models.model import Model
from search.models.predict import PREDICTIONS, SCHEMA, VERSION
from search.models.predict import predict as predictions
from search.tables.table import Table
from space import UserError


def predict(
    model: Model | Classifier | str | Path,
    images: str | Path | Iterable[str | Path],
    top: int = 5,
    skipped: Callable[[UserError], None] | None = None,
) -> Table:
    """Classify image files with a trained model. Returns `top` rows for each image, the likeliest class first.

    >>> from search import predict
    >>> table = predict("models/flowers", "photos/circle", top=1)
    >>> table.to_dataframe().columns.tolist()
    ['image', 'rank', 'label', 'probability', 'index']

    model: a model, its folder, or an ONNX file. images: files and folders; a folder stands for all images below it.
    skipped: a function that is called with the error of each file that cannot be read; such a file then has no rows.
    Raises `UserError` for a model that is not trained, a missing path, a folder without images, and, if `skipped` is
    None, for a file that cannot be read.
    """
    loaded = load_classifier(_path(model)) if isinstance(model, str | Path) else model
    paths = [images] if isinstance(images, str | Path) else images
    rows = predictions(loaded, [_path(path) for path in paths], top, skipped)
    return Table(rows, PREDICTIONS, SCHEMA, VERSION, "Predictions")


def _path(name: str | Path) -> Path:
    return Path(os.path.expanduser(name))
