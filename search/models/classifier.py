"""A classifier of images, whatever file it comes from: the folder of a model or an ONNX file.

classifier = load_classifier(Path("flowers"))
logits = classifier.logits(images)              # uint8 (n, resolution, resolution, channels)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.data.source import Images
from search.models.model import Feeding, Model, load_model
from search.models.onnx_reading import ONNX, images_scaled, read_metadata, session_of
from search.models.onnx_session import out_of_memory
from search.tables.units import plural
from space.refusal import UserError

Logits = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """A network with its labels and preprocessing.

    classes: the class names in the order of the logits. channels: the number of channels of images. fed: the
    preprocessing of image files. trained: True if the weights are trained. logits: a function that normalises uint8
    images (n, resolution, resolution, channels) and returns their logits (n, classes).
    """

    name: str
    classes: tuple[str, ...]
    channels: int
    fed: Feeding
    trained: bool
    logits: Callable[[Images], Logits]


def load_classifier(path: Path, device: str = "cpu") -> Classifier:
    """Return the classifier in a model's folder or an ONNX file.

    device: the device on which torch computes: "cpu", "cuda" or "auto". ONNX files are computed on the CPU. Raises
    `UserError` for a path that holds no classifier, for a device that the machine lacks, and if an ONNX file needs
    onnxruntime, which is missing.
    """
    if path.suffix.lower() == ONNX:
        return onnx_classifier(path.stem, path)
    return classifier_of(load_model(path), path.resolve().name, device)


def classifier_of(model: Model, name: str = "model", device: str = "cpu") -> Classifier:
    """Return `model` as a classifier that torch computes on `device`. Raises `UserError` for a missing device."""
    import torch

    from search.data.augment import normalise
    from search.proxy.device import choose_device
    from space.weights import rebuild

    place = choose_device(device)
    conventions = model.weights.conventions
    network = rebuild(model.weights).eval().to(place)

    def logits(images: Images) -> Logits:
        with torch.inference_mode():
            batch = normalise(torch.tensor(images, device=place), conventions.mean, conventions.std)
            result: Logits = network(batch).numpy(force=True)
            return result

    network_channels = model.architecture.channels
    return Classifier(name, model.classes, network_channels, model.fed, model.trained, logits)


def onnx_classifier(name: str, file: Path | bytes) -> Classifier:
    """Return the ONNX model in `file`, a path or the content, as a classifier that onnxruntime computes.

    Its function `logits` raises `UserError` if the given images do not fit into memory together.

    Raises `UserError` where onnxruntime is missing, for a path without an ONNX model, and for a model that lacks the
    metadata that `search export-model` writes. For content that is not an ONNX model, onnxruntime's error is raised.
    """
    session = session_of(file)
    facts = read_metadata(session, name if isinstance(file, bytes) else str(file))

    def logits(images: Images) -> Logits:
        batch = images_scaled(images, facts.mean, facts.std)
        try:
            result: Logits = session.run(["logits"], {"images": batch})[0]
        except Exception as error:
            if not out_of_memory(error):
                raise
            raise UserError(
                f"{name} has too little memory for {plural(len(images), 'image')} at a time."
            ) from None
        return result

    return Classifier(name, facts.classes, len(facts.mean), facts.feeding, facts.trained, logits)


def probabilities(logits: Logits) -> NDArray[np.float64]:
    """Return the softmax (n, classes) of logits (n, classes): each row adds up to 1."""
    powers = np.exp(logits.astype(np.float64) - logits.max(1, keepdims=True))
    result: NDArray[np.float64] = powers / powers.sum(1, keepdims=True)
    return result
