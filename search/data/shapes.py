"""Synthetic images that need no download: ten classes, a shape times the texture of its surface.

They are drawn, not photographed, and made for one purpose: that a search can be tried, tested and benchmarked
anywhere, with networks that differ. An accuracy on them says nothing about any other data.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from search.data.rendering import render
from search.data.scenes import CLASSES, VERSION, label, scenes
from search.data.source import Contents, Decoded, Source

_TEST = 2**40
"""The index of the first test image: the test split stays the same however many images there are to train."""
_SAMPLES = 2**15
"""Pixels that are rendered at a time: few enough to stay in a core's cache, twice as fast as 2**18."""


class Shapes(Source):
    """`data=shapes`: SYNTHETIC images of a disc, square, triangle, ring or cross, striped or checked."""

    source: Literal["shapes"] = "shapes"
    images: int = Field(default=12_500, ge=100)
    """To train and to select: 12,500 are 10,000 + 2,500."""
    test_images: int = Field(default=2_000, ge=10)
    difficulty: float = Field(default=0.5, ge=0, le=1)
    """0: each class has its colours, nothing disturbs. 1: no hints, clutter, noise, little contrast."""

    def state(self) -> str:
        """Its images change with the code alone."""
        return f"version {VERSION}"

    def open(self) -> Contents:
        """Every class as often as every other; `seed` is the images' too, not only the split's."""
        index = np.concatenate([np.arange(self.images), _TEST + np.arange(self.test_images)])

        def decode(indices: NDArray[np.int64], resolution: int) -> Decoded:
            images = photographs(self.seed, index[indices], self.difficulty, resolution)
            return Decoded(images, kept=np.ones(len(indices), dtype=bool))

        return Contents(CLASSES, channels=3, labels=label(index), test=index >= _TEST, decode=decode)


def photographs(seed: int, index: NDArray[np.int64], difficulty: float, resolution: int) -> NDArray[np.uint8]:
    """The images `index` (n,): (n, resolution, resolution, 3). Each is the same scene at every resolution."""
    step = max(1, _SAMPLES // resolution**2)
    blocks = [index[start : start + step] for start in range(0, len(index), step)]
    return np.concatenate([render(scenes(seed, block, difficulty), resolution) for block in blocks])
