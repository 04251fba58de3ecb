"""PNG and JPEG files without their metadata, for files whose malformed metadata stop Pillow."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
"""The chunks of a PNG that its pixels depend on."""
_SCAN, _ADOBE, _COMMENT = 0xDA, 0xEE, 0xFE
"""The markers, in a JPEG, of the compressed pixels, of the segment with the colour transform, and of comments."""
_APPLICATIONS = range(0xE0, 0xF0)


def without_metadata(path: str) -> BytesIO | None:
    """Return the content of an image file with only the parts that its pixels depend on.

    Returns None for a file without other parts, and for one that is neither a PNG nor a JPEG.
    """
    with open(path, "rb") as file:
        head = file.read(len(_PNG))
        if head != _PNG and not head.startswith(_JPEG):
            return None
        content = head + file.read()
    bare = b"".join(_png_parts(content) if head == _PNG else _jpeg_parts(content))
    return None if bare == content else BytesIO(bare)


def _png_parts(content: bytes) -> Iterator[bytes]:
    """Yield the signature and the chunks in `_CHUNKS`, each as length (4 bytes), name (4), data and checksum (4)."""
    yield _PNG
    start = len(_PNG)
    while start < len(content):
        end = start + 12 + int.from_bytes(content[start : start + 4], "big")
        if content[start + 4 : start + 8] in _CHUNKS:
            yield content[start:end]
        start = end


def _jpeg_parts(content: bytes) -> Iterator[bytes]:
    """Yield the segments before the pixels, without metadata, then all the rest.

    A segment is a marker (2 bytes), its length without the marker (2) and data.
    """
    start = 2
    yield content[:start]
    while content[start : start + 1] == b"\xff" and start + 4 <= len(content):
        marker = content[start + 1]
        if marker == _SCAN:
            break
        end = start + 2 + int.from_bytes(content[start + 2 : start + 4], "big")
        if marker == _ADOBE or marker not in (*_APPLICATIONS, _COMMENT):
            yield content[start:end]
        start = end
    yield content[start:]
