"""A data set that a tiny network learns within seconds, and both."""

import numpy as np

from search.data import Dataset, Split
from search.proxy.proxy import Proxy
from space import decode

TINY = decode("r8_i8_s1/fused_d1_k3_s2_e1_w8/mb_d2_k3_s2_e2_w8_se0.25/h16_c3")
PROXY = Proxy(
    resolution=8, width=1, stem_stride=None, epochs=4, batch=32, learning_rate=0.02, shift=1, device="cpu"
)


def coloured(train=192, validation=96, noise=40, pixels=8):
    """Three classes, each a colour under noise."""
    rng = np.random.default_rng(0)

    def split(count):
        labels = np.arange(count) % 3
        images = rng.integers(0, noise, (count, pixels, pixels, 3))
        images[np.arange(count), :, :, labels] += 100
        return Split(images.astype(np.uint8), labels.astype(np.int64))

    return Dataset(
        name="coloured",
        classes=("red", "green", "blue"),
        channels=3,
        resolution=pixels,
        train=split(train),
        validation=split(validation),
        mean=(0.2, 0.2, 0.2),
        std=(0.2, 0.2, 0.2),
        flip=True,
        skipped=(),
        digest="coloured",
    )
