import io
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from search.data.decoding import FORMATS, photograph, stored_range, undecodable


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
    with pytest.raises(ValueError, match=r"40 x 30 pixels; up to 1,199 are read: data\.max_pixels"):
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
