"""Python pickles as data, for files that were published as such: texts, numbers, lists, arrays of bytes.

A pickle is a program, and what makes it dangerous is that it can look up any function by its name and call it.
This reader looks up nothing. The few names that NumPy's arrays need stand for the classes below, which keep what
they are given; any other name is refused before anything can be done with it.
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
    """Stands for `numpy.dtype`: keeps its code, such as "u1"."""

    def __init__(self, code: object = "", *_: object) -> None:
        self.code = code

    def __setstate__(self, state: object) -> None:
        """Byte order and the like, which bytes have none of."""


class _Array:
    """Stands for `numpy.ndarray`, and for the function that makes an empty one to be filled."""

    def __init__(self, *_: object) -> None:
        self.state: object = None

    def __setstate__(self, state: object) -> None:
        self.state = state

    def filled(self) -> NDArray[np.uint8]:
        """The array. Raises ValueError if it is none of bytes, or not as long as its shape says."""
        state: Any = self.state
        _, shape, kind, fortran, content = state
        if not isinstance(kind, _Type) or _text(kind.code) != "u1":
            raise ValueError("an array of something else than bytes")
        if isinstance(content, str):  # Python 2's, in which a text was bytes
            content = content.encode("latin1")
        if not all(isinstance(size, int) for size in shape) or math.prod(shape) != len(content):
            raise ValueError(f"an array of {len(content):,} bytes that should be of shape {shape}")
        return np.frombuffer(content, dtype=np.uint8).reshape(shape, order="F" if fortran else "C")


def _encoded(text: str, encoding: str) -> bytes:
    """Stands for `_codecs.encode`, by which Python 3 writes bytes into pickles that Python 2 can read."""
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
                f"{self._where} asks for {f'{module}.{name}'!r}; nothing was run: data name no functions."
            )
        return _STAND_INS[module, name]


def read(content: bytes, where: str) -> dict[str, object]:
    """The dictionary in a pickle, its arrays filled. Raises `UserError`, naming `where` it comes from, otherwise."""
    try:
        found = _Reader(content, where).load()
        return {
            _text(key): value.filled() if isinstance(value, _Array) else value for key, value in found.items()
        }
    except UserError:
        raise
    except Exception as error:  # malformed bytes make the reader raise anything
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{where} is damaged, or another kind of file ({reason.rstrip('.')}).") from None


def _text(value: object) -> str:
    return value.decode("latin1") if isinstance(value, bytes) else str(value)


def texts(values: object) -> tuple[str, ...]:
    """The texts in a list out of a pickle; none if it is something else."""
    if not isinstance(values, list) or not all(isinstance(value, (bytes, str)) for value in values):
        return ()
    return tuple(map(_text, values))
