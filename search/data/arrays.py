"""Sources whose images are arrays in memory, and the conversion of any source to 1 or 3 channels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from search.data.decoding import opaque, resized
from search.data.source import Contents, Decoded, Images, Labels, split_masks

_LUMA = np.array([19595, 38470, 7471], dtype=np.uint32)
"""The weights of red, green and blue in the luma, times 65,536: ITU-R 601-2, rounded as in Pillow's mode "L"."""


def in_memory(
    classes: tuple[str, ...],
    splits: Mapping[str, tuple[Images, Labels]],
    *,
    test: float = 0.0,
    seed: int = 0,
    remarks: tuple[str, ...] = (),
) -> Contents:
    """Return the contents of a source of arrays.

    splits: the images uint8 (n, height, width, c) and labels (n,) by split: "train", and "validation" and "test" if
    the source has them. Height and width may differ between splits. c: 1, 3, or 4 with transparency, which is put on
    white. test: the fraction of the training images that becomes the test split if there is none; they are chosen at
    random with `seed`. Images of another size than the resolution are resized without cropping. Raises `UserError` if
    there is no test split and a class has too few training images to make one.
    """
    labels = np.concatenate([labels for _, labels in splits.values()])
    parts = np.repeat(list(splits), [len(labels) for _, labels in splits.values()])
    starts = np.cumsum([0, *(len(images) for images, _ in splits.values())])
    arrays = [images for images, _ in splits.values()]

    def image(index: int) -> Images:
        part = int(np.searchsorted(starts, index, side="right")) - 1
        array: Images = arrays[part][index - starts[part]]
        return array

    def decode(indices: NDArray[np.int64], resolution: int) -> Decoded:
        chosen = [image(index) for index in indices]
        sizes = np.array([one.shape[:2] for one in chosen], dtype=np.int64)
        fitted = np.stack([_fitted(one, resolution) for one in chosen])
        return Decoded(fitted, valid=np.ones(len(indices), dtype=bool), sizes=sizes)

    def name(index: int) -> str:
        return f"{parts[index]} image {index - starts[np.searchsorted(starts, index, side='right') - 1]}"

    def describe(index: int) -> str:
        values = image(index)
        return f"{name(index)} (values {values.min()} to {values.max()} of 255)"

    test_mask, validation = split_masks(classes, labels, parts, test, seed)
    channels = min(arrays[0].shape[3], 3)
    return Contents(
        classes,
        channels,
        labels,
        test_mask,
        decode,
        validation,
        remarks=remarks,
        name=name,
        describe=describe,
    )


def _fitted(image: Images, resolution: int) -> Images:
    """Resize one image (height, width, 1, 3 or 4) to (resolution, resolution, 1 or 3), on white if transparent."""
    if image.shape[2] == 4:
        image = np.asarray(opaque(Image.fromarray(image)).convert("RGB"))
    if image.shape[:2] == (resolution, resolution):
        return image
    flat = image[..., 0] if image.shape[2] == 1 else image
    return resized(Image.fromarray(flat), resolution).reshape(resolution, resolution, image.shape[2])


def in_channels(contents: Contents, channels: Literal[1, 3] | None) -> Contents:
    """Return contents whose images are converted to 1 or 3 channels when decoded; None: `contents` unchanged."""
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
