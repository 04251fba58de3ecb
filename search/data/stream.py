"""Images that no cache has room for: decoded again whenever they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.data.source import Decoded, Images


@dataclass(frozen=True, slots=True, eq=False)
class Streamed:
    """Stands where an array of images would: what it is indexed with is decoded, as it was for the cache."""

    shape: tuple[int, int, int, int]
    """(n, resolution, resolution, channels)."""
    indices: NDArray[np.int64]
    """(n,): where they are among all images of the source."""
    decode: Callable[[NDArray[np.int64], int], Decoded]
    """The source's; see `search.data.source.Contents`."""

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        """Bytes, as in the cache."""
        return np.dtype(np.uint8)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, chosen: NDArray[np.integer] | slice) -> Images:
        """The images (k, resolution, resolution, channels) at `chosen`, new in memory.

        Raises `OSError` if one cannot be decoded any more: the disk has failed, or the data have changed.
        """
        decoded = self.decode(self.indices[chosen], self.shape[1])
        if decoded.corrupt:
            raise OSError(f"an image cannot be read any more: {decoded.corrupt[0]}")
        return decoded.images
