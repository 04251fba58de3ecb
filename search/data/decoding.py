"""The decoding of image files: the formats that are read, and the conversions between Pillow and NumPy."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError, features

from search.data.metadata import without_metadata
from search.data.source import Images

T = TypeVar("T")

# Pillow warns about damaged metadata and large images, naming its own source file. Neither affects the pixels, and
# the limit on pixels is `MAX_PIXELS`.
warnings.filterwarnings("ignore", module=r"PIL\.")
Image.MAX_IMAGE_PIXELS = None

_ALWAYS = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".jif"),
    "PNG": (".png",),
    "BMP": (".bmp", ".dib"),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
}
_OPTIONAL = {
    "WEBP": ("webp", (".webp",)),
    "AVIF": ("avif", (".avif",)),
    "JPEG2000": ("jpg_2000", (".jp2", ".j2k")),
}
FORMATS = {suffix: name for name, suffixes in _ALWAYS.items() for suffix in suffixes} | {
    suffix: name
    for name, (feature, suffixes) in _OPTIONAL.items()
    if features.check(feature)
    for suffix in suffixes
}
"""Pillow's format names by file ending. Only these endings are read; the content may have any of the formats."""
_NAMES = tuple(dict.fromkeys(FORMATS.values()))

MAX_PIXELS = 178_956_970
"""The default limit on the pixels of an image file: twice `MAX_IMAGE_PIXELS`, above which Pillow raises an error."""

Box = tuple[float, float, float, float]
_GAP = 3
"""JPEGs are decoded at a half, a quarter or an eighth of their size if each side then still has this many times the
needed pixels. Pillow's documentation (`Image.draft`, `reducing_gap`) calls the result indistinguishable."""

_OTHER_CONTENTS = (
    (b"%PDF", 0, "a PDF document"),
    (b"PK\x03\x04", 0, "a zip archive"),
    (b"\x1f\x8b", 0, "a gzip archive"),
    (b"Rar!", 0, "a RAR archive"),
    (b"7z\xbc\xaf", 0, "a 7-Zip archive"),
    (b"8BPS", 0, "a Photoshop file"),
    (b"<svg", 0, "an SVG drawing, which is not read"),
    (b"\xff\x0a", 0, "a JPEG XL image, which is not read"),
    (b"JXL ", 4, "a JPEG XL image, which is not read"),
    (b"ftypmp4", 4, "a video"),
    (b"ftypisom", 4, "a video"),
    (b"ftypqt", 4, "a video"),
    (b"ftyphei", 4, "a HEIC image, which is not read"),
    (b"ftypmif1", 4, "a HEIF image, which is not read"),
    (b"ftypavif", 4, "an AVIF image, which this Pillow does not read"),
    (b"version https://git-lfs", 0, "a pointer of Git LFS: git lfs pull"),
    (b"\x00\x05\x16\x07", 0, "metadata of macOS"),
)
"""The signatures of files that are often mistaken for images: (bytes, their position in the file, description)."""


class TooManyPixels(ValueError):
    """The error for an image with more pixels than the limit permits."""


def photograph(
    path: str, resolution: int, channels: int = 3, crop: float | None = 1.0, max_pixels: int = MAX_PIXELS
) -> tuple[Images, tuple[int, int]]:
    """Return the centre of an image file (resolution, resolution, channels), and its height and width as stored.

    The image is first rotated as its EXIF says, if that is readable, and transparency is put on white. Then the
    central square is cut out and resized; its side is `crop` times the short side of the image. With crop=None the
    whole image is resized. channels: 1 or 3. Raises `TooManyPixels` for an image of more than `max_pixels` pixels,
    ValueError for values that `opaque` refuses, and Pillow's error if the file cannot be decoded.
    """

    def decoded(file: Image.Image) -> tuple[Image.Image, tuple[int, int]]:
        if file.height * file.width > max_pixels:
            raise TooManyPixels(f"{file.width:,} x {file.height:,} pixels; at most {max_pixels:,} are read")
        stored = file.height, file.width
        file.draft("RGB", (_GAP * resolution, _GAP * resolution))
        return opaque(_upright(file)).convert("L" if channels == 1 else "RGB"), stored

    image, stored = _opened(path, decoded)
    if crop is None:
        return resized(image, resolution).reshape(resolution, resolution, channels), stored
    side = min(image.size) * crop
    left, top = (image.width - side) / 2, (image.height - side) / 2
    cut = resized(image, resolution, (left, top, left + side, top + side))
    return cut.reshape(resolution, resolution, channels), stored


def _opened(path: str, read: Callable[[Image.Image], T]) -> T:
    """Open an image file and return what `read` makes of it.

    Pillow refuses files whose metadata are malformed or contain much text. Such PNG and JPEG files are then read
    without their metadata. If that fails too, the error of Pillow or `read` is raised.
    """
    try:
        with Image.open(path, formats=_NAMES) as file:
            return read(file)
    except Exception:  # Malformed bytes make Pillow's decoders raise any exception.
        bare = without_metadata(path)
        if bare is None:
            raise
    with Image.open(bare, formats=_NAMES) as file:
        return read(file)


def _upright(file: Image.Image) -> Image.Image:
    """Return the image turned as EXIF says; unchanged if its EXIF is malformed."""
    file.load()
    try:
        return ImageOps.exif_transpose(file)
    except Exception:  # Malformed metadata make Pillow raise any exception. The pixels are already decoded.
        return file


def undecodable(error: Exception, path: str) -> str:
    """Return the reason why an image file could not be decoded, in a few words without the path."""
    if isinstance(error, UnidentifiedImageError):
        return _content(path)
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(reason.split()) or type(error).__name__


def _content(path: str) -> str:
    """Return a description of the content of a file that Pillow does not recognise, such as "an empty file"."""
    with open(path, "rb") as file:
        head = file.read(64)
    if not head:
        return "an empty file"
    if head.lstrip()[:5].lower() in (b"<html", b"<!doc"):
        return "not an image, but a web page"
    for beginning, position, name in _OTHER_CONTENTS:
        if head[position:].startswith(beginning):
            return name
    return "not an image"


def grey(path: str) -> bool:
    """Return True if an image file is stored without colours. Palettes count as colours. Only its header is read.

    Raises whatever Pillow raises if the file is not an image.
    """
    mode = _opened(path, lambda file: file.mode)
    return mode in ("1", "L", "LA", "La", "F") or mode.startswith("I")


def stored_range(path: str) -> str:
    """Return the range of the values in an image file, for a message: "values 0 to 119 of 65,535"."""

    def stored(file: Image.Image) -> tuple[NDArray[Any], str]:
        return np.asarray(file.convert("L") if file.mode in ("1", "P") else file), file.mode

    values, mode = _opened(path, stored)
    largest = "65,535" if mode.startswith("I") else "1" if mode == "F" else "255"
    return f"values {values.min():g} to {values.max():g} of {largest}"


def resized(image: Image.Image, resolution: int, box: Box | None = None) -> Images:
    """Return the image, or its part `box` (left, top, right, bottom; pixels), as resolution x resolution pixels.

    The interpolation is bilinear with antialiasing, as in torchvision's `Resize`.
    """
    return np.asarray(image.resize((resolution, resolution), Image.Resampling.BILINEAR, box=box))


def opaque(image: Image.Image) -> Image.Image:
    """Return any kind of image with 8 bits per channel, and with transparency put on white.

    Integers of more than 8 bits are read as 0 to 65,535, floating-point numbers as 0 to 1. Raises ValueError for
    other values.
    """
    if image.mode == "F":
        image = Image.fromarray(np.rint(_within(np.asarray(image), 1) * 255).astype(np.uint8))
    elif image.mode.startswith("I"):  # Pillow would clip to 255.
        image = Image.fromarray((_within(np.asarray(image), 65_535) >> 8).astype(np.uint8))
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image


def _within(values: NDArray[Any], largest: int) -> NDArray[Any]:
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= largest):
        raise ValueError(f"values from {low:g} to {high:g}; only 0 to {largest:,} are read")
    return values
