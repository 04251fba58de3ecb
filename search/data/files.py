"""Paths that the user gave, and pixels between Pillow and NumPy."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from search.data.source import Images
from space.refusal import UserError

FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".bmp": "BMP"}
"""The files that are read, by suffix; what is in them may be any of these formats."""
Box = tuple[float, float, float, float]
_GAP = 3
"""JPEGs are decoded at a half, a quarter or an eighth of their size where that leaves this many times the
pixels needed on a side; Pillow's documentation calls the result of such a gap indistinguishable."""


def existing(path: Path, place: str = "data.path") -> Path:
    """The path, if there is something. Raises `UserError`, naming the sibling that may have been meant.

    place: what the user calls it.
    """
    if path.exists():
        return path
    siblings = [sibling.name for sibling in path.parent.iterdir()] if path.parent.is_dir() else []
    close = get_close_matches(path.name, siblings, n=1, cutoff=0.5)
    hint = f" Did you mean {str(path.parent / close[0])!r}?" if close else ""
    raise UserError(f"{place}: there is no {str(path)!r}.{hint}")


def stamp(*paths: Path) -> str:
    """Sizes and times of files that exist: a hash would cost every worker seconds.

    The change time is among them because copying and unpacking tools restore the modification time.
    """
    found = (path.stat() for path in paths)
    return " ".join(f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}" for status in found)


def photograph(
    path: str, resolution: int, channels: int = 3, crop: float = 1.0
) -> tuple[Images, tuple[int, int]]:
    """The middle of an image file (resolution, resolution, channels), and the file's height and width.

    Its short side, or the part `crop` of it around the middle, is resized, the long one cut. Raises what Pillow
    raises if the file cannot be decoded.
    """
    with Image.open(path, formats=tuple(FORMATS.values())) as file:
        stored = file.height, file.width
        file.draft("RGB", (_GAP * resolution, _GAP * resolution))
        image = opaque(ImageOps.exif_transpose(file)).convert("L" if channels == 1 else "RGB")
    side = min(image.size) * crop
    left, top = (image.width - side) / 2, (image.height - side) / 2
    cut = resized(image, resolution, (left, top, left + side, top + side))
    return cut.reshape(resolution, resolution, channels), stored


def undecodable(error: Exception) -> str:
    """Why an image file could not be decoded: in a few words, without the path that Pillow and the system repeat."""
    if isinstance(error, UnidentifiedImageError):
        return "not an image"
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(reason.split()) or type(error).__name__


def grey(path: str) -> bool:
    """Whether an image file is stored without colours; read from its first bytes, palettes count as colours.

    Raises what Pillow raises if the file is no image.
    """
    with Image.open(path, formats=tuple(FORMATS.values())) as file:
        return file.mode in ("1", "L", "LA", "La") or file.mode.startswith("I")


def resized(image: Image.Image, resolution: int, box: Box | None = None) -> Images:
    """The image, or the `box` (left, top, right, bottom) of it, as resolution x resolution pixels.

    Bilinear, over the area that a new pixel covers, as torchvision's `Resize` does it with antialiasing.
    """
    return np.asarray(image.resize((resolution, resolution), Image.Resampling.BILINEAR, box=box))


def opaque(image: Image.Image) -> Image.Image:
    """Any kind of image with transparency on white, and 8 bits where there were 16."""
    if image.mode.startswith("I"):  # Pillow would clip to 255 what goes up to 65,535
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image
