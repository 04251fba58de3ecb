"""Arrays in a `.npz` file: `train_x`, `train_y`, and if there are any `test_x`, `test_y`, `classes`."""

from __future__ import annotations

import struct
import zlib
from difflib import get_close_matches
from pathlib import Path
from typing import Literal
from zipfile import BadZipFile

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from search.data.arrays import in_memory
from search.data.files import existing, stamp
from search.data.source import Contents, Fraction, Images, Labels, Source, carved
from space.refusal import UserError

Arrays = dict[str, NDArray[np.generic]]

_KEYS = ("train_x", "train_y", "test_x", "test_y", "classes")
_BROKEN = (
    OSError,
    ValueError,
    EOFError,
    BadZipFile,
    zlib.error,
    RuntimeError,
    KeyError,
    MemoryError,
    struct.error,
)
"""What NumPy and zipfile raise for a file that is not, or no longer, what it should be: also one that calls
itself encrypted (RuntimeError), or an array larger than any memory."""


class Npz(Source):
    """`data=npz`: images uint8 (n, height, width, 1, 3 or 4) or (n, height, width), labels integers (n,).

    `classes` holds the names of the labels 0, 1, ...; they are "0", "1", ... without it. Images that are not
    square, or not of the resolution asked for, are resized as a whole.
    """

    source: Literal["npz"] = "npz"
    path: Path
    test: Fraction = 0.2
    """The fraction of all images that is the test split of a file without one."""

    def state(self) -> str:
        """Size and times of the file."""
        return stamp(existing(self.path))

    def open(self) -> Contents:
        """Reads the whole file into memory. Raises `UserError` for a file, key or array that does not fit."""
        arrays = _read(existing(self.path))
        tested = "test_x" in arrays
        images, labels = _pair(arrays, "train")
        test_images, test_labels = _pair(arrays, "test") if tested else (images[:0], labels[:0])
        if images.shape[3] != test_images.shape[3]:
            raise UserError(f"train_x has {images.shape[3]} channels, test_x has {test_images.shape[3]}.")
        every = np.concatenate([labels, test_labels])
        classes = _classes(arrays.get("classes"), every)
        given = np.arange(len(every)) >= len(labels)
        test = given if tested else carved(classes, labels, self.test, self.seed)
        return in_memory(classes, images, test_images, every, test)


def _read(path: Path) -> Arrays:
    """The arrays that have a meaning here. Nothing in the file is run: no pickles."""
    try:
        raw = path.open("rb")
    except OSError as error:
        raise UserError(f"Cannot read {str(path)!r} ({error.strerror}).") from None
    with raw:  # NumPy would leave the file open if what it finds in it is no archive
        try:
            file = np.load(raw, allow_pickle=False)
        except _BROKEN:
            raise UserError(f"{str(path)!r} is not a .npz file.") from None
        if not isinstance(file, NpzFile):
            raise UserError(f"{str(path)!r} holds one array; a .npz file with train_x, train_y is needed.")
        _check_keys(path, file.files)
        return {key: _array(path, file, key) for key in _KEYS if key in file.files}


def _check_keys(path: Path, found: list[str]) -> None:
    """Raises `UserError` for a key of the training pair that is missing, or for half a test pair."""
    needed = _KEYS[:4] if {"test_x", "test_y"} & set(found) else _KEYS[:2]
    for key in needed:
        if key not in found:
            others = [name for name in found if name not in _KEYS]
            # Keras' x_train is as near to train_x as y_train is, by letters.
            turned = [name for name in others if sorted(name.split("_")) == sorted(key.split("_"))]
            close = turned or get_close_matches(key, others, n=1, cutoff=0.5)
            hint = f" Is it {close[0]!r}?" if close else ""
            raise UserError(f"{str(path)!r} has no {key!r}.{hint} It holds: {', '.join(found)}.")


def _array(path: Path, file: NpzFile, key: str) -> NDArray[np.generic]:
    try:
        return np.asarray(file[key])
    except _BROKEN as error:
        what = "made of Python objects" if "allow_pickle" in str(error) else f"damaged ({error})"
        raise UserError(f"{key!r} in {str(path)!r} is {what}.") from None


def _pair(arrays: Arrays, part: str) -> tuple[Images, Labels]:
    """The images (n, height, width, channels) and labels (n,) of "train" or "test"."""
    images, labels = arrays[f"{part}_x"], arrays[f"{part}_y"]
    if images.dtype != np.uint8:
        raise UserError(f"{part}_x is {images.dtype}; uint8 is needed, 0 for black and 255 for white.")
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.shape[3] not in (1, 3, 4) or not all(images.shape[1:]):
        planes = images.ndim == 4 and images.shape[1] in (1, 3, 4)
        hint = " Channels come last: transpose it with (0, 2, 3, 1)." if planes else ""
        raise UserError(f"{part}_x is {images.shape}; (n, height, width[, 1, 3 or 4]) is needed.{hint}")
    if not np.issubdtype(labels.dtype, np.integer):
        raise UserError(f"{part}_y is {labels.dtype}; integers 0, 1, ... are needed, one per image.")
    if labels.shape == (len(images), 1):  # as Keras has them
        labels = labels[:, 0]
    if not len(images):
        raise UserError(f"{part}_x has no images.")
    if labels.shape != (len(images),):
        raise UserError(f"{part}_y is {labels.shape} for {len(images)} images; ({len(images)},) is needed.")
    return images.astype(np.uint8, copy=False), labels.astype(np.int64)


def _classes(names: NDArray[np.generic] | None, labels: Labels) -> tuple[str, ...]:
    """The class of each label. Raises `UserError` for labels without one, and for names that are no names."""
    top = int(labels.max(initial=-1))
    if len(labels) and labels.min() < 0:
        raise UserError(f"The labels go down to {labels.min()}; they must be 0, 1, ...")
    if names is None and top >= len(labels):
        raise UserError(
            f"The labels go up to {top}, but there are {len(labels)} images; they must be 0, 1, ..."
        )
    if names is None:
        return tuple(str(label) for label in range(top + 1))
    if names.ndim != 1 or names.dtype.kind not in "US":
        raise UserError(f"classes is {names.dtype} {names.shape}; a list of names is needed.")
    if top >= len(names):
        raise UserError(f"The labels go up to {top}, but there are names for {len(names)} classes only.")
    texts = tuple(name.decode() if isinstance(name, bytes) else str(name) for name in names.tolist())
    if len(set(texts)) < len(texts):
        raise UserError(f"classes names a class twice: {', '.join(texts)}.")
    return texts
