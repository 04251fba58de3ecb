"""Synthetic images that need no download: ten classes, five shapes with two textures each.

With them a search can be tried, tested and benchmarked anywhere, and networks differ in accuracy. An accuracy on them
says nothing about any other data.
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
"""The index of the first test image, so high that test images do not depend on the number of training images."""
_SAMPLES = 2**15
"""The number of pixels that are rendered at a time, so that they fit into a core's cache."""


class Shapes(Source):
    """`data=shapes`: SYNTHETIC images of a disc, square, triangle, ring or cross, striped or checked."""

    source: Literal["shapes"] = "shapes"
    images: int = Field(default=12_500, ge=100)
    """The number of images for training and selection. With the default `validation`, 12,500 are 10,000 for training
    and 2,500 for selection."""
    test_images: int = Field(default=2_000, ge=10)
    difficulty: float = Field(default=0.5, ge=0, le=1)
    """The difficulty. 0: each class has colours of its own, and images have no clutter, little noise and full
    contrast. 1: colours tell nothing about the class, and images have clutter, much noise and low contrast."""

    def state(self) -> str:
        """Return the version of the renderer, since images change only with the code."""
        return f"version {VERSION}"

    def open(self) -> Contents:
        """Return the contents. `seed` determines the images as well as the split.

        Class sizes differ by at most one image, among the training images as well as among the test images.
        """
        index = np.concatenate([np.arange(self.images), _TEST + np.arange(self.test_images)])

        def decode(indices: NDArray[np.int64], resolution: int) -> Decoded:
            images = pictures(self.seed, index[indices], self.difficulty, resolution)
            return Decoded(images, valid=np.ones(len(indices), dtype=bool))

        return Contents(CLASSES, channels=3, labels=label(index), test=index >= _TEST, decode=decode)


def pictures(seed: int, index: NDArray[np.int64], difficulty: float, resolution: int) -> NDArray[np.uint8]:
    """Return the images `index` (n,) as (n, resolution, resolution, 3). A scene is the same at every resolution."""
    step = max(1, _SAMPLES // resolution**2)
    blocks = [index[start : start + step] for start in range(0, len(index), step)]
    return np.concatenate([render(scenes(seed, block, difficulty), resolution) for block in blocks])
