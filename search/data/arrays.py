"""Images that lie in memory as arrays, as the contents of a source; and channels of any kind of source."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from search.data.files import opaque, resized
from search.data.source import Contents, Decoded, Images, Labels

_LUMA = np.array([19595, 38470, 7471], dtype=np.uint32)
"""Red, green and blue in 65,536ths of brightness: ITU-R 601-2, rounded as Pillow rounds it for mode "L"."""


def in_memory(
    classes: tuple[str, ...], images: Images, later: Images, labels: Labels, test: NDArray[np.bool_]
) -> Contents:
    """`images` (k, height, width, c) and, of a size of their own, `later` (n - k, height, width, c) ones.

    c: 1, 3, or 4 for transparency, which is put on white. labels, test: (n,), as in `Contents`. Images that are
    not of the resolution asked for are resized as a whole.
    """

    def decode(indices: NDArray[np.int64], resolution: int) -> Decoded:
        chosen = [images[i] if i < len(images) else later[i - len(images)] for i in indices]
        sizes = np.array([image.shape[:2] for image in chosen], dtype=np.int64)
        fitted = np.stack([_fitted(image, resolution) for image in chosen])
        return Decoded(fitted, kept=np.ones(len(indices), dtype=bool), sizes=sizes)

    return Contents(classes, min(images.shape[3], 3), labels, test, decode)


def _fitted(image: Images, resolution: int) -> Images:
    """One image (height, width, 1, 3 or 4) as (resolution, resolution, 1 or 3)."""
    if image.shape[2] == 4:
        image = np.asarray(opaque(Image.fromarray(image)).convert("RGB"))
    if image.shape[:2] == (resolution, resolution):
        return image
    flat = image[..., 0] if image.shape[2] == 1 else image
    return resized(Image.fromarray(flat), resolution).reshape(resolution, resolution, image.shape[2])


def in_channels(contents: Contents, channels: Literal[1, 3] | None) -> Contents:
    """The contents with images of so many channels; as they are for None."""
    if channels in (None, contents.channels):
        return contents

    def decode(indices: NDArray[np.int64], resolution: int) -> Decoded:
        decoded = contents.decode(indices, resolution)
        return replace(decoded, images=_greyed(decoded.images) if channels == 1 else _tripled(decoded.images))

    return replace(contents, channels=channels, decode=decode)


def _greyed(images: Images) -> Images:
    """The brightness (m, height, width, 1) of colours (m, height, width, 3)."""
    bright: NDArray[np.uint32] = (images.astype(np.uint32) * _LUMA).sum(axis=3, keepdims=True)
    return ((bright + 0x8000) >> 16).astype(np.uint8)


def _tripled(images: Images) -> Images:
    """The colours (m, height, width, 3) of brightness (m, height, width, 1)."""
    return images.repeat(3, axis=3)
