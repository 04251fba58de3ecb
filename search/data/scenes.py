"""What is to be seen on a synthetic image, in continuous coordinates: nothing here knows of pixels.

Lengths are in image sides, coordinates and colours in 0..1, angles as (cosine, sine). Arrays are float32 and
have one row per image. A scene is a function of (seed, index, difficulty) alone.
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
"""The kind of the figure that occludes others: a strip through the whole image."""
TEXTURES = ("striped", "checked")
CLASSES = tuple(f"{texture} {shape}" for shape in SHAPES for texture in TEXTURES)

VERSION = 1
"""Of scenes and their rendering: raised whenever an image changes, so that caches are built again."""

_DISTRACTORS = 3
_PERIOD = (0.09, 0.15)
"""Of the textures: 1.4 to 2.4 pixels at 16 px, which can show little of it; 2.9 to 4.8 at 32 px."""


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """One figure per image."""

    kind: Integers
    x: Floats
    y: Floats
    size: Floats
    """Half of its extent."""
    turn: tuple[Floats, Floats]
    colour: Floats
    """(n, 3)."""


@dataclass(frozen=True, slots=True, eq=False)
class Texture:
    """The pattern on the main figure: two tones of its colour, alike in mean and amount."""

    kind: Integers
    turn: tuple[Floats, Floats]
    period: Floats
    phase: tuple[Floats, Floats]
    amplitude: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Scenes:
    """n scenes, in the order in which they are painted, then what the camera makes of them."""

    seed: int
    index: Integers
    background: Floats
    """(n, 3)."""
    slope: tuple[Floats, Floats]
    """The change of brightness from side to side."""
    distractors: tuple[Figures, ...]
    figure: Figures
    texture: Texture
    bar: Figures
    contrast: Floats
    """0..1; 1 leaves the scene as it is."""
    noise: Floats
    """Its standard deviation at a pixel, whatever the resolution: it is the camera's, not the scene's."""


@dataclass(frozen=True, slots=True)
class _Draws:
    """Independent draws for every index, one after the other."""

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
    """The class (n,) of the image at each index: every ten images in a row hold each class once."""
    return index % len(CLASSES)


def scenes(seed: int, index: Integers, difficulty: float) -> Scenes:
    """The scenes of the images `index` (n,). `difficulty` in 0..1 fades hints and raises hindrances."""
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
    """(classes, 3): a colour for each class, around the colour circle, in another order for each `offset`."""
    angle = 2 * np.pi * ((2 * offset + 1) * np.arange(len(CLASSES)) % len(CLASSES)) / len(CLASSES)
    channels = angle[:, None] + 2 * np.pi * np.arange(3) / 3
    return (0.5 + 0.35 * np.cos(channels)).astype(np.float32)


def _hinted(draw: _Draws, part: Floats, hint: float) -> Floats:
    """Colours (n, 3): `part`, which is the class's own weighted by `hint`, and chance for the rest."""
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
    """A small plain figure, anywhere; with a chance of 1 - `difficulty` of size 0, which shows nothing."""
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
    """A strip in front of the figure, across or beside its middle."""
    away = figure.size * np.float32(0.7)
    return Figures(
        kind=np.full(len(figure.kind), BAR),
        x=figure.x + away * draw(-1, 1),
        y=figure.y + away * draw(-1, 1),
        size=difficulty * draw(0, 0.12),
        turn=draw.turn(),
        colour=draw.colour(),
    )
