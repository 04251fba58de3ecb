import numpy as np
import pytest
from PIL import Image

from search.data import load, source_from

RANDOM = np.random.default_rng(0)


def folder_of(root, image, count=12):
    for label, name in enumerate(("cat", "dog")):
        (root / name).mkdir(parents=True)
        for number in range(count):
            image(label, number).save(root / name / f"{number}.tif")
    return load(source_from({"source": "folder", "path": root}), 16)


def npz_of(root, train_x, **others):
    labels = np.arange(len(train_x)) % 2
    np.savez(root / "data.npz", train_x=train_x, train_y=labels, **others)
    return load(source_from({"source": "npz", "path": root / "data.npz"}), 16)


def remarks(data, word):
    return [text for text in data.remarks if word in text]


def noise(low, high, dtype, shape=(16, 16)):
    return lambda label, number: Image.fromarray(RANDOM.integers(low, high, shape).astype(dtype))


@pytest.mark.parametrize(
    ("image", "shown"),
    [
        (noise(0, 219, np.uint16), "of 65,535)"),
        (noise(0, 4096, np.uint16), "of 65,535)"),
        (noise(0, 255, np.int32), "of 65,535)"),
        (noise(0, 2, np.uint8), "(values 0 to 1 of 255)"),
        (noise(250, 256, np.uint8, (16, 16, 3)), "of 255)"),
        (lambda label, number: Image.fromarray((RANDOM.random((16, 16)) / 255).astype(np.float32)), "of 1)"),
    ],
)
def test_images_that_became_uniform_are_noticed_with_their_range(tmp_path, image, shown):
    (remark,) = remarks(folder_of(tmp_path / "d", image), "uniform")
    assert remark.startswith("24 of 24 images are nearly uniform, such as cat/")
    assert remark.endswith(shown)


def test_fourteen_bits_in_sixteen_are_noticed(tmp_path):
    data = folder_of(tmp_path / "d", noise(0, 2**14, np.uint16))
    assert remarks(data, "all training pixels lie between 0 and 63 of 0 (black) to 255 (white)")


def test_floats_cast_to_bytes_are_noticed(tmp_path):
    data = npz_of(tmp_path, RANDOM.random((40, 16, 16, 3)).round().astype(np.uint8))
    (remark,) = remarks(data, "uniform")
    assert "(values 0 to 1 of 255)" in remark


@pytest.mark.parametrize(
    "image", [noise(0, 256, np.uint8), noise(0, 2**16, np.uint16), noise(60, 200, np.uint8)]
)
def test_usual_images_are_not_remarked_upon(tmp_path, image):
    assert [text for text in folder_of(tmp_path / "d", image).remarks if "files read" not in text] == []


def test_a_few_blank_images_are_not_worth_a_word(tmp_path):
    images = RANDOM.integers(0, 256, (400, 16, 16, 3), dtype=np.uint8)
    images[:3] = 0
    assert not remarks(npz_of(tmp_path, images), "uniform")


def test_images_in_two_splits_are_counted(tmp_path):
    images = RANDOM.integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)
    others = {
        "val_x": images[:10],
        "val_y": np.arange(10) % 2,
        "test_x": images[30:],
        "test_y": np.arange(10) % 2,
    }
    data = npz_of(tmp_path, images, **others)
    assert remarks(data, "identical") == [
        "10 validation images are identical to training images",
        "10 test images are identical to training images",
    ]
