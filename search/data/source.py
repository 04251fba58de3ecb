"""What a kind of data says about itself: `Source`, the user's options, and `Contents`, what they open."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from search.data.splits import held_out
from space.refusal import UserError

Fraction = Annotated[float, Field(gt=0, lt=1)]
Images = NDArray[np.uint8]
Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """The images that were asked for, or as many of them as could be decoded."""

    images: Images
    """(m, resolution, resolution, channels)."""
    kept: NDArray[np.bool_]
    """(k,): which of the k images asked for are among them."""
    corrupt: tuple[str, ...] = ()
    """The k - m others: name and reason."""
    sizes: NDArray[np.int64] | None = None
    """(m, 2): height and width before they were resized; None for images that are drawn at any size."""


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """An opened source: everything that is known before an image is decoded."""

    classes: tuple[str, ...]
    channels: int
    labels: Labels
    """(n,): the class of every image, test images included; 0 <= label < len(classes)."""
    test: NDArray[np.bool_]
    """(n,): which of them are the test split."""
    decode: Callable[[NDArray[np.int64], int], Decoded]
    """decode(indices (k,), resolution): an image is the same whatever it is asked for together with."""
    validation: NDArray[np.bool_] | None = None
    """(n,): which are to select by, if the source says so; otherwise they are held out of the others."""
    skip_corrupt: bool = False
    """Whether a data set without its corrupt images will do."""


class Source(BaseModel, ABC):
    """Where images come from. The fields of a subclass are the options `data.xxx=` of that kind of data.

    A new kind is a subclass with `open` (and `state`, if its files can change) and one line in `DATASETS`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    """The key in `DATASETS`."""
    validation: Fraction = 0.2
    """The fraction of the training images that is held out to select networks by."""
    seed: int = Field(default=0, ge=0)
    """Of the split."""
    flip: bool = True
    """Whether a mirrored image keeps its class. Not so for digits, letters, signs."""
    balance: Literal["sample", "loss"] | None = None
    """What is done about classes of different sizes. "sample": an epoch shows every class equally often; "loss":
    an image counts in inverse proportion to the size of its class. With either, the accuracy to select by is
    balanced: the mean of every class's own. None: nothing is done, and every image counts the same."""
    channels: Literal[1, 3] | None = None
    """1: grey, 3: colour; None: colour unless all images are grey. Transparency is on white."""
    cache: Path | None = None
    """The folder of the decoded images; by default `compound-nas` in $XDG_CACHE_HOME or ~/.cache."""

    @field_validator("cache", "path", mode="after", check_fields=False)
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        """Shells leave `data.path=~/images` alone, and a study may be resumed from another folder."""
        return path and path.expanduser().absolute()

    @abstractmethod
    def open(self) -> Contents:
        """The contents, without decoding. May take seconds. Raises `UserError` if they cannot be used."""

    def state(self) -> str:
        """Changes whenever the contents may have changed; asked at every `load`, so it must be fast."""
        return ""

    def streams(self, needed: int, free: int) -> bool:
        """Whether images are decoded again each time, and not cached: `needed` bytes where `free` are left."""
        return False


def carved(classes: tuple[str, ...], labels: Labels, fraction: float, seed: int) -> NDArray[np.bool_]:
    """The test split (n,) of data that has none. Raises `UserError` if a class is too small for three."""
    require(classes, labels, 3, "one each to train, to select and to test")
    return held_out(labels, fraction, seed)


def require(classes: tuple[str, ...], labels: Labels, least: int, purpose: str) -> None:
    """Raises `UserError` unless there are two classes and each has at least `least` images in `labels` (n,)."""
    if len(classes) < 2:
        raise UserError(f"Found {len(classes)} class ({', '.join(classes)}); a classifier needs at least 2.")
    counts = np.bincount(labels, minlength=len(classes)).tolist()
    smallest = min(counts)
    if smallest < least:
        has = f"{smallest} image{'s' if smallest != 1 else ''}"
        name = classes[counts.index(smallest)]
        raise UserError(f"Class {name!r} has {has}; at least {least} are needed, {purpose}.")
