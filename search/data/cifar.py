"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009), read from the author's files, which torchvision downloads too.

The files are pickles, the "python version" of https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from __future__ import annotations

import tarfile
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from search.data import pickles
from search.data.arrays import in_memory
from search.data.files import existing, stamp
from search.data.source import Contents, Images, Labels, Source
from space.refusal import UserError

_PIXELS = 32


@dataclass(frozen=True, slots=True)
class _Layout:
    """The names of the files, and the keys of the labels and of the class names in them."""

    folder: str
    archive: str
    train: tuple[str, ...]
    test: str
    meta: str
    labels: str = "labels"
    names: str = "label_names"

    @property
    def files(self) -> tuple[str, ...]:
        return *self.train, self.test, self.meta


_CIFAR10 = _Layout(
    folder="cifar-10-batches-py",
    archive="cifar-10-python.tar.gz",
    train=tuple(f"data_batch_{number}" for number in range(1, 6)),
    test="test_batch",
    meta="batches.meta",
)
_CIFAR100 = _Layout("cifar-100-python", "cifar-100-python.tar.gz", ("train",), "test", "meta")


class Cifar10(Source):
    """`data=cifar10`: 50,000 training and 10,000 test photographs of 32 px, ten classes of equal size.

    The path is the folder `cifar-10-batches-py`, the archive `cifar-10-python.tar.gz`, which need not be unpacked, or
    a folder that holds one of them.
    """

    source: Literal["cifar10"] = "cifar10"
    path: Path

    def layout(self) -> _Layout:
        """Return the file names and keys of this data set."""
        return _CIFAR10

    def state(self) -> str:
        """Return the sizes and the times of change of the files.

        Raises `UserError` if files are missing.
        """
        location, layout = _location(self.path, self.layout()), self.layout()
        return stamp(*(location / name for name in layout.files)) if location.is_dir() else stamp(location)

    def open(self) -> Contents:
        """Return the contents, with all images in memory.

        Raises `UserError` for files that are missing, damaged or of another kind.
        """
        layout = self.layout()
        location = _location(self.path, layout)
        contents = _unpacked(location, layout) if location.is_dir() else _archived(location, layout)
        entries = {name: pickles.read(content, str(location / name)) for name, content in contents.items()}
        classes = pickles.texts(entries[layout.meta].get(layout.names))
        if len(set(classes)) < max(2, len(classes)):
            raise UserError(f"{str(location / layout.meta)!r} has no {layout.names!r} of distinct classes.")
        pairs = [
            _pair(entries[name], layout.labels, len(classes), location / name)
            for name in (*layout.train, layout.test)
        ]
        images, labels = (np.concatenate(parts) for parts in zip(*pairs[:-1], strict=True))
        return in_memory(classes, {"train": (images, labels), "test": pairs[-1]})


class Cifar100(Cifar10):
    """`data=cifar100`: like CIFAR-10, with 100 classes ("fine") in 20 groups ("coarse").

    The path is the folder `cifar-100-python`, the archive `cifar-100-python.tar.gz`, or a folder that holds one of
    them.
    """

    source: Literal["cifar100"] = "cifar100"  # type: ignore[assignment]
    labels: Literal["fine", "coarse"] = "fine"
    """The kind of labels. fine: 100 classes. coarse: the 20 groups of these classes."""

    def layout(self) -> _Layout:
        """Return the file names and keys of this data set."""
        return replace(_CIFAR100, labels=f"{self.labels}_labels", names=f"{self.labels}_label_names")


def _location(path: Path, layout: _Layout) -> Path:
    """Return the folder of the files, or the archive. Raises `UserError` if it is missing or incomplete."""
    if existing(path).is_file():
        return path
    for folder in (path / layout.folder, path):
        missing = [name for name in layout.files if not (folder / name).is_file()]
        if not missing:
            return folder
        if len(missing) < len(layout.files):
            raise UserError(f"data.path: {str(folder)!r} lacks {missing[0]!r}.")
    if (path / layout.archive).is_file():
        return path / layout.archive
    raise UserError(f"data.path: there is no {layout.folder} and no {layout.archive} in {str(path)!r}.")


def _unpacked(folder: Path, layout: _Layout) -> dict[str, bytes]:
    """Return the contents of the files in a folder, by file name."""
    try:
        return {name: (folder / name).read_bytes() for name in layout.files}
    except OSError as error:
        raise UserError(f"Cannot read {error.filename!r} ({error.strerror}).") from None


def _archived(path: Path, layout: _Layout) -> dict[str, bytes]:
    """Return the contents of the files in an archive, by file name. Nothing is written to the disk."""
    contents: dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                name = Path(member.name).name
                content = archive.extractfile(member) if name in layout.files else None
                if content:
                    contents[name] = content.read()
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise UserError(f"{str(path)!r} is damaged, or is not a {layout.archive} ({error}).") from None
    for name in layout.files:
        if name not in contents:
            raise UserError(f"{str(path)!r} is not a {layout.archive}: it lacks {name!r}.")
    return contents


def _pair(entry: dict[str, object], key: str, classes: int, where: Path) -> tuple[Images, Labels]:
    """Return the images (n, 32, 32, 3) and labels (n,) of a file. Raises `UserError` if they are malformed."""
    data, labels = entry.get("data"), entry.get(key)
    if not isinstance(data, np.ndarray) or data.ndim != 2 or data.shape[1] != 3 * _PIXELS**2:
        raise UserError(f"{str(where)!r} has no images of 3 x {_PIXELS} x {_PIXELS} bytes under 'data'.")
    if not isinstance(labels, list) or len(labels) != len(data):
        raise UserError(f"{str(where)!r} has no list of {len(data):,} labels under {key!r}.")
    if not all(type(label) is int and 0 <= label < classes for label in labels):
        raise UserError(f"{str(where)!r} has labels under {key!r} that are not from 0 to {classes - 1}.")
    images = data.reshape(-1, 3, _PIXELS, _PIXELS).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), np.array(labels, dtype=np.int64)
