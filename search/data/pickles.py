"""A safe reader of Python pickles, for data that were published as such: texts, numbers, lists, arrays of bytes.

A pickle is a program. It is dangerous because it can look up any function by its name and call it. This reader looks
up nothing. The few names that NumPy's arrays need are mapped to the classes below, which only store their arguments.
Any other name is refused before it is used.
"""

from __future__ import annotations

import io
import math
import pickle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from space.refusal import UserError


class _Type:
    """A substitute for `numpy.dtype` that stores its code, such as "u1"."""

    def __init__(self, code: object = "", *_: object) -> None:
        self.code = code

    def __setstate__(self, state: object) -> None:
        """Ignore the byte order and the alignment, which have no meaning for elements of one byte."""


class _Array:
    """A substitute for `numpy.ndarray`, and for the function that makes an empty array to be filled."""

    def __init__(self, *_: object) -> None:
        self.state: object = None

    def __setstate__(self, state: object) -> None:
        self.state = state

    def filled(self) -> NDArray[np.uint8]:
        """Return the array. Raises ValueError for elements other than bytes, or a wrong number of them."""
        state: Any = self.state
        _, shape, kind, fortran, content = state
        if not isinstance(kind, _Type) or _text(kind.code) != "u1":
            raise ValueError("an array of other elements than bytes")
        if isinstance(content, str):  # Python 2 wrote bytes as texts.
            content = content.encode("latin1")
        if not all(isinstance(size, int) for size in shape) or math.prod(shape) != len(content):
            raise ValueError(f"an array of {len(content):,} bytes for the shape {shape}")
        return np.frombuffer(content, dtype=np.uint8).reshape(shape, order="F" if fortran else "C")


def _encoded(text: str, encoding: str) -> bytes:
    """Encode a text. It replaces `_codecs.encode`, which Python 3 uses for bytes in pickles for Python 2."""
    if _text(encoding) != "latin1":
        raise ValueError("bytes in an unknown encoding")
    return text.encode("latin1")


_STAND_INS = {
    ("numpy", "dtype"): _Type,
    ("numpy", "ndarray"): _Array,
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("_codecs", "encode"): _encoded,
}


class _Reader(pickle.Unpickler):
    def __init__(self, content: bytes, where: str) -> None:
        super().__init__(io.BytesIO(content), encoding="latin1")
        self._where = where

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in _STAND_INS:
            raise UserError(
                f"{self._where} asks for {f'{module}.{name}'!r}. Nothing was run, since images and labels do not need"
                " that function."
            )
        return _STAND_INS[module, name]


def read(content: bytes, where: str) -> dict[str, object]:
    """Return the dictionary in a pickle, with its arrays. Raises `UserError`, naming `where`, for anything else."""
    try:
        entries = _Reader(content, where).load()
        return {
            _text(key): value.filled() if isinstance(value, _Array) else value
            for key, value in entries.items()
        }
    except UserError:
        raise
    except Exception as error:  # Malformed bytes can make the reader raise any exception.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{where} is damaged, or another kind of file ({reason.rstrip('.')}).") from None


def _text(value: object) -> str:
    return value.decode("latin1") if isinstance(value, bytes) else str(value)


def texts(values: object) -> tuple[str, ...]:
    """Return the texts of a list in a pickle; an empty tuple if it is not a list of texts."""
    if not isinstance(values, list) or not all(isinstance(value, (bytes, str)) for value in values):
        return ()
    return tuple(map(_text, values))
