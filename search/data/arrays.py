"""Sources whose images are arrays in memory, and the conversion of any source to 1 or 3 channels."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from search.data.files import opaque, resized
from search.data.source import Contents, Decoded, Images, Labels

_LUMA = np.array([19595, 38470, 7471], dtype=np.uint32)
"""Weights of red, green and blue in the luma, times 65,536: ITU-R 601-2, rounded as in Pillow's mode "L"."""


def in_memory(
    classes: tuple[str, ...], images: Images, later: Images, labels: Labels, test: NDArray[np.bool_]
) -> Contents:
    """Return the contents of a source with `images` (k, height, width, c) and `later` (n - k, height, width, c).

    The two arrays may differ in height and width. c: 1, 3, or 4 with transparency, which is put on white. labels,
    test: (n,), as in `Contents`. Images of another size than the resolution are resized as a whole.
    """

    def decode(indices: NDArray[np.int64], resolution: int) -> Decoded:
        chosen = [images[i] if i < len(images) else later[i - len(images)] for i in indices]
        sizes = np.array([image.shape[:2] for image in chosen], dtype=np.int64)
        fitted = np.stack([_fitted(image, resolution) for image in chosen])
        return Decoded(fitted, valid=np.ones(len(indices), dtype=bool), sizes=sizes)

    return Contents(classes, min(images.shape[3], 3), labels, test, decode)


def _fitted(image: Images, resolution: int) -> Images:
    """Return one image (height, width, 1, 3 or 4) as (resolution, resolution, 1 or 3)."""
    if image.shape[2] == 4:
        image = np.asarray(opaque(Image.fromarray(image)).convert("RGB"))
    if image.shape[:2] == (resolution, resolution):
        return image
    flat = image[..., 0] if image.shape[2] == 1 else image
    return resized(Image.fromarray(flat), resolution).reshape(resolution, resolution, image.shape[2])


def in_channels(contents: Contents, channels: Literal[1, 3] | None) -> Contents:
    """Return the contents with images of `channels` channels; None leaves them as they are."""
    if channels in (None, contents.channels):
        return contents

    def decode(indices: NDArray[np.int64], resolution: int) -> Decoded:
        decoded = contents.decode(indices, resolution)
        return replace(decoded, images=_greyed(decoded.images) if channels == 1 else _tripled(decoded.images))

    return replace(contents, channels=channels, decode=decode)


def _greyed(images: Images) -> Images:
    """Return the luma (m, height, width, 1) of colour images (m, height, width, 3)."""
    luma: NDArray[np.uint32] = (images.astype(np.uint32) * _LUMA).sum(axis=3, keepdims=True)
    return ((luma + 0x8000) >> 16).astype(np.uint8)


def _tripled(images: Images) -> Images:
    """Return grey images (m, height, width, 1) with three equal channels."""
    return images.repeat(3, axis=3)
