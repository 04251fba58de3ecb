"""Arrays in a `.npz` file: `train_x`, `train_y`, and optionally `val_x`, `val_y`, `test_x`, `test_y`, `classes`."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import ClassVar, Literal
from zipfile import BadZipFile

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from search.data.arrays import in_memory
from search.data.files import existing, stamp
from search.data.source import Contents, Fraction, Images, Labels, Source
from space.refusal import UserError

Arrays = dict[str, NDArray[np.generic]]

_SPLITS = {"train": "train", "val": "validation", "test": "test"}
"""The names of the splits, by the prefixes of their keys in the file."""
_KEYS = (*(f"{prefix}_{kind}" for prefix in _SPLITS for kind in "xy"), "classes")
_IMAGES, _LABELS = ("x", "images", "image", "data", "imgs"), ("y", "labels", "label", "targets", "target")
_CLASSES = {"class", "classes", "categories", "names"}
"""The words that other tools, such as Keras and MedMNIST, use in keys for images, labels and class names."""
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
"""The exceptions of NumPy and zipfile for damaged files, among them a file that claims to be encrypted (RuntimeError)
and an array that is larger than any memory (MemoryError)."""


class Npz(Source):
    """`data=npz`: images uint8 (n, height, width, 1, 3 or 4) or (n, height, width), labels integers (n,).

    `classes` holds the names of the labels 0, 1, ...; without it they are "0", "1", ... Images that are not
    square, or of another size than the resolution, are resized as a whole.
    """

    source: Literal["npz"] = "npz"
    path: Path
    test: Fraction = 0.2
    """The fraction of the training images that becomes the test split if the file has none."""

    whole: ClassVar[bool] = True

    def state(self) -> str:
        """Return the size and the times of change of the file. Raises `UserError` if it does not exist."""
        return stamp(existing(self.path))

    def open(self) -> Contents:
        """Return the contents, with all images in memory.

        Raises `UserError` for a file, key or array that does not fit.
        """
        arrays, others = _read(existing(self.path))
        splits = {part: _pair(arrays, prefix) for prefix, part in _SPLITS.items() if f"{prefix}_x" in arrays}
        for prefix, part in _SPLITS.items():
            channels = [splits[name][0].shape[3] for name in ("train", part) if name in splits]
            if len(set(channels)) > 1:
                raise UserError(f"train_x has {channels[0]} channels, {prefix}_x has {channels[1]}.")
        classes = _classes(arrays.get("classes"), np.concatenate([labels for _, labels in splits.values()]))
        remarks = tuple(self._remarks(splits, arrays, others))
        return in_memory(classes, splits, test=self.test, seed=self.seed, remarks=remarks)

    def _remarks(
        self, splits: dict[str, tuple[Images, Labels]], arrays: Arrays, others: list[str]
    ) -> Iterator[str]:
        if "validation" in splits:
            test = "test_x" if "test" in splits else f"{self.test:.0%} of train_x"
            yield f"splits: train from train_x; select on val_x; test on {test}"
        if others:
            yield "; ".join([f"keys left out: {', '.join(others)}", *_hints(arrays, others)])


def _hints(arrays: Arrays, others: list[str]) -> Iterator[str]:
    """Yield a hint for each key in `others` that probably means one of `_KEYS`: the name under which it is read."""
    for key in _KEYS:
        name = "" if key in arrays else _meant(key, others, sure=True)
        if name:
            yield f"{name} is read if it is called {key}"


def _read(path: Path) -> tuple[Arrays, list[str]]:
    """Return the arrays of `_KEYS`, and the other keys. Nothing in the file is run: pickles are refused."""
    try:
        raw = path.open("rb")
    except OSError as error:
        raise UserError(f"Cannot read {str(path)!r} ({error.strerror}).") from None
    with raw:  # NumPy would leave the file open if it is not an archive.
        try:
            file = np.load(raw, allow_pickle=False)
        except _BROKEN:
            raise UserError(f"{str(path)!r} is not a .npz file.") from None
        if not isinstance(file, NpzFile):
            raise UserError(f"{str(path)!r} holds one array; a .npz file with train_x, train_y is needed.")
        _check_keys(path, file.files)
        arrays = {key: _array(path, file, key) for key in _KEYS if key in file.files}
        return arrays, [key for key in file.files if key not in _KEYS]


def _check_keys(path: Path, keys: list[str]) -> None:
    """Raise `UserError` if `train_x` or `train_y` is missing, or another split has only one of its two keys."""
    for prefix in _SPLITS:
        pair = (f"{prefix}_x", f"{prefix}_y")
        if prefix != "train" and not set(pair) & set(keys):
            continue
        for key in pair:
            if key not in keys:
                meant = _meant(key, [name for name in keys if name not in _KEYS])
                hint = f" Is it {meant!r}? Save it as {key!r}." if meant else ""
                raise UserError(f"{str(path)!r} has no {key!r}.{hint} It holds: {', '.join(keys)}.")


def _meant(key: str, others: list[str], *, sure: bool = False) -> str:
    """Return the key in `others` that probably holds the data of `key`; "" if there is none.

    sure: True if the key must name both the split and the kind of data, in known words.
    """
    if key == "classes":
        return next((name for name in others if _words(name) & _CLASSES), "")
    prefix, _, kind = key.partition("_")
    kinds = set(_IMAGES if kind == "x" else _LABELS)
    split = {"val", "valid", "validation"} if prefix == "val" else {prefix, f"{prefix}ing"}
    for name in others:
        words = _words(name)
        if words & kinds and (words & split or (len(words) == 1 and not sure)):
            return name
    if sure or any(_words(name) & {*_IMAGES, *_LABELS} for name in others):
        return ""  # The keys are words that we know, and none of them fits.
    return next(iter(get_close_matches(key, others, n=1, cutoff=0.5)), "")


def _words(name: str) -> set[str]:
    """Return the words of a key in lower case: {"train", "x"} for "trainX", "X_train" and "train-x"."""
    return {word.casefold() for word in re.findall("[A-Z]*[a-z]+|[A-Z]+", name)}


def _array(path: Path, file: NpzFile, key: str) -> NDArray[np.generic]:
    try:
        return np.asarray(file[key])
    except _BROKEN as error:
        what = "made of Python objects" if "allow_pickle" in str(error) else f"damaged ({error})"
        raise UserError(f"{key!r} in {str(path)!r} is {what}.") from None


def _pair(arrays: Arrays, prefix: str) -> tuple[Images, Labels]:
    """Return the images uint8 (n, height, width, channels) and labels int64 (n,) of a split.

    Raises `UserError` if they are malformed.
    """
    images, labels = arrays[f"{prefix}_x"], arrays[f"{prefix}_y"]
    if images.dtype != np.uint8:
        unit = (
            np.issubdtype(images.dtype, np.floating)
            and images.size
            and 0 <= images.min() <= images.max() <= 1
        )
        hint = " Its values are 0 to 1: multiply them by 255 and convert them to uint8." if unit else ""
        raise UserError(
            f"{prefix}_x is {images.dtype}; uint8 is needed, 0 for black and 255 for white.{hint}"
        )
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.shape[3] not in (1, 3, 4) or not all(images.shape[1:]):
        planes = images.ndim == 4 and images.shape[1] in (1, 3, 4)
        hint = " Channels come last: transpose it with (0, 2, 3, 1)." if planes else ""
        raise UserError(
            f"{prefix}_x has the shape {images.shape}; (n, height, width) or (n, height, width, channels) with "
            f"1, 3 or 4 channels is needed.{hint}"
        )
    if not np.issubdtype(labels.dtype, np.integer):
        raise UserError(f"{prefix}_y is {labels.dtype}; integers 0, 1, ... are needed, one per image.")
    if labels.size and int(labels.max()) > np.iinfo(np.int64).max:  # A cast would make the label negative.
        raise UserError(f"{prefix}_y goes up to {labels.max()}; the labels must be 0, 1, ...")
    if labels.shape == (len(images), 1):  # Keras and MedMNIST write labels in this shape.
        labels = labels[:, 0]
    if not len(images):
        raise UserError(f"{prefix}_x has no images.")
    if labels.shape != (len(images),):
        raise UserError(
            f"{prefix}_y has the shape {labels.shape} for {len(images)} images; ({len(images)},) is needed."
        )
    return images.astype(np.uint8, copy=False), labels.astype(np.int64)


def _classes(names: NDArray[np.generic] | None, labels: Labels) -> tuple[str, ...]:
    """Return the name of each label: `names`, or "0", "1", ... if it is None.

    Raises `UserError` for negative labels, for labels without a name, for invalid names, and without `names` for
    labels with gaps.
    """
    low, high = int(labels.min()), int(labels.max())
    if low < 0:
        raise UserError(f"The labels go down to {low}; labels must be 0, 1, ...")
    number = len(names) if names is not None and names.ndim else high
    if low == 1 and high == number:
        raise UserError(f"The labels go from 1 to {high}; they must begin at 0: subtract 1.")
    if names is None and high >= len(labels):
        raise UserError(
            f"The labels go up to {high}, but there are {len(labels)} images; labels must be 0, 1, ..."
        )
    if names is None:
        absent = np.setdiff1d(np.arange(high), labels)
        if len(absent):
            raise UserError(
                f"The labels go up to {high}, but no image has label {absent[0]}: number them 0, 1, ... without gaps,"
                " or add an array 'classes' with the names of all classes."
            )
        return tuple(str(label) for label in range(high + 1))
    if names.ndim != 1 or names.dtype.kind not in "US":
        raise UserError(
            f"classes is an array of {names.dtype} with the shape {names.shape}; a list of names is needed."
        )
    if high >= len(names):
        raise UserError(f"The labels go up to {high}, but there are names for {len(names)} classes only.")
    texts = tuple(
        name.decode("utf-8", "backslashreplace") if isinstance(name, bytes) else _valid(str(name))
        for name in names.tolist()
    )
    if len(set(texts)) < len(texts):
        raise UserError(f"classes names a class twice: {', '.join(texts)}.")
    return texts


def _valid(name: str) -> str:
    """Return a name without lone surrogates, which NumPy's texts can hold and files cannot."""
    return name.encode("utf-8", "backslashreplace").decode()
