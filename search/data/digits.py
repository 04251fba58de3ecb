"""scikit-learn's handwritten digits: real images for smoke tests, without a download."""

from __future__ import annotations

from typing import Literal

import numpy as np

from search.data.arrays import in_memory
from search.data.source import Contents, Fraction, Source
from space.refusal import UserError

_WHITE = 16
"""The largest value of a pixel in scikit-learn's images, which have 17 grey levels."""


class Digits(Source):
    """`data=digits`: 1,797 grey images of 8 px, without a test split of their own (Alpaydin, Kaynak 1998)."""

    source: Literal["digits"] = "digits"
    test: Fraction = 0.2
    """The fraction of all images that becomes the test split."""
    flip: bool = False
    """The default is no mirroring, since a mirrored 2 is not a valid 2."""

    def open(self) -> Contents:
        """Return the images that are part of scikit-learn. Raises `UserError` if scikit-learn is not installed."""
        try:
            from sklearn.datasets import load_digits
        except ImportError:
            raise UserError("data=digits needs scikit-learn: pip install 'compound-nas[digits]'") from None
        digits = load_digits()
        images = np.rint(digits.images * (255 / _WHITE)).astype(np.uint8)[..., None]
        labels = digits.target.astype(np.int64)
        classes = tuple(str(name) for name in digits.target_names)
        return in_memory(classes, {"train": (images, labels)}, test=self.test, seed=self.seed)
