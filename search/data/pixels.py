"""Statistics of decoded pixels: mean and deviation, and signs that images were read wrongly or are duplicates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from search.data.source import Images

_UNIFORM = 16
"""An image counts as nearly uniform if the values (0 to 255) of each channel differ by less than this. A 12-bit image
that was read as 16 bits has 16 levels, which differ by at most 15."""
_NARROW = 64
"""A remark is made if the values of all training pixels differ by less than this. A 14-bit image that was read as 16
bits has 64 levels."""
_SHARE = 0.01
"""The share (0 to 1) of nearly uniform images from which a remark is made."""


class PixelStatistics:
    """Statistics of the pixels of all images, collected batch by batch."""

    def __init__(self, channels: int) -> None:
        self._histograms = np.zeros((channels, 256), dtype=np.int64)
        self._hashes: dict[str, list[NDArray[np.uint64]]] = {}
        self._uniform: list[int] = []
        self._total = 0

    def add(self, part: str, images: Images, indices: NDArray[np.int64]) -> None:
        """Add images (b, height, width, channels) of the split `part`. indices: their numbers (b,) in the source."""
        if not len(images):
            return
        values = images.reshape(len(images), -1, images.shape[3])
        uniform = (values.max(axis=1).astype(int) - values.min(axis=1)).max(axis=1) < _UNIFORM
        self._uniform += indices[uniform].tolist()
        self._total += len(images)
        # Uniform images are equal to each other without being copies of one image.
        digests = b"".join(blake2b(image.tobytes(), digest_size=8).digest() for image in images[~uniform])
        self._hashes.setdefault(part, []).append(np.frombuffer(digests, dtype=np.uint64))
        if part == "train":
            for channel, histogram in enumerate(self._histograms):
                histogram += np.bincount(images[..., channel].ravel(), minlength=256)

    def moments(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return the mean and the deviation (0.5 / 255 or more) of the training pixels, in 0..1, for each channel."""
        level = np.arange(256) / 255
        weight = self._histograms / self._histograms.sum(axis=1, keepdims=True)
        mean = (weight * level).sum(axis=1)
        variance = (weight * (level - mean[:, None]) ** 2).sum(axis=1)
        return tuple(mean.tolist()), tuple(np.sqrt(variance).clip(0.5 / 255).tolist())

    def remarks(self, describe: Callable[[int], str]) -> Iterator[str]:
        """Yield messages about suspicious images. describe: a function that returns the name of an image by index."""
        if self._uniform and len(self._uniform) >= _SHARE * self._total:
            yield (
                f"{len(self._uniform):,} of {self._total:,} images are nearly uniform, such as"
                f" {describe(min(self._uniform))}"
            )
        levels = np.flatnonzero(self._histograms.sum(axis=0))
        if len(levels) and levels[-1] - levels[0] < _NARROW:
            yield f"all training pixels lie between {levels[0]} and {levels[-1]} of 0 (black) to 255 (white)"
        train = np.concatenate(self._hashes.get("train", [np.empty(0, np.uint64)]))
        for part in ("validation", "test"):
            hashes = np.concatenate(self._hashes.get(part, [np.empty(0, np.uint64)]))
            copies = int(np.isin(hashes, train).sum())
            if copies:
                yield f"{copies:,} {part} images are identical to training images"
