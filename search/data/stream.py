"""Images that are decoded at every use, for data that the cache has no room for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.data.source import Decoded, Images


@dataclass(frozen=True, slots=True, eq=False)
class Streamed:
    """A substitute for an array of images that decodes images when indexed, with the same pixels as in the cache."""

    shape: tuple[int, int, int, int]
    """The shape (n, resolution, resolution, channels) of the images."""
    indices: NDArray[np.int64]
    """The index (n,) of each image among all images of the source."""
    decode: Callable[[NDArray[np.int64], int], Decoded]
    """The function `search.data.source.Contents.decode` of the source."""

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        """The element type, as in the cache."""
        return np.dtype(np.uint8)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, chosen: NDArray[np.integer] | slice) -> Images:
        """Return the images (k, resolution, resolution, channels) at `chosen`, decoded.

        Raises `OSError` if one can no longer be decoded, since the disk failed or the data changed.
        """
        decoded = self.decode(self.indices[chosen], self.shape[1])
        if decoded.corrupt:
            raise OSError(f"an image can no longer be read: {decoded.corrupt[0]}")
        return decoded.images
