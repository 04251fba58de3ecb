"""Small versions of published data sets in their published file formats."""

import io
import pickle
import struct
from typing import ClassVar

import numpy as np


class _Python2(pickle._Pickler):
    """A pickler that writes bytes as Python 2 wrote its texts; `pickle.dumps` writes them as calls of a codec."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def _save_text(self, value: bytes) -> None:
        self.write(pickle.BINSTRING + struct.pack("<i", len(value)) + value)
        self.memoize(value)

    dispatch[bytes] = _save_text


def python2(value: object) -> bytes:
    """Return a pickle like the files of CIFAR: of Python 2, in protocol 2, with NumPy's names of that time."""
    file = io.BytesIO()
    _Python2(file, 2).dump(value)
    return file.getvalue().replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


def cifar10(count: int = 6) -> dict[str, object]:
    """Return the files of a CIFAR-10 of `count` images a file and three classes: name -> content.

    The three planes of an image are its label, its number and the number of its file.
    """

    def batch(number: int) -> dict[bytes, object]:
        labels = [index % 3 for index in range(count)]
        planes = np.stack([labels, np.arange(count), np.full(count, number)], axis=1).astype(np.uint8)
        return {
            b"batch_label": b"training batch",
            b"labels": labels,
            b"data": planes.repeat(1024, axis=1),
            b"filenames": [b"a.png"] * count,
        }

    names = [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]
    meta = {b"num_cases_per_batch": count, b"label_names": [b"ant", b"bee", b"cat"], b"num_vis": 3072}
    return {name: batch(number) for number, name in enumerate(names)} | {"batches.meta": meta}


def cifar100(count: int = 30) -> dict[str, object]:
    """Return the files of a CIFAR-100 of four classes in two groups: name -> content."""

    def part(number: int) -> dict[bytes, object]:
        fine = [index % 4 for index in range(count)]
        data = np.repeat(np.array(fine, dtype=np.uint8)[:, None], 3072, axis=1)
        return {b"data": data, b"fine_labels": fine, b"coarse_labels": [label // 2 for label in fine]}

    names = [b"bee", b"ant", b"cat", b"dog"]
    meta = {b"fine_label_names": names, b"coarse_label_names": [b"insects", b"mammals"]}
    return {"train": part(0), "test": part(1), "meta": meta}


def idx(array: np.ndarray) -> bytes:
    """Return an IDX file of bytes."""
    return (
        struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()
    )
