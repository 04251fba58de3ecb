"""The renderer of synthetic scenes.

Pixels are computed with + - * / sqrt, min, max and floor alone, which all machines round equally.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from search.data.hashing import bits
from search.data.scenes import BAR, SHAPES, Figures, Floats, Scenes, Texture

_FINE = 2
"""The number of samples per pixel and axis. Samples are averaged, since a camera's pixel is a small square and not a
point."""

# Proportions, as shares of a figure's size: a square's half side, a triangle's distance from its centre to a side,
# half the thickness of a ring and of a cross. (_SLANT, _HALF) is the normal of a triangle's slanted side.
_SQUARE, _TRIANGLE, _RING, _CROSS = np.array([0.85, 0.6, 0.28, 0.36], dtype=np.float32)
_SLANT, _HALF = np.array([0.75**0.5, 0.5], dtype=np.float32)


def render(scenes: Scenes, resolution: int) -> NDArray[np.uint8]:
    """Return pictures (n, resolution, resolution, 3) of the n scenes."""
    fine = resolution * _FINE
    centres = ((np.arange(fine, dtype=np.float32) + 0.5) / fine).astype(np.float32)
    x, y = centres[None, None, :], centres[None, :, None]
    slope = (x - 0.5) * _column(scenes.slope[0]) + (y - 0.5) * _column(scenes.slope[1])
    canvas = scenes.background[:, :, None, None] + slope[:, None]
    for figures in scenes.distractors:
        _paint(canvas, figures, x, y)
    _paint(canvas, scenes.figure, x, y, _pattern(scenes.texture, scenes.figure, x, y))
    _paint(canvas, scenes.bar, x, y)
    return _photograph(canvas, scenes, resolution)


def _photograph(canvas: Floats, scenes: Scenes, resolution: int) -> NDArray[np.uint8]:
    """Convert the supersampled canvas (n, 3, fine, fine) in 0..1 to pixels (n, side, side, 3) in 0..255."""
    rows = canvas[:, :, 0::_FINE] + canvas[:, :, 1::_FINE]
    image = (rows[..., 0::_FINE] + rows[..., 1::_FINE]) * np.float32(1 / _FINE**2)
    image = 0.5 + (image - 0.5) * scenes.contrast[:, None, None, None]
    image += scenes.noise[:, None, None, None] * _grain(scenes, resolution)
    image = (image * 255 + 0.5).clip(0, 255).astype(np.uint8)
    return np.ascontiguousarray(image.transpose(0, 2, 3, 1))


def _grain(scenes: Scenes, resolution: int) -> Floats:
    """Return noise (n, 3, resolution, resolution) of mean 0 and deviation 1: sums of two uniform random numbers."""
    pixel = np.arange(resolution**2).reshape(resolution, resolution)
    stream = bits(scenes.seed, "grain", scenes.index[:, None, None], pixel)
    dice = [((stream >> np.uint64(10 * k)) & np.uint64(1023)).astype(np.float32) for k in range(6)]
    return np.stack([(dice[k] + dice[k + 3] - 1023) * np.float32(6**0.5 / 1024) for k in range(3)], axis=1)


def _paint(canvas: Floats, figures: Figures, x: Floats, y: Floats, pattern: Floats | None = None) -> None:
    """Paint the figures over the canvas. pattern: brightness (n, fine, fine) to add to their colours."""
    u, v = _own(figures, figures.turn, x, y)
    distance = _distance(figures, u, v)
    cover = (0.5 - distance * canvas.shape[-1]).clip(0, 1)  # An edge is one sample wide.
    cover *= _column(figures.size) > 0
    colour = figures.colour[:, :, None, None]
    if pattern is not None:
        colour = colour + pattern[:, None]
    canvas += cover[:, None] * (colour - canvas)


def _own(figures: Figures, turn: tuple[Floats, Floats], x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the coordinates u and v (n, fine, fine) relative to the figures' centres, rotated by `turn`."""
    cosine, sine = _column(turn[0]), _column(turn[1])
    x, y = x - _column(figures.x), y - _column(figures.y)
    return cosine * x + sine * y, cosine * y - sine * x


def _distance(figures: Figures, u: Floats, v: Floats) -> Floats:
    """Return the distance (n, fine, fine) of each point from its image's figure; negative inside."""
    distance = np.empty(u.shape, dtype=np.float32)
    for kind, outside in enumerate(_OUTSIDE):
        chosen = np.flatnonzero(figures.kind == kind)
        if len(chosen):
            distance[chosen] = outside(u[chosen], v[chosen], _column(figures.size[chosen]))
    return distance


def _pattern(texture: Texture, figures: Figures, x: Floats, y: Floats) -> Floats:
    """Return the textures' brightness (n, fine, fine), of mean 0: stripes, or the product of two sets of stripes."""
    u, v = _own(figures, texture.turn, x, y)
    stripes = _wave(u / _column(texture.period) + _column(texture.phase[0]))
    checked = np.flatnonzero(texture.kind)
    across = v[checked] / _column(texture.period[checked]) + _column(texture.phase[1][checked])
    stripes[checked] *= _wave(across)
    return stripes * _column(texture.amplitude)


def _wave(turns: Floats) -> Floats:
    """Return a square wave in -1..1 of period 1 with soft edges."""
    wave: Floats = (8 * np.abs(turns - np.floor(turns + np.float32(0.5))) - 2).clip(-1, 1)
    return wave


def _column(values: Floats) -> Floats:
    """Reshape (n,) to (n, 1, 1)."""
    return values[:, None, None]


_Outside = Callable[[Floats, Floats, Floats], Floats]

_OUTSIDE: tuple[_Outside, ...] = (
    lambda u, v, size: np.sqrt(u * u + v * v) - size,
    lambda u, v, size: np.maximum(np.abs(u), np.abs(v)) - size * _SQUARE,
    lambda u, v, size: np.maximum(_SLANT * np.abs(u) + _HALF * v, -v) - size * _TRIANGLE,
    lambda u, v, size: np.abs(np.sqrt(u * u + v * v) - size * (1 - _RING)) - size * _RING,
    lambda u, v, size: np.maximum(
        np.minimum(np.abs(u), np.abs(v)) - size * _CROSS, np.maximum(np.abs(u), np.abs(v)) - size
    ),
    lambda u, v, size: np.abs(u) - size,
)
"""The distance of a point (u, v) from each kind of figure: `SHAPES` in their order, then `BAR`."""
assert len(_OUTSIDE) == len(SHAPES) + 1 == BAR + 1
