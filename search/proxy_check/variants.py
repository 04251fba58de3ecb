"""The real training that a proxy stands for, and proxies that differ from a given one in a single setting."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError

from search.proxy.proxy import Proxy

REAL_EPOCHS = 10
"""The smallest number of epochs of the real training. The lab book's table of proxies has 10 epochs too."""


def real(proxy: Proxy) -> Proxy:
    """Return the settings for training the real network: its own resolution, width and stem, on all images.

    The training has twice the epochs of `proxy`, and at least `REAL_EPOCHS`.
    """
    return proxy.model_copy(
        update={
            "resolution": None,
            "width": 1.0,
            "stem_stride": None,
            "epochs": max(REAL_EPOCHS, 2 * proxy.epochs),
            "images": None,
            "validation_images": None,
        }
    )


def variations(proxy: Proxy, resolution: int, images: int) -> Iterator[tuple[str, Proxy]]:
    """Yield the name and the settings of `proxy` itself, then of each of its variations.

    resolution: the side in pixels of the images that the networks are made for, used if `proxy` sets none. images:
    the number of training images of the data. Each variation differs in one setting: half or twice the epochs, half
    the images, three quarters of the image side, or half the width. Invalid variations and duplicates are left out.
    """
    pixels = proxy.resolution or resolution
    seen = {proxy}
    yield "as given", proxy
    changes: dict[str, dict[str, object]] = {
        f"epochs={max(1, proxy.epochs // 2)}": {"epochs": max(1, proxy.epochs // 2)},
        f"epochs={2 * proxy.epochs}": {"epochs": 2 * proxy.epochs},
        f"images={_half(proxy, images)}": {"images": _half(proxy, images)},
        f"resolution={_smaller(pixels)}": {"resolution": _smaller(pixels)},
        f"width={proxy.width / 2:g}": {"width": proxy.width / 2},
    }
    for name, change in changes.items():
        # Unlike `model_copy`, this validates: the shift must fit the resolution, and a parent needs width 1.
        try:
            variation = Proxy.model_validate({**proxy.model_dump(), **change})
        except ValidationError:
            continue
        if variation not in seen:
            seen.add(variation)
            yield name, variation


def _half(proxy: Proxy, images: int) -> int:
    return max(2, min(proxy.images or images, images) // 2)


def _smaller(pixels: int) -> int:
    """Return three quarters of `pixels`, rounded to a multiple of 8, but at least 8."""
    return max(8, round(pixels * 0.75 / 8) * 8)
