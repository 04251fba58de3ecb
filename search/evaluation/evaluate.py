"""The evaluation of a model on labelled images: `evaluate`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.data.dataset import load, words
from search.data.source import Source
from search.evaluation.images import PARTS, LabelledImages, Part, labelled_images
from search.evaluation.metrics import Evaluation, Mistake
from search.models.classifier import Classifier, classifier_of, load_classifier, probabilities
from search.models.model import Model
from search.models.onnx_reading import ONNX, metadata_of
from search.training.networks import NetworkToTrain, network_of_metadata, network_of_model
from search.training.settings import source_of, within
from space.refusal import UserError, unknown_name

_BATCH, _PIXELS = 256, 2**22
"""The largest number of images, and of pixels in all of them together, that are computed at a time."""
_MISTAKES = 24
"""The number of mistakes whose images are kept."""


def evaluate(
    model: Model | str | os.PathLike[str],
    data: Mapping[str, Any] | str | os.PathLike[str] | None = None,
    split: Part = "test",
    *,
    device: str = "auto",
) -> Evaluation:
    """Return the quality of a trained model on labelled images.

        >>> from search import evaluate
        >>> result = evaluate("models/flowers", "photos", "all")
        >>> low, high = result.interval
        >>> low <= result.accuracy <= high
        True
        >>> result.confusion.shape
        (2, 2)

    model: a model, its folder, or an ONNX file of `search export-model`. data: settings such as {"data": "npz",
    "data.path": FILE}, or the path of a folder of class folders or of a .npz file; None: the images of the training
    of a model on disk. A `Model` object needs `data`. split: "test", "validation", "train", or "all" for the three
    together. device: "auto", "cpu" or "cuda"; ONNX files are computed on the CPU. Classes are matched by name; the
    data may lack some classes of the model. Raises `UserError` for a model that is not trained or cannot be read, an
    unknown split, missing or unusable data, data with a class that the model lacks, and, without `data`, for images
    other than those of the training.
    """
    if split not in PARTS:
        raise unknown_name("split", split, PARTS)
    if isinstance(model, Model):
        classifier = classifier_of(model, device=device)
        network = NetworkToTrain(model.architecture, "The model")
    else:
        path = Path(os.path.expanduser(model))
        classifier, network = load_classifier(path, device), _network(path)
    if not classifier.trained:
        raise UserError(f"{classifier.name} is not trained: its accuracy would be meaningless.")
    return evaluate_images(classifier, labelled_images(images_of(network, data), classifier, split))


def evaluate_images(classifier: Classifier, images: LabelledImages) -> Evaluation:
    """Return the quality of `classifier` on `images`; without `mistakes` if the true labels are unknown."""
    size = max(1, min(_BATCH, _PIXELS // classifier.fed.resolution**2))
    logits = np.concatenate([classifier.logits(batch) for batch in images.batches(size)])
    shares = probabilities(logits)
    return Evaluation(
        model=classifier.name,
        data=images.source.source,
        split=images.split,
        classes=classifier.classes,
        labels=images.labels,
        probabilities=shares.astype(np.float32),
        mistakes=_mistakes(classifier, images, shares) if images.labelled else (),
    )


def images_of(network: NetworkToTrain, data: Mapping[str, Any] | str | os.PathLike[str] | None) -> Source:
    """Return the source that `data` describes, see `evaluate`; for None or {}, the source of the network's training.

    Raises `UserError` for unknown settings, for a path that is neither a folder nor a .npz file, if no source is
    known, and if the known source has other images than those of the training.
    """
    settings = data_settings(data)
    for key in settings:
        if key.partition(".")[0] != "data":
            raise UserError(
                f"{key} is not a setting of data; use data=NAME, data.SETTING=VALUE, or a folder's or .npz's path."
            )
    source = source_of(network, settings.get("data"), within(settings, "data"))
    if not settings:
        _require_own(network, source)
    return source


def data_settings(data: Mapping[str, Any] | str | os.PathLike[str] | None) -> Mapping[str, Any]:
    """Return the settings `data`, or those that the path `data` stands for; {} for None.

    Raises `UserError` for a path that is neither a folder nor a .npz file.
    """
    if data is None or isinstance(data, Mapping):
        return data or {}
    path = Path(os.path.expanduser(data))
    if path.is_dir():
        return {"data": "folder", "data.path": str(path)}
    if path.suffix.lower() == ".npz":
        return {"data": "npz", "data.path": str(path)}
    raise UserError(
        f"{path} is neither a folder of images nor a .npz file; other data: data=NAME data.path=PATH."
    )


def _require_own(network: NetworkToTrain, source: Source) -> None:
    """Raise `UserError` if the images of `source` are known to differ from those of the training of `network`.

    Splits are drawn by the positions of images. A new image thus moves others from the training to the test split.
    """
    if network.digest and load(source, network.architecture.resolution).digest != network.digest:
        raise UserError(
            f"{network.name} was trained on other images than {shlex.join(words(source))} has now, so its test images"
            " may have been trained on; name the images to use as DATA, these or others."
        )


def _network(model: Path) -> NetworkToTrain:
    if model.suffix.lower() == ONNX:
        return network_of_metadata(metadata_of(model))
    return network_of_model(model)


def _mistakes(
    classifier: Classifier, images: LabelledImages, shares: NDArray[np.float64]
) -> tuple[Mistake, ...]:
    """Return up to `_MISTAKES` wrongly classified images, in descending order of the probability of their label.

    shares: the probabilities (n, classes) of all images.
    """
    predicted, confidence = shares.argmax(1), shares.max(1)
    wrong = np.flatnonzero(predicted != images.labels)
    chosen = wrong[np.argsort(-confidence[wrong], kind="stable")][:_MISTAKES].tolist()
    if not chosen:
        return ()
    return tuple(
        Mistake(
            image=image,
            name=name,
            true=classifier.classes[images.labels[place]],
            label=classifier.classes[predicted[place]],
            probability=float(confidence[place]),
        )
        for place, name, image in zip(chosen, images.names(chosen), images.at(chosen), strict=True)
    )
