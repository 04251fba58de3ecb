"""MNIST (LeCun et al. 1998) and Fashion-MNIST (Xiao et al. 2017): grey images of 28 px in IDX files.

The four files, gzipped or not, lie where torchvision puts them below its root folder, or all in one folder, as in
Debian's package `dataset-fashion-mnist`.
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from search.data.arrays import in_memory
from search.data.files import existing, stamp
from search.data.source import Contents, Images, Labels, Source
from space.refusal import UserError

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
"""The folder of Debian's package `dataset-fashion-mnist`."""
_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_UINT8 = 8
"""The code of the element type "unsigned byte", which is the third byte of an IDX file."""
_MAX_BYTES = 2**31
"""The largest number of bytes that are read. A header that announces more is considered damaged."""


class Mnist(Source):
    """`data=mnist`: 60,000 training and 10,000 test images of handwritten digits.

    The path is the folder of the four files, or torchvision's root folder.
    """

    source: Literal["mnist"] = "mnist"
    path: Path
    flip: bool = False
    """The default is no mirroring, since a mirrored 2 is not a valid 2."""

    whole: ClassVar[bool] = True
    folder: ClassVar[str] = "MNIST"
    """The name of this data set's folder below torchvision's root folder."""
    classes: ClassVar[tuple[str, ...]] = tuple("0123456789")

    def state(self) -> str:
        """Return the sizes and the times of change of the files. Raises `UserError` if one is missing."""
        return stamp(*self._paths())

    def open(self) -> Contents:
        """Return the contents, with all images in memory.

        Raises `UserError` for files that are missing, damaged or of another kind.
        """
        paths = self._paths()
        return in_memory(self.classes, {"train": self._pair(*paths[:2]), "test": self._pair(*paths[2:])})

    def _pair(self, images_path: Path, labels_path: Path) -> tuple[Images, Labels]:
        images, labels = _numbers(images_path, 3), _numbers(labels_path, 1)
        if len(images) != len(labels):
            raise UserError(f"{str(labels_path)!r} has {len(labels):,} labels for {len(images):,} images.")
        if labels.max(initial=0) >= len(self.classes):
            raise UserError(
                f"{str(labels_path)!r} has label {labels.max()}; labels must be below {len(self.classes)}."
            )
        return images[..., None], labels.astype(np.int64)

    def _paths(self) -> list[Path]:
        """Return the four files. Raises `UserError` if one is missing."""
        root = existing(self.path)
        if not root.is_dir():
            raise UserError(
                f"data.path: {str(root)!r} is a file; the folder that holds {_FILES[0]} is needed."
            )
        for folder in (root / self.folder / "raw", root / "raw", root):
            paths = [_plain_or_gzipped(folder / name) for name in _FILES]
            if all(paths):
                return [path for path in paths if path]
            if any(paths):
                raise UserError(
                    f"data.path: {str(folder)!r} lacks {_FILES[paths.index(None)]!r}, plain or as .gz."
                )
        raise UserError(f"data.path: there is no {_FILES[0]}[.gz] in {str(root)!r} or its {self.folder}/raw.")


class FashionMnist(Mnist):
    """`data=fashion_mnist`: 60,000 training and 10,000 test images of garments, ten classes.

    The default path is the folder of Debian's package `dataset-fashion-mnist`.
    """

    source: Literal["fashion_mnist"] = "fashion_mnist"  # type: ignore[assignment]
    path: Path = DEBIAN
    flip: bool = True
    """The default is mirroring, since a mirrored garment keeps its class."""

    folder: ClassVar[str] = "FashionMNIST"
    classes: ClassVar[tuple[str, ...]] = (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    )

    def _paths(self) -> list[Path]:
        if self.path == DEBIAN and not DEBIAN.exists():
            raise UserError(
                f"There is no {str(DEBIAN)!r}: apt install dataset-fashion-mnist, or give data.path=FOLDER."
            )
        return super()._paths()


def _plain_or_gzipped(path: Path) -> Path | None:
    """Return the file or its gzipped form; None if there is neither."""
    return next((p for p in (path, path.with_name(path.name + ".gz")) if p.is_file()), None)


def _numbers(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Return the bytes of an IDX file as an array. Raises `UserError` for a damaged file or one of another kind."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            head = np.frombuffer(file.read(4 * (1 + dimensions)), dtype=np.uint8)
            if len(head) < 4 * (1 + dimensions) or head[:4].tolist() != [0, 0, _UINT8, dimensions]:
                raise UserError(f"{str(path)!r} is not an IDX file of bytes in {dimensions} dimensions.")
            shape = head[4:].view(">u4").tolist()
            content = file.read(math.prod(shape) + 1) if math.prod(shape) < _MAX_BYTES else b""
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{str(path)!r} is damaged ({error}).") from None
    if len(content) != math.prod(shape):
        raise UserError(
            f"{str(path)!r} is damaged: it does not hold the {math.prod(shape):,} bytes that its header announces."
        )
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)
