"""The interface of a kind of data: `Source`, the user's options, and `Contents`, the opened data."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from search.data.files import printable
from search.data.splits import held_out
from space.refusal import UserError

Fraction = Annotated[float, Field(gt=0, lt=1)]
Images = NDArray[np.uint8]
Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """The requested images that could be decoded."""

    images: Images
    """The images (m, resolution, resolution, channels)."""
    valid: NDArray[np.bool_]
    """A mask (k,), true for each of the k requested images that could be decoded."""
    corrupt: tuple[str, ...] = ()
    """The name of each of the k - m other images, and the reason of the failure."""
    sizes: NDArray[np.int64] | None = None
    """The height and width (m, 2) of each image before resizing; None for images that are rendered at any size."""


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """An opened source: everything that is known before images are decoded."""

    classes: tuple[str, ...]
    channels: int
    labels: Labels
    """The class (n,) of every image, test images included; 0 <= label < len(classes)."""
    test: NDArray[np.bool_]
    """A mask (n,), true for the images of the test split."""
    decode: Callable[[NDArray[np.int64], int], Decoded]
    """A function that decodes the images at `indices` (k,) to `resolution` pixels a side. An image must not depend on
    the others in the call."""
    validation: NDArray[np.bool_] | None = None
    """A mask (n,), true for the images of the validation split; None if it is still to be held out of the training
    images."""
    skip_corrupt: bool = False
    """True if corrupt images are left out. Otherwise loading fails, with an error that names the first three."""
    remarks: tuple[str, ...] = ()
    """Messages for the user about the way the data were read: the splits, and files that were left out."""
    name: Callable[[int], str] = "image {}".format
    """A function that returns the name of the image at an index: its file, relative to the data's folder, or its
    number, with the split if the source gives it."""
    describe: Callable[[int], str] = "image {}".format
    """A function that returns the name of the image at an index with the range of its stored values, for messages."""


class Source(BaseModel, ABC):
    """A kind of data. The fields of a subclass are its options `data.xxx=`.

    A new kind is a subclass with `open` (and `state`, if its files can change) and one line in `DATASETS`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    """The key in `DATASETS`."""
    validation: Fraction = 0.2
    """The fraction of the training images that is held out as the validation split, if the source has none."""
    seed: int = Field(default=0, ge=0)
    """The seed of the random choice of images for the splits, and of their order."""
    flip: bool = True
    """True to mirror training images at random. Images of digits, letters and signs do not keep their class then."""
    balance: Literal["sample", "loss"] | None = None
    """The treatment of classes of different sizes. "sample": an epoch shows all classes equally often. "loss": the
    weight of an image is inversely proportional to the size of its class. With either, networks are selected by
    balanced accuracy, the mean of the classes' accuracies. None: all images have the same weight."""
    channels: Literal[1, 3] | None = None
    """The number of channels, 1 for grey and 3 for colour; None: 1 if all images are stored as grey, else 3.
    Transparency is put on white."""
    cache: Path | None = None
    """The folder of the decoded images; by default `compound-nas` in $XDG_CACHE_HOME or ~/.cache."""

    whole: ClassVar[bool] = False
    """True if images that are not square are squeezed to a square as a whole; False if their centre is cut out."""

    @field_validator("cache", "path", mode="after", check_fields=False)
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        """Expand `~`, which shells leave in `data.path=~/images`, and make the path absolute.

        Raises ValueError for a path that is not UTF-8.
        """
        if path and printable(str(path)) != str(path):
            raise ValueError(f"the bytes of {printable(str(path))} are not UTF-8; rename it, or link to it")
        return path and Path(os.path.expanduser(path)).absolute()

    @abstractmethod
    def open(self) -> Contents:
        """Return the contents without decoding images. It may take seconds. Raises `UserError` for unusable data."""

    def state(self) -> str:
        """Return a text that changes whenever the contents may have changed.

        Every `load` calls this method, so it must be fast.
        """
        return ""

    def streams(self, needed: int, free: int) -> bool:
        """Return True if images shall be decoded at every use instead of being cached.

        needed: the bytes that the cache would take. free: the free bytes on its disk.
        """
        return False


def split_masks(
    classes: tuple[str, ...], labels: Labels, parts: NDArray[np.str_], test: float, seed: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_] | None]:
    """Return masks (n,) of the test and validation splits; the second is None if the source has no validation split.

    parts: the split (n,) that the source gives each image: train, validation or test. test: the fraction of the
    training images that becomes the test split if the source gives none. In that case, raises `UserError` if a class
    has too few training images for the splits that are made of them.
    """
    validation = parts == "validation" if "validation" in parts else None
    if "test" in parts:
        return parts == "test", validation
    train = np.flatnonzero(parts == "train")
    minimum, purpose = (
        (3, "one each to train, to select and to test")
        if validation is None
        else (2, "one each to train and to test")
    )
    require(classes, labels[train], minimum, purpose)
    mask = np.zeros(len(labels), dtype=bool)
    mask[train] = held_out(labels[train], test, seed)
    return mask, validation


class TooFewImages(UserError):
    """The error for too few classes, or too few images of a class, to train and to select."""


def require(classes: tuple[str, ...], labels: Labels, minimum: int, purpose: str) -> None:
    """Raise `TooFewImages` unless there are at least 2 classes, each with `minimum` or more images in `labels` (n,).

    purpose: the use of these images, for the message.
    """
    if len(classes) < 2:
        raise TooFewImages(
            f"Found {len(classes)} class ({', '.join(classes)}); a classifier needs at least 2."
        )
    counts = np.bincount(labels, minlength=len(classes)).tolist()
    smallest = min(counts)
    if smallest < minimum:
        has = f"{smallest} image{'s' if smallest != 1 else ''}"
        name = classes[counts.index(smallest)]
        raise TooFewImages(f"Class {name!r} has {has}; at least {minimum} are needed, {purpose}.")
