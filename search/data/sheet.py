"""A contact sheet: a few training images of every class beside its name."""

from __future__ import annotations

import io
import math
from pathlib import Path
from unicodedata import normalize

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from search.data.dataset import Split
from search.data.source import Images

_SIDE, _GAP, _NAME, _TEXT = 64, 4, 168, 15
"""Pixels: of an image, between images, of a column of names at most, of their letters' height."""
_IMAGES = 8
"""Of each class."""
_ROWS = 20
"""Classes in a column."""
_MOST = 200
"""Classes on a sheet; the first of more."""


def contact_sheet(classes: tuple[str, ...], split: Split) -> bytes:
    """A PNG with the first images of every class in `split`, as they are trained on, enlarged or reduced."""
    # Some file systems write é as e and an accent, which would be drawn one after the other.
    shown = [normalize("NFC", name) for name in classes[:_MOST]]
    columns, rows = -(-len(shown) // _ROWS), min(len(shown), _ROWS)
    font = _font()
    beside = min(_NAME, 3 * _GAP + math.ceil(max(map(font.getlength, shown))))
    across, down = beside + _IMAGES * (_SIDE + _GAP) + 4 * _GAP, _SIDE + _GAP
    sheet = Image.new("RGB", (columns * across + _GAP, rows * down + _GAP), "white")
    pen = ImageDraw.Draw(sheet)
    for number, name in enumerate(shown):
        left, top = number // _ROWS * across + _GAP, number % _ROWS * down + _GAP
        pen.text((left, top + _SIDE // 2), _shortened(name, font), "black", font, anchor="lm")
        chosen = np.flatnonzero(split.labels == number)[:_IMAGES]
        for place, image in enumerate(split.images[chosen]):
            sheet.paste(_thumbnail(image), (left + beside + place * (_SIDE + _GAP), top))
    content = io.BytesIO()
    sheet.save(content, "PNG")
    return content.getvalue()


def _font() -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which matplotlib ships: Pillow's own font has boxes for accents, Greek and Cyrillic."""
    import matplotlib

    file = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    # Raqm, the other engine, raises for a name that is a line break.
    return ImageFont.truetype(file, _TEXT, layout_engine=ImageFont.Layout.BASIC)


def _thumbnail(image: Images) -> Image.Image:
    """One image (height, width, 1 or 3): small ones enlarged pixel by pixel, so that one sees what they have."""
    flat = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    method = Image.Resampling.NEAREST if flat.width <= _SIDE else Image.Resampling.BILINEAR
    return flat.resize((_SIDE, _SIDE), method)


def _shortened(name: str, font: ImageFont.FreeTypeFont) -> str:
    """The name, or as much of its beginning as fits beside the images."""
    if font.getlength(name) <= _NAME - 2 * _GAP:
        return name
    while name and font.getlength(name + "...") > _NAME - 2 * _GAP:
        name = name[:-1]
    return name + "..."
