"""Proxies that are cheaper or dearer than a given one, each in a single respect."""

from __future__ import annotations

from collections.abc import Iterator

from search.proxy.proxy import Proxy


def longer(proxy: Proxy, times: int = 4) -> Proxy:
    """`proxy` with so many times the epochs, on all images: what rankings are held against."""
    return proxy.model_copy(
        update={"epochs": times * proxy.epochs, "images": None, "validation_images": None}
    )


def variations(proxy: Proxy, resolution: int, images: int) -> Iterator[tuple[str, Proxy]]:
    """`proxy` itself, and others: what differs, and the proxy. resolution: of the networks. images: there are.

    Half and twice the epochs, half the images, three quarters of the pixels along each side, half the width.
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
        # Checked again, which a copy is not: a shift must fit the resolution.
        made = Proxy.model_validate({**proxy.model_dump(), **change})
        if made not in seen:
            seen.add(made)
            yield name, made


def _half(proxy: Proxy, images: int) -> int:
    return max(2, min(proxy.images or images, images) // 2)


def _smaller(pixels: int) -> int:
    """Three quarters, in whole eights."""
    return max(8, round(pixels * 0.75 / 8) * 8)
