import os
import re

import numpy as np
import pytest
from PIL import Image

from search.data import load, load_test, source_from
from search.data.decoding import photograph
from search.data.npz import _hints
from space.refusal import UserError


def npz(path, **options):
    return source_from({"source": "npz", "path": path, **options})


def test_images_and_labels_stay_together(write_npz):
    """Pixels tell the class here, so a label that went astray would show."""
    labels = np.arange(60) % 3
    images = np.broadcast_to((labels * 100)[:, None, None, None], (60, 8, 8, 3)).astype(np.uint8)
    path = write_npz(train_x=images, train_y=labels, test_x=images[:6], test_y=labels[:6])
    data = load(npz(path), 8)
    for split in (data.train, data.validation, load_test(npz(path), 8)):
        assert np.array_equal(split.images[:, 0, 0, 0], split.labels * 100)
    assert data.classes == ("ant", "bee", "cat")
    assert (len(data.train), len(data.validation)) == (48, 12)


def test_all_training_images_are_used_once_and_the_test_is_untouched(write_npz):
    path = write_npz()
    data = load(npz(path), 12)
    with np.load(path) as arrays:
        seen = np.concatenate([data.train.images, data.validation.images])
        assert sorted(map(bytes, seen)) == sorted(map(bytes, arrays["train_x"]))
        assert sorted(map(bytes, load_test(npz(path), 12).images)) == sorted(map(bytes, arrays["test_x"]))


def test_mean_and_deviation_are_of_the_training_images_in_0_to_1(write_npz):
    data = load(npz(write_npz()), 12)
    pixels = data.train.images.reshape(-1, 3) / 255
    assert data.mean == pytest.approx(pixels.mean(axis=0))
    assert data.std == pytest.approx(pixels.std(axis=0))


def test_a_constant_channel_has_no_deviation_of_zero(write_npz):
    data = load(npz(write_npz(train_x=np.full((60, 4, 4, 3), 7, dtype=np.uint8))), 4)
    assert min(data.std) > 0.001


def test_without_a_test_split_one_is_set_apart(write_npz):
    source = npz(write_npz(test_x=None, test_y=None), test=0.1)
    data, test = load(source, 12), load_test(source, 12)
    assert np.bincount(test.labels).tolist() == [2, 2, 2]
    assert (len(data.train), len(data.validation)) == (42, 12)
    every = np.concatenate([data.train.images, data.validation.images, test.images])
    assert len({bytes(image) for image in every}) == 60


@pytest.mark.parametrize("shape", [(60, 9, 9), (60, 9, 9, 1)])
def test_grey_images_have_one_channel(write_npz, shape):
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    path = write_npz(train_x=images, test_x=images[:9], classes=None)
    data = load(npz(path, flip=False), 9)
    assert data.train.images.shape == (48, 9, 9, 1)
    assert (data.channels, data.classes, data.flip) == (1, ("0", "1", "2"), False)
    assert load(npz(path), 4).train.images.shape == (48, 4, 4, 1)


@pytest.mark.parametrize("pixels", [12, 6])
def test_transparency_is_on_white(write_npz, pixels):
    images = np.zeros((60, 12, 12, 4), dtype=np.uint8)
    images[..., 0], images[..., 3] = 200, (np.arange(60) % 3 * 127)[:, None, None]
    data = load(npz(write_npz(train_x=images, test_x=images[:9])), pixels)
    assert data.channels == 3
    clear, half, opaque = (data.train.images[data.train.labels == label][0, 0, 0] for label in range(3))
    assert clear.tolist() == [255, 255, 255]
    assert abs(half.astype(int) - (228, 128, 128)).max() <= 1
    assert abs(opaque.astype(int) - (200, 1, 1)).max() <= 1


def test_the_channels_can_be_chosen(write_npz):
    """Brightness is what Pillow makes of a colour, to the bit."""
    path = write_npz()
    colour, grey = load(npz(path), 12), load(npz(path, channels=1), 12)
    assert (grey.channels, grey.train.images.shape) == (1, (48, 12, 12, 1))
    expected = [np.asarray(Image.fromarray(image).convert("L")) for image in np.asarray(colour.train.images)]
    assert np.array_equal(grey.train.images[..., 0], expected)
    assert load(npz(path, channels=3), 12).digest == colour.digest
    images = np.random.default_rng(0).integers(0, 256, (60, 9, 9), dtype=np.uint8)
    path = write_npz(train_x=images, test_x=images[:9])
    tripled = load(npz(path, channels=3), 9).train.images
    assert np.array_equal(tripled, np.repeat(load(npz(path), 9).train.images, 3, axis=3))


def test_other_sizes_are_resized_over_the_area_of_the_new_pixels(write_npz):
    """A checkerboard of single pixels becomes grey, not black or white: nothing is skipped."""
    board = np.indices((16, 32)).sum(axis=0) % 2 * 255
    images = np.broadcast_to(board[None, :, :, None], (60, 16, 32, 3)).astype(np.uint8)
    data = load(npz(write_npz(train_x=images)), 8)
    inner = np.asarray(data.train.images)[:, 1:-1, 1:-1]
    assert abs(inner.astype(int) - 128).max() < 20


def test_a_class_without_training_images_is_refused(write_npz):
    images = np.random.default_rng(1).integers(0, 256, (9, 12, 12, 3), dtype=np.uint8)
    path = write_npz(train_y=np.arange(60) % 2, val_x=images, val_y=np.arange(9) % 3)
    with pytest.raises(UserError, match=r"^Class 'cat' has 3 validation images, and none to train\.$"):
        load(npz(path), 12)


def test_labels_may_be_a_column(write_npz):
    assert len(load(npz(write_npz(train_y=(np.arange(60) % 3).astype(np.int8)[:, None])), 12).train) == 48


def test_a_changed_file_is_noticed_even_if_its_time_is_restored(write_npz):
    path = write_npz()
    before, times = load(npz(path), 12), os.stat(path)
    with np.load(path) as arrays:
        write_npz(train_x=255 - arrays["train_x"])
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert path.stat().st_size == times.st_size
    after = load(npz(path), 12)
    assert after.digest != before.digest
    assert sorted(map(bytes, 255 - after.train.images)) == sorted(map(bytes, before.train.images))


IMAGES = np.zeros((60, 12, 12, 3), dtype=np.uint8)
BAD = [
    (
        {"train_x": None, "x_train": IMAGES},
        "has no 'train_x'. Is it 'x_train'? Save it as 'train_x'. It holds: ",
    ),
    (
        {"train_x": None, "train_y": None, "x_train": IMAGES, "y_train": np.arange(60) % 3},
        "has no 'train_x'. Is it 'x_train'? Save it as 'train_x'. It holds: ",
    ),
    (
        {"train_x": None, "train_images": IMAGES},
        "has no 'train_x'. Is it 'train_images'? Save it as 'train_x'. It holds: ",
    ),
    ({"train_x": None, "trainX": IMAGES, "trainY": IMAGES}, "Is it 'trainX'? Save it as 'train_x'."),
    ({"train_y": None, "trainX": IMAGES, "trainY": IMAGES}, "Is it 'trainY'? Save it as 'train_y'."),
    ({"test_y": None}, "has no 'test_y'"),
    (
        {"train_x": IMAGES / 255},
        "for white. Its values are 0 to 1: multiply them by 255 and convert them to uint8.",
    ),
    (
        {"train_x": (IMAGES / 255).astype(np.float16)},
        "train_x is float16; uint8 is needed, 0 for black and 255",
    ),
    ({"test_x": IMAGES[:9] > 9}, "test_x is bool; uint8 is needed, 0 for black and 255 for white."),
    ({"train_x": IMAGES[0]}, "train_y has the shape (60,) for 12 images"),
    ({"train_x": IMAGES.transpose(0, 3, 1, 2)}, "transpose it with (0, 2, 3, 1)"),
    ({"train_x": np.zeros((60, 12, 12, 5), np.uint8)}, "train_x has the shape (60, 12, 12, 5); (n, hei"),
    ({"train_x": np.zeros((60, 12, 12, 4), np.uint8)}, "train_x has 4 channels, test_x has 3"),
    ({"train_x": IMAGES[:0], "train_y": np.zeros(0, int)}, "train_x has no images"),
    ({"test_x": IMAGES[:9, ..., :1]}, "train_x has 3 channels, test_x has 1"),
    ({"train_y": np.arange(60) % 3 / 2}, "train_y is float64; integers"),
    ({"train_y": np.arange(59) % 3}, "train_y has the shape (59,) for 60 images"),
    ({"train_y": np.arange(60) % 3 - 1}, "labels go down to -1"),
    (
        {"train_y": np.arange(60).astype(np.uint64) + 2**63},
        "train_y goes up to 9223372036854775867; the labels",
    ),
    ({"train_y": np.arange(60) % 4}, "labels go up to 3, but there are names for 3 classes only"),
    ({"train_y": np.arange(60) % 2}, "Class 'cat' has 0 images; at least 2 are needed"),
    ({"train_y": np.zeros(60, int), "test_y": np.zeros(9, int), "classes": None}, "Found 1 class (0)"),
    (
        {"train_y": np.minimum(np.arange(60) % 60, 2), "test_x": None, "test_y": None},
        "Class 'ant' has 1 image; at least 3",
    ),
    ({"classes": np.array(["ant", "bee", "bee"])}, "names a class twice"),
    ({"classes": np.arange(3)}, "classes is an array of int64 with the shape (3,); a list of names"),
    ({"classes": np.array(["ant", "bee", None], dtype=object)}, "'classes' in "),
]


@pytest.mark.parametrize(("changes", "line"), BAD)
def test_arrays_that_do_not_fit_are_refused_in_one_line(write_npz, changes, line):
    with pytest.raises(UserError, match=re.escape(line)) as refusal:
        load(npz(write_npz(**changes)), 12)
    assert "\n" not in str(refusal.value)


def test_a_missing_file_is_refused_with_its_neighbour(write_npz):
    path = write_npz("flowers.npz")
    with pytest.raises(UserError, match=r"there is no .*flower\.npz'. Did you mean .*flowers\.npz'\?"):
        load(npz(path.with_name("flower.npz")), 12)


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 torn"])
def test_another_kind_of_file_is_refused(tmp_path, content):
    path = tmp_path / "data.npz"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"is not a \.npz file"):
        load(npz(path), 12)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(UserError, match=r"Cannot read .* \(Is a directory\)"):
        load(npz(tmp_path), 12)


def test_a_single_array_is_refused(tmp_path):
    np.save(tmp_path / "data.npy", IMAGES)
    with pytest.raises(UserError, match="holds one array"):
        load(npz(tmp_path / "data.npy"), 12)


def test_a_damaged_array_is_refused(write_npz):
    path = write_npz()
    content = bytearray(path.read_bytes())
    content[2000] ^= 255
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"'train_x' in .* is damaged"):
        load(npz(path), 12)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("valid_x", "val_x"),
        ("validation_images", "val_x"),
        ("valX", "val_x"),
        ("x_val", "val_x"),
        ("val-labels", "val_y"),
        ("testing_imgs", "test_x"),
        ("y_test", "test_y"),
        ("class_names", "classes"),
        ("categories", "classes"),
        ("notes", ""),
        ("x", ""),
    ],
)
def test_keys_of_other_tools_are_told_our_names(key, name):
    said = list(_hints({"train_x": IMAGES, "train_y": IMAGES}, ["other", key]))
    assert said == ([f"{key} is read if it is called {name}"] if name else [])


@pytest.mark.parametrize(("shape", "whole"), [((60, 12, 12, 3), False), ((60, 6, 12, 3), True)])
def test_arrays_that_are_not_square_are_squeezed_as_files_are_for_their_network(
    write_npz, tmp_path, shape, whole
):
    rng = np.random.default_rng(1)
    arrays = rng.integers(0, 256, shape, dtype=np.uint8)
    data = load(npz(write_npz(train_x=arrays)), 8)
    assert data.whole is whole
    seen = set(map(bytes, [*data.train.images, *data.validation.images]))
    for place in range(3):
        path = tmp_path / f"{place}.png"
        Image.fromarray(arrays[place]).save(path)
        assert bytes(photograph(str(path), 8, crop=None)[0]) in seen
