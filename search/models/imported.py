"""Imported weights as a model: the names of their classes, and the crop of their images."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from search.models.model import Feeding, Model, Provenance, numbered, versions
from space.refusal import UserError

if TYPE_CHECKING:
    from space.weights import Weights

IMAGENET = 1000
"""The number of classes of ILSVRC 2012. Weights with 1000 classes are taken for ImageNet's."""
_CROP = 0.875
"""The part of the short side used on ImageNet: 224 of 256 pixels (torchvision's `ImageClassification`)."""


def model_of(weights: Weights, labels: Path | None = None, *, fresh: bool = False) -> Model:
    """Return `weights` as a model, with class names and preprocessing.

    labels: a file with one class name on each line. None: ImageNet's names for 1000 classes if torchvision is
    installed, else numbers. fresh: True if the classifier, and so the model, is untrained. Raises `UserError` for an
    unreadable file, and for one with another number of names than the weights have classes.
    """
    network = weights.architecture
    imagenet = network.classes == IMAGENET
    classes = _read(labels, network.classes) if labels else _known(network.classes)
    return Model(
        weights=weights,
        classes=classes,
        trained=not fresh,
        provenance=Provenance(
            origin=weights.origin, data="ImageNet" if imagenet else "", versions=versions(("compound-nas",))
        ),
        feeding=Feeding(resolution=network.resolution, crop=_CROP if imagenet else 1.0),
    )


def _known(classes: int) -> tuple[str, ...]:
    if classes != IMAGENET or find_spec("torchvision") is None:
        return numbered(classes)
    from torchvision.models import MobileNet_V2_Weights

    return tuple(MobileNet_V2_Weights.IMAGENET1K_V1.meta["categories"])


def _read(path: Path, classes: int) -> tuple[str, ...]:
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UserError(f"Cannot read {path}: {reason}.") from None
    names = tuple(line.strip() for line in lines if line.strip())
    if len(names) != classes:
        raise UserError(f"{path} names {len(names)} classes; these weights have {classes}.")
    return names
