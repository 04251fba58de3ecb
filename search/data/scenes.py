"""The scenes of synthetic images in continuous coordinates, without pixels.

Lengths are in image sides, coordinates and colours in 0..1, angles as (cosine, sine). Arrays have one
row per image; they are float32, and indices int64. A scene is a function of (seed, index, difficulty) alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from search.data.hashing import uniform

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

SHAPES = ("disc", "square", "triangle", "ring", "cross")
BAR = len(SHAPES)
"""The kind of the occluding figure, a strip through the whole image."""
TEXTURES = ("striped", "checked")
CLASSES = tuple(f"{texture} {shape}" for shape in SHAPES for texture in TEXTURES)

VERSION = 1
"""The version of scenes and rendering. It rises whenever an image changes, so that caches are written again."""

_DISTRACTORS = 3
_PERIOD = (0.09, 0.15)
"""The range of the textures' period: 1.4 to 2.4 pixels at 16 px, which is barely visible; 2.9 to 4.8 at 32 px."""


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """One figure for each of n images. kind: an index in `SHAPES`, or `BAR`. x, y: the centre. turn: the rotation.

    A figure of size 0 is absent.
    """

    kind: Integers
    x: Floats
    y: Floats
    size: Floats
    """The sizes, as half of the figures' extent."""
    turn: tuple[Floats, Floats]
    colour: Floats
    """The colours (n, 3)."""


@dataclass(frozen=True, slots=True, eq=False)
class Texture:
    """The pattern on the main figure: a lighter and a darker tone of its colour, which cover equal areas.

    kind: an index in `TEXTURES`. turn: the rotation. period: the width of a lighter and a darker stripe together.
    phase: the shifts along and across the pattern, in periods. amplitude: the greatest change of brightness.
    """

    kind: Integers
    turn: tuple[Floats, Floats]
    period: Floats
    phase: tuple[Floats, Floats]
    amplitude: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Scenes:
    """n scenes: their parts in the order of painting, then the properties of the camera."""

    seed: int
    index: Integers
    background: Floats
    """The colours (n, 3) of the backgrounds."""
    slope: tuple[Floats, Floats]
    """The change of brightness from left to right, and from top to bottom."""
    distractors: tuple[Figures, ...]
    figure: Figures
    texture: Texture
    bar: Figures
    contrast: Floats
    """The contrast in 0..1. At 1 the scene is unchanged."""
    noise: Floats
    """The standard deviation of the camera's noise at a pixel, which does not depend on the resolution."""


@dataclass(frozen=True, slots=True)
class _Draws:
    """A generator of independent random numbers for every index."""

    seed: int
    index: Integers
    slots: count[int]

    def __call__(self, low: float, high: float) -> Floats:
        return (low + (high - low) * self._next()).astype(np.float32)

    def integer(self, stop: int) -> Integers:
        return (stop * self._next()).astype(np.int64)

    def turn(self) -> tuple[Floats, Floats]:
        angle = 2 * np.pi * self._next()
        return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)

    def colour(self, low: float = 0.0, high: float = 1.0) -> Floats:
        return np.stack([self(low, high) for _ in range(3)], axis=1)

    def _next(self) -> NDArray[np.float64]:
        return uniform(self.seed, "scene", self.index, next(self.slots))


def label(index: Integers) -> Integers:
    """Return the class (n,) of the image at each index. Every ten successive images hold each class once."""
    return index % len(CLASSES)


def scenes(seed: int, index: Integers, difficulty: float) -> Scenes:
    """Return the scenes of the images `index` (n,). `difficulty` (0..1) weakens class colours and adds clutter."""
    draw = _Draws(seed, index, count())
    classes = label(index)
    hint = (1 - difficulty) ** 2
    figure = _figure(draw, classes // len(TEXTURES), hint * _hues(0)[classes], hint)
    return Scenes(
        seed=seed,
        index=index,
        background=_hinted(draw, hint * _hues(1)[classes], hint),
        slope=(draw(-0.15, 0.15), draw(-0.15, 0.15)),
        distractors=tuple(_distractor(draw, difficulty) for _ in range(_DISTRACTORS)),
        figure=figure,
        texture=Texture(
            kind=classes % len(TEXTURES),
            turn=draw.turn(),
            period=draw(*_PERIOD),
            phase=(draw(0, 1), draw(0, 1)),
            amplitude=0.42 - 0.16 * difficulty + draw(-0.05, 0.05),
        ),
        bar=_bar(draw, figure, difficulty),
        contrast=1 - difficulty * draw(0, 0.4),
        noise=0.02 + difficulty * draw(0, 0.06),
    )


def _hues(offset: int) -> Floats:
    """Return a colour (classes, 3) for each class around the colour circle. `offset` changes the order."""
    angle = 2 * np.pi * ((2 * offset + 1) * np.arange(len(CLASSES)) % len(CLASSES)) / len(CLASSES)
    channels = angle[:, None] + 2 * np.pi * np.arange(3) / 3
    return (0.5 + 0.35 * np.cos(channels)).astype(np.float32)


def _hinted(draw: _Draws, part: Floats, hint: float) -> Floats:
    """Return colours (n, 3): `part`, the class's own colour weighted by `hint`, plus a random colour."""
    return np.asarray(part + np.float32(1 - hint) * draw.colour(0.1, 0.9), dtype=np.float32)


def _figure(draw: _Draws, kind: Integers, part: Floats, hint: float) -> Figures:
    size = draw(0.24, 0.36)
    return Figures(
        kind=kind,
        x=0.5 + (0.45 - size) * draw(-1, 1),
        y=0.5 + (0.45 - size) * draw(-1, 1),
        size=size,
        turn=draw.turn(),
        colour=_hinted(draw, part, hint),
    )


def _distractor(draw: _Draws, difficulty: float) -> Figures:
    """Return small plain figures at random places. With probability 1 - `difficulty` a figure is absent (size 0)."""
    shown = draw(0, 1) < difficulty
    return Figures(
        kind=draw.integer(len(SHAPES)),
        x=draw(0, 1),
        y=draw(0, 1),
        size=np.where(shown, draw(0.05, 0.12), np.float32(0)),
        turn=draw.turn(),
        colour=draw.colour(),
    )


def _bar(draw: _Draws, figure: Figures, difficulty: float) -> Figures:
    """Return one strip per image, which hides a part of its figure at a random distance from the centre."""
    away = figure.size * np.float32(0.7)
    return Figures(
        kind=np.full(len(figure.kind), BAR),
        x=figure.x + away * draw(-1, 1),
        y=figure.y + away * draw(-1, 1),
        size=difficulty * draw(0, 0.12),
        turn=draw.turn(),
        colour=draw.colour(),
    )
