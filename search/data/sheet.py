"""Contact sheets: a few training images of every class with its name, and images with captions."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from unicodedata import normalize

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from search.data.dataset import Split
from search.data.source import Images

_SIDE, _GAP, _NAME, _TEXT = 64, 4, 168, 15
"""The side of an image, the gap between images, the largest width of a name and the height of letters, in pixels."""
_IMAGES = 8
"""The number of images of each class."""
_ROWS = 20
"""The number of classes in a column."""
_MAX_CLASSES = 200
"""The largest number of classes on a sheet. The first classes are shown."""
_WIDE, _COLUMNS = 168, 6
"""The side of an image with a caption in pixels, and the number of such images in a row."""


def contact_sheet(classes: tuple[str, ...], split: Split) -> bytes:
    """Return a PNG with the first images of each class in `split` and its name, for up to `_MAX_CLASSES` classes."""
    # Some file systems write é as e and an accent, which would be drawn one after the other.
    names = [normalize("NFC", name) for name in classes[:_MAX_CLASSES]]
    columns, rows = -(-len(names) // _ROWS), min(len(names), _ROWS)
    font = _font()
    name_width = min(_NAME, 3 * _GAP + math.ceil(max(map(font.getlength, names))))
    width, height = name_width + _IMAGES * (_SIDE + _GAP) + 4 * _GAP, _SIDE + _GAP
    sheet = Image.new("RGB", (columns * width + _GAP, rows * height + _GAP), "white")
    pen = ImageDraw.Draw(sheet)
    for number, name in enumerate(names):
        left, top = number // _ROWS * width + _GAP, number % _ROWS * height + _GAP
        pen.text((left, top + _SIDE // 2), _shortened(name, font), "black", font, anchor="lm")
        chosen = np.flatnonzero(split.labels == number)[:_IMAGES]
        for column, image in enumerate(split.images[chosen]):
            sheet.paste(_thumbnail(image), (left + name_width + column * (_SIDE + _GAP), top))
    content = io.BytesIO()
    sheet.save(content, "PNG")
    return content.getvalue()


def captioned_sheet(images: Sequence[Images], captions: Sequence[tuple[str, str]], title: str) -> bytes:
    """Return a PNG with `title` above `images` (h, w, 1 or 3), which are in rows of six.

    captions: two lines of text to put below each image, the first in black and the second in red.
    """
    rows, line, font = -(-len(images) // _COLUMNS), _TEXT + _GAP, _font()
    width, height, head = _WIDE + 2 * _GAP, _WIDE + 2 * line + 2 * _GAP, line + 2 * _GAP
    sheet = Image.new("RGB", (_COLUMNS * width + 2 * _GAP, head + rows * height + 2 * _GAP), "white")
    pen = ImageDraw.Draw(sheet)
    pen.text((2 * _GAP, 2 * _GAP), title, "black", font)
    for number, (image, texts) in enumerate(zip(images, captions, strict=True)):
        left, top = number % _COLUMNS * width + 2 * _GAP, head + number // _COLUMNS * height + 2 * _GAP
        sheet.paste(_thumbnail(image, _WIDE), (left, top))
        for place, (text, shade) in enumerate(zip(texts, ("black", "#b03000"), strict=True)):
            short = _shortened(normalize("NFC", text), font, _WIDE)
            pen.text((left, top + _WIDE + _GAP // 2 + place * line), short, shade, font)
    content = io.BytesIO()
    sheet.save(content, "PNG")
    return content.getvalue()


def _font() -> ImageFont.FreeTypeFont:
    """Return DejaVu Sans, which matplotlib contains. Pillow's own font lacks accents, Greek and Cyrillic."""
    import matplotlib

    file = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    # Raqm, the other layout engine, raises for a name that is a line break.
    return ImageFont.truetype(file, _TEXT, layout_engine=ImageFont.Layout.BASIC)


def _thumbnail(image: Images, side: int = _SIDE) -> Image.Image:
    """Return one image (height, width, 1 or 3) as a thumbnail. Small images are enlarged without smoothing."""
    flat = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    method = Image.Resampling.NEAREST if flat.width <= side else Image.Resampling.BILINEAR
    return flat.resize((side, side), method)


def _shortened(name: str, font: ImageFont.FreeTypeFont, width: int = _NAME - 2 * _GAP) -> str:
    """Return the name, shortened to `width` pixels."""
    if font.getlength(name) <= width:
        return name
    while name and font.getlength(name + "...") > width:
        name = name[:-1]
    return name + "..."
