"""The proxy, the network and the images for the speed sections of `experiments.benchmarks.engine.gpu`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from search.data import Dataset
    from search.proxy.proxy import Proxy
    from space import Architecture


def proxy_of(tiny: bool, **changes: Any) -> Proxy:
    """Return the default proxy with `changes`.

    tiny: True for a rehearsal, with images of 8 px and a tenth of the width.
    """
    from search.proxy.proxy import Proxy
    from space import documents

    small = {"resolution": 8, "width": 0.1, "shift": 1} if tiny else {}
    return Proxy.model_validate(documents.read("proxy", "default") | small | changes)


def network_of(proxy: Proxy, classes: int = 10) -> Architecture:
    """Return EfficientNetV2-B0 as `proxy` reduces it, for images with three channels."""
    from search.proxy.proxy import proxy_architecture
    from space import published

    return proxy_architecture(published("v2-b0").architecture, proxy, classes, 3)


def noise(count: int, pixels: int) -> Dataset:
    """Return a data set of `count` random images, `pixels` a side. Their content does not affect step times."""
    from search.data import Dataset, Split

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, pixels, pixels, 3), dtype=np.uint8)
    split = Split(images, rng.integers(0, 10, count))
    return Dataset(
        name="noise",
        classes=tuple("0123456789"),
        channels=3,
        resolution=pixels,
        train=split,
        validation=split,
        mean=(0.5,) * 3,
        std=(0.25,) * 3,
        flip=True,
        skipped=(),
        digest="noise",
    )
