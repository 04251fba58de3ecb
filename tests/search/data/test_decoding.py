import io
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from search.data.decoding import FORMATS, TooManyPixels, grey, photograph, stored_range, undecodable


def saved(path, image, **options):
    image.save(path, **options)
    return str(path)


NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 24, 3), dtype=np.uint8))


@settings(max_examples=60, deadline=None)
@given(
    exif=st.binary(max_size=40), ending=st.sampled_from(["png", "jpg", "webp", "tif"]), header=st.booleans()
)
def test_malformed_metadata_never_stop_an_image_and_never_warn(tmp_path_factory, exif, ending, header):
    content = io.BytesIO()
    try:
        NOISE.save(
            content,
            ending.replace("jpg", "jpeg").replace("tif", "tiff"),
            exif=(b"Exif\0\0" if header else b"") + exif,
        )
    except Exception:
        return  # Pillow does not write it.
    path = tmp_path_factory.mktemp("exif") / f"image.{ending}"
    path.write_bytes(content.getvalue())
    with warnings.catch_warnings(record=True) as caught:
        pixels, size = photograph(str(path), 10)
    assert not caught
    assert pixels.shape == (10, 10, 3)
    assert sorted(size) == [20, 24]


def content(image, form):
    written = io.BytesIO()
    image.save(written, form)
    return written.getvalue()


def chunk(name, data, damage=0):
    checksum = zlib.crc32(name + data) ^ damage
    return len(data).to_bytes(4, "big") + name + data + checksum.to_bytes(4, "big")


CHUNKS = (
    "tEXt zTXt iTXt pHYs gAMA cHRM sRGB iCCP eXIf tIME acTL fcTL fdAT sBIT bKGD hIST sPLT cICP iDOT".split()
)


@settings(max_examples=100, deadline=None)
@given(
    name=st.sampled_from(CHUNKS),
    head=st.sampled_from([b"", b"k\0", b"k\0\0", b"k\0\1"]),
    data=st.binary(max_size=34),
    damage=st.integers(0, 1),
    last=st.booleans(),
)
def test_malformed_chunks_never_stop_a_png(tmp_path_factory, name, head, data, damage, last):
    path, whole = tmp_path_factory.mktemp("png") / "image.png", content(NOISE, "png")
    place = len(whole) - 12 if last else 33
    path.write_bytes(whole[:place] + chunk(name.encode(), head + data, damage) + whole[place:])
    assert np.array_equal(photograph(str(path), 20)[0], photographed(NOISE, tmp_path_factory))


@settings(max_examples=100, deadline=None)
@given(
    marker=st.sampled_from([0xE0, 0xE1, 0xE2, 0xED, 0xEF, 0xFE]),
    head=st.sampled_from(
        [b"", b"JFIF\0", b"Exif\0\0II*\0", b"ICC_PROFILE\0\1\1", b"Photoshop 3.0\0008BIM", b"MPF\0II*\0"]
    ),
    data=st.binary(max_size=40),
)
def test_malformed_segments_never_stop_a_jpeg(tmp_path_factory, marker, head, data):
    path, whole = tmp_path_factory.mktemp("jpeg") / "image.jpg", content(NOISE, "jpeg")
    length = (len(head + data) + 2).to_bytes(2, "big")
    path.write_bytes(whole[:2] + bytes([0xFF, marker]) + length + head + data + whole[2:])
    pixels, size = photograph(str(path), 10)
    assert (pixels.shape, size) in (((10, 10, 3), (20, 24)), ((10, 10, 3), (24, 20)))


def photographed(image, tmp_path_factory):
    return photograph(saved(tmp_path_factory.mktemp("plain") / "image.png", image), 20)[0]


def test_text_that_pillow_finds_too_long_does_not_stop_a_png(tmp_path):
    whole, text = content(NOISE.convert("L"), "png"), zlib.compress(bytes(2**21))
    (tmp_path / "image.png").write_bytes(whole[:33] + chunk(b"zTXt", b"k\0\0" + text) + whole[33:])
    assert photograph(str(tmp_path / "image.png"), 8)[1] == (20, 24)
    assert grey(str(tmp_path / "image.png"))
    assert stored_range(str(tmp_path / "image.png")).endswith("of 255")


@pytest.mark.parametrize("form", ["png", "jpeg"])
def test_pixels_that_are_missing_are_still_noticed(tmp_path, form):
    whole = content(NOISE, form)
    (tmp_path / "image").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(OSError, match=r"(?i)truncated"):
        photograph(str(tmp_path / "image"), 8)


@pytest.mark.parametrize("ending", ["gif", "tif", "avif", "jp2", "ppm", "webp"])
def test_the_content_counts_and_not_the_ending(tmp_path, ending):
    plain = Image.new("RGB", (8, 8), (200, 40, 40))
    content = io.BytesIO()
    plain.save(content, FORMATS[f".{ending}"])
    (tmp_path / "photo.jpg").write_bytes(content.getvalue())
    assert abs(photograph(str(tmp_path / "photo.jpg"), 8)[0].astype(int) - (200, 40, 40)).max() < 12


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "an empty file"),
        (b"%PDF-1.4 ...", "a PDF document"),
        (b"PK\x03\x04....", "a zip archive"),
        (b"\x1f\x8b\x08...", "a gzip archive"),
        (b"\0\0\0\x18ftypheic....", "a HEIC image, which is not read"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS: git lfs pull"),
        (b"\n<!DOCTYPE html><p>Not found", "not an image, but a web page"),
        (b"8BPS\0\1", "a Photoshop file"),
        (b"Rar!\x1a\x07\0", "a RAR archive"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing, which is not read"),
        (b"\xff\x0a\xfa\x1f", "a JPEG XL image, which is not read"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL image, which is not read"),
        (b"\0\0\0\x18ftypmp42", "a video"),
        (b"some text", "not an image"),
    ],
)
def test_files_that_are_no_images_are_called_what_they_are(tmp_path, content, name):
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(Exception) as error:  # noqa: PT011
        photograph(str(path), 8)
    assert undecodable(error.value, str(path)) == name


def test_the_limit_on_pixels_is_a_setting(tmp_path):
    path = saved(tmp_path / "wide.png", Image.new("L", (40, 30)))
    assert photograph(path, 8, max_pixels=1200)[1] == (30, 40)
    with pytest.raises(TooManyPixels, match=r"40 x 30 pixels; at most 1,199 are read$"):
        photograph(path, 8, max_pixels=1199)


@pytest.mark.parametrize(
    ("values", "grey"),
    [
        (np.full((8, 8), 0.5, np.float32), 128),
        (np.full((8, 8), 1.0, np.float32), 255),
        (np.full((8, 8), 65_535, np.uint16), 255),
        (np.full((8, 8), 0x4000, np.uint16), 64),
        (np.full((8, 8), 0x4000, np.int32), 64),
    ],
)
def test_more_than_eight_bits_are_read_by_their_full_range(tmp_path, values, grey):
    assert (photograph(saved(tmp_path / "deep.tif", Image.fromarray(values)), 8)[0] == grey).all()


@pytest.mark.parametrize(
    "values",
    [np.full((8, 8), 1.5, np.float32), np.full((8, 8), np.nan, np.float32), np.full((8, 8), -1, np.int32)],
)
def test_values_outside_of_the_range_are_refused(tmp_path, values):
    path = saved(tmp_path / "deep.tif", Image.fromarray(values))
    with pytest.raises(ValueError, match=r"values from .* are read"):
        photograph(path, 8)


def test_the_stored_range_is_told(tmp_path):
    deep = Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8) + 100)
    assert stored_range(saved(tmp_path / "a.png", deep)) == "values 100 to 163 of 65,535"
    assert (
        stored_range(saved(tmp_path / "b.png", Image.new("RGB", (4, 4), (3, 4, 5)))) == "values 3 to 5 of 255"
    )
