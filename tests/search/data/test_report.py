import numpy as np
import pytest
from PIL import Image

from search.data import source_from
from search.data.report import imbalance, lines, report


def told(source, resolution=8):
    return "\n".join(lines(report(source, resolution)))


def test_a_folder_is_reported_with_sizes_and_what_was_skipped(write_folder):
    root = write_folder("images", {"ant": 40, "bee": 10}, size=(12, 10))
    Image.new("RGB", (30, 40)).save(root / "ant" / "large.png")
    (root / "bee" / "torn.png").write_text("no image")
    found = report(source_from({"source": "folder", "path": root, "corrupt": "skip"}), 8)
    assert found.counts == {"train": [26, 6], "validation": [7, 2], "test": [8, 2]}
    text = "\n".join(lines(found))
    assert "2 classes; images: 32 train, 9 validation, 10 test" in text
    assert "images 10 to 40 high, 12 to 30 wide, resized to 8 x 8" in text
    assert (
        "class 'ant' has 4.33 times as many training images as 'bee' (26 and 6); data.balance is not set"
        in text
    )
    assert "not decodable, left out: bee/torn.png (not an image)" in text
    assert "files read: 52 .png; left out: no file" in text
    pixels, numbers = 51 * 8 * 8 * 3, 51 * 16
    assert pixels + numbers < found.bytes < pixels + numbers + 2000
    assert f"cache: {found.place}, {found.bytes:,} bytes (decoded)" in text


def test_what_is_streamed_has_a_small_cache(write_folder):
    root = write_folder("images", {"ant": 20, "bee": 5})
    text = told(source_from({"source": "folder", "path": root, "stream": True}))
    assert "(labels and statistics; images are streamed)" in text
    assert "not decodable" not in text


def test_shapes_are_drawn_at_any_size():
    text = told(source_from({"source": "shapes", "images": 100, "test_images": 10, "balance": "loss"}), 16)
    assert "drawn at 16 x 16 to train on; mirrored: yes" in text
    assert "imbalance: no class has over 3 times the images of another; data.balance=loss" in text


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((30, 10), ""),
        ((31, 10), "class 'a' has 3.1 times as many training images as 'b' (31 and 10)"),
        ((1, 1200), "class 'b' has 1.2e+03 times as many training images as 'a' (1,200 and 1)"),
    ],
)
def test_classes_over_three_times_as_large_are_worth_a_word(counts, expected):
    assert imbalance(("a", "b"), np.repeat([0, 1], counts)) == expected
