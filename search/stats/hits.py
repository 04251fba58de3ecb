"""Hits: a short text that records the images a network classifies correctly, as the basis of paired comparisons."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_IMAGES = 20_000
"""The number of images above which hits are not recorded: the text would exceed 3 kB, and the choice of so many
images hardly matters."""


def encode_hits(hits: Sequence[bool]) -> str:
    """Return hits (True for each image classified correctly) as base64 of bits; "" for more than `MAX_IMAGES`."""
    if len(hits) > MAX_IMAGES:
        return ""
    bits = bytearray((len(hits) + 7) // 8)
    for place, hit in enumerate(hits):
        bits[place // 8] |= bool(hit) << place % 8
    return base64.b64encode(bytes(bits)).decode()


def decode_hits(text: str, images: int) -> NDArray[np.float64]:
    """Return an array (images,) from the text of `encode_hits`: 1.0 for each image classified correctly, else 0.0."""
    import numpy as np

    packed = np.frombuffer(base64.b64decode(text), np.uint8)
    return np.unpackbits(packed, count=images, bitorder="little").astype(np.float64)


def mean_hits(texts: Sequence[str], images: int) -> list[float] | None:
    """Return the share of trainings that classify each image correctly, 0 to 1.

    Returns None if there are no trainings, or one of them has no hits of so many images.
    """
    rows = [base64.b64decode(text) for text in texts]
    if not rows or any(len(row) != (images + 7) // 8 for row in rows):
        return None
    return [sum(row[place // 8] >> place % 8 & 1 for row in rows) / len(rows) for place in range(images)]


def networks_hits(texts: Sequence[Sequence[str]], images: int | None) -> list[list[float]] | None:
    """Return the mean hits of each network on each image; None unless all trainings of all networks recorded them.

    texts: the hits of each training of each network. images: the number of images, None if unknown.
    """
    rows = [mean_hits(each, images) for each in texts] if images else []
    known = [row for row in rows if row is not None]
    return known if known and len(known) == len(texts) else None
