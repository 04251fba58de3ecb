import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.transforms.functional import center_crop, resize

from search.data import load, load_test, source_from
from search.data.decoding import photograph
from space.refusal import UserError


def folder(path, **options):
    return source_from({"source": "folder", "path": path, **options})


def test_one_folder_of_classes_is_split_in_three(write_folder):
    source = folder(write_folder("images", {"bee": 20, "ant": 10}), test=0.2, validation=0.25)
    data, test = load(source, 8), load_test(source, 8)
    assert data.classes == ("ant", "bee")
    assert [np.bincount(split.labels).tolist() for split in (data.train, data.validation, test)] == [
        [6, 12],
        [2, 4],
        [2, 4],
    ]
    for split in (data.train, data.validation, test):  # "bee" was written first: red is 0; "ant" is 60
        assert np.array_equal(split.images[:, 0, 0, 0], 60 - 60 * split.labels)
    every = [tuple(image[0, 0]) for split in (data.train, data.validation, test) for image in split.images]
    assert len(set(every)) == 30


@pytest.mark.parametrize(("name", "sizes"), [("val", (16, 7, 4)), ("test", (16, 4, 7))])
def test_a_split_without_a_folder_is_made_from_train(write_folder, name, sizes):
    write_folder("images/train", {"ant": 10, "bee": 10})
    root = write_folder(f"images/{name}", {"ant": 3, "bee": 4}).parent
    data, test = load(folder(root), 8), load_test(folder(root), 8)
    assert (len(data.train), len(data.validation), len(test)) == sizes
    (remark,) = [text for text in data.remarks if text.startswith("splits")]
    made = {"val": "select on val/; test on 20% of train/", "test": "select on 20% of train/; test on test/"}[
        name
    ]
    assert remark == f"splits: train from train/; {made}"


def test_with_val_and_test_val_is_what_is_selected_by(write_folder):
    write_folder("images/train", {"ant": 10, "bee": 10})
    write_folder("images/val", {"ant": 2, "bee": 3})
    root = write_folder("images/test", {"ant": 4, "bee": 4}).parent
    data, test = load(folder(root), 8), load_test(folder(root), 8)
    assert (len(data.train), len(data.validation), len(test)) == (20, 5, 8)


def test_a_class_may_be_called_train(write_folder):
    data = load(folder(write_folder("vehicles", {"car": 5, "test": 5, "train": 5})), 8)
    assert data.classes == ("car", "test", "train")


def test_hidden_and_other_files_are_ignored(write_folder):
    root = write_folder("images", {"ant": 5, "bee": 5})
    (root / ".git").mkdir()
    (root / "ant" / "._000.png").write_bytes(b"of some file manager")
    (root / "bee" / "notes.txt").write_text("remember the milk")
    data = load(folder(root), 8)
    assert (data.classes, len(data.train) + len(data.validation)) == (("ant", "bee"), 8)


@pytest.mark.parametrize(
    "suffix", [".jpg", ".JPEG", ".png", ".webp", ".bmp", ".jfif", ".TIFF", ".gif", ".ppm", ".avif", ".jp2"]
)
def test_formats(write_folder, suffix):
    data = load(folder(write_folder("images", {"ant": 5, "bee": 5}, suffix)), 8)
    red = np.asarray(data.train.images)[..., 0].astype(int)
    assert abs(red - 60 * data.train.labels[:, None, None]).max() < 8


@pytest.mark.parametrize(("width", "height"), [(60, 40), (40, 60), (48, 48)])
def test_the_short_side_is_resized_and_the_middle_cut_out_as_by_torchvision(tmp_path, width, height):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "image.png")
    expected = center_crop(resize(Image.fromarray(pixels), 20), [20, 20])
    found = photograph(str(tmp_path / "image.png"), 20)[0]
    assert abs(found.astype(int) - np.asarray(expected)).max() <= 1


def test_exif_rotation_is_honoured(tmp_path):
    upright = Image.new("RGB", (16, 16), "black")
    upright.paste((255, 255, 255), (0, 0, 16, 8))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    upright.save(tmp_path / "turned.png", exif=exif)
    pixels = photograph(str(tmp_path / "turned.png"), 16)[0]
    assert (pixels[:8] == 0).all()
    assert (pixels[8:] == 255).all()


@pytest.mark.parametrize(
    ("image", "colour"),
    [
        (Image.new("RGBA", (8, 8), (255, 0, 0, 0)), (255, 255, 255)),
        (Image.new("RGBA", (8, 8), (255, 0, 0, 255)), (255, 0, 0)),
        (Image.new("LA", (8, 8), (0, 0)), (255, 255, 255)),
        (Image.new("L", (8, 8), 90), (90, 90, 90)),
        (Image.new("1", (8, 8), 1), (255, 255, 255)),
        (Image.fromarray(np.full((8, 8), 0x8000, dtype=np.uint16)), (128, 128, 128)),
        (Image.new("RGB", (8, 8), (1, 2, 3)).quantize(4), (1, 2, 3)),
    ],
)
def test_every_kind_of_image_becomes_rgb_with_transparency_on_white(tmp_path, image, colour):
    image.save(tmp_path / "image.png")
    assert (photograph(str(tmp_path / "image.png"), 8)[0] == colour).all()


def test_a_transparent_palette_is_on_white(tmp_path):
    image = Image.new("P", (8, 8), 0)
    image.putpalette([10, 20, 30])
    image.save(tmp_path / "image.png", transparency=b"\0")
    assert (photograph(str(tmp_path / "image.png"), 8)[0] == 255).all()


def test_a_large_jpeg_is_decoded_small_without_looking_different(tmp_path):
    random = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    large = Image.fromarray(random).resize((768, 768), Image.Resampling.BICUBIC)
    large.save(tmp_path / "large.jpg", quality=95)
    large.save(tmp_path / "large.png")
    fast, exact = (
        photograph(str(tmp_path / f"large.{suffix}"), 24)[0].astype(int) for suffix in ("jpg", "png")
    )
    assert abs(fast - exact).mean() < 3


def test_a_cmyk_jpeg_becomes_rgb(tmp_path):
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "image.jpg", quality=95)
    found, size = photograph(str(tmp_path / "image.jpg"), 8)
    assert abs(found.astype(int) - (255, 0, 0)).max() < 8
    assert size == (8, 8)


GREYS = {
    "grey.png": Image.new("L", (9, 9), 90),
    "with alpha.png": Image.new("LA", (9, 9), (90, 255)),
    "black and white.png": Image.new("1", (9, 9), 1),
    "16 bits.png": Image.fromarray(np.full((9, 9), 0x5A00, dtype=np.uint16)),
    "grey.jpg": Image.new("L", (9, 9), 90),
}
COLOURS = {
    "rgb.png": Image.new("RGB", (9, 9), (90, 90, 90)),
    "rgba.png": Image.new("RGBA", (9, 9), (255, 0, 0, 0)),
    "palette.png": Image.new("RGB", (9, 9), (1, 2, 3)).quantize(4),
    "cmyk.jpg": Image.new("CMYK", (9, 9), (0, 0, 0, 0)),
}


@pytest.fixture
def write_mixed(tmp_path):
    """Writes a folder of two classes, each with all the given images twice."""

    def write(images):
        for name in ("ant", "bee"):
            (tmp_path / "mixed" / name).mkdir(parents=True, exist_ok=True)
            for file, image in images.items():
                for copy in ("a", "b"):
                    image.save(tmp_path / "mixed" / name / f"{copy} {file}")
        return tmp_path / "mixed"

    return write


def test_grey_images_of_all_kinds_have_one_channel(write_mixed):
    data = load(folder(write_mixed(GREYS)), 8)
    assert data.channels == 1
    assert data.train.images.shape == (12, 8, 8, 1)
    assert set(np.unique(data.train.images)) == {90, 255}


@pytest.mark.parametrize("name", COLOURS)
def test_one_image_in_colour_makes_all_of_them_so(write_mixed, name):
    data = load(folder(write_mixed(GREYS | {name: COLOURS[name]})), 8)
    assert (data.channels, data.train.images.shape[3]) == (3, 3)


def test_the_channels_can_be_chosen(write_mixed):
    root = write_mixed(GREYS | COLOURS)
    grey = load(folder(root, channels=1), 8)
    assert (grey.channels, grey.train.images.shape[3]) == (1, 1)
    assert load(folder(write_mixed(GREYS), channels=3), 8).train.images.shape[3] == 3


def test_unreadable_files_do_not_decide_the_channels(write_mixed):
    root = write_mixed(GREYS)
    (root / "ant" / "000.png").write_text("no image")
    assert load(folder(root, corrupt="skip"), 8).channels == 1


def spoil(root: Path) -> None:
    """One file torn, one that is no image at all."""
    torn = root / "ant" / "003.png"
    torn.write_bytes(torn.read_bytes()[:50])
    (root / "bee" / "001.png").write_text("<html>404</html>")


def test_corrupt_images_are_refused_and_all_named(write_folder):
    root = write_folder("images", {"ant": 10, "bee": 10})
    spoil(root)
    with pytest.raises(UserError, match=r"Cannot decode 2 of 20 images: .*data\.corrupt=skip") as refusal:
        load(folder(root), 8)
    assert "ant/003.png (" in str(refusal.value)
    assert "bee/001.png (not an image, but a web page)" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_corrupt_images_are_skipped_on_request_and_named(write_folder):
    root = write_folder("images", {"ant": 10, "bee": 10})
    spoil(root)
    source = folder(root, corrupt="skip")
    data, test = load(source, 8), load_test(source, 8)
    assert len(data.train) + len(data.validation) + len(test) == 18
    assert sorted(name.split(" ")[0] for name in data.skipped) == ["ant/003.png", "bee/001.png"]
    for split in (data.train, data.validation, test):
        assert np.array_equal(split.images[:, 0, 0, 0], 60 * split.labels)
    assert load(source, 8).skipped == data.skipped


def test_a_class_without_an_image_left_is_refused(write_folder):
    root = write_folder("images", {"ant": 10, "bee": 3})
    for path in (root / "bee").iterdir():
        path.write_text("")
    with pytest.raises(UserError, match="All images of class 'bee' in the train split are corrupt"):
        load(folder(root, corrupt="skip"), 8)


def test_a_changed_folder_is_noticed(write_folder):
    root = write_folder("images", {"ant": 5, "bee": 5})
    before = load(folder(root), 8)
    assert load(folder(root), 8).digest == before.digest
    Image.new("RGB", (9, 9), (250, 250, 250)).save(root / "ant" / "new.png")
    after = load(folder(root), 8)
    assert after.digest != before.digest
    assert (len(before.train), len(after.train)) == (6, 7)


def test_the_same_images_elsewhere_have_the_same_digest(write_folder):
    digests = {load(folder(write_folder(root, {"ant": 5, "bee": 5})), 8).digest for root in ("here", "there")}
    assert len(digests) == 1


def test_a_dangling_link_is_a_corrupt_image(write_folder):
    root = write_folder("images", {"ant": 5, "bee": 5})
    (root / "ant" / "lost.png").symlink_to("nowhere.png")
    with pytest.raises(UserError, match=r"Cannot decode 1 of 11 images: ant/lost\.png \(No such file"):
        load(folder(root), 8)


@pytest.mark.parametrize(
    ("classes", "line"),
    [
        (
            {"ant": 5, "bee": 2},
            "Class 'bee' has 2 images; at least 3 are needed, one each to train, to select",
        ),
        ({"ant": 5, "bee": 0}, "bee' holds no image (.jpg, .jpeg, "),
        ({"ant": 5}, "Found 1 class (ant); a classifier needs at least 2."),
        ({}, "there is no class folder in "),
    ],
)
def test_folders_that_are_no_data_set_are_refused(tmp_path, write_folder, classes, line):
    (tmp_path / "images").mkdir()
    with pytest.raises(UserError, match=re.escape(line)):
        load(folder(write_folder("images", classes)), 8)


def test_classes_have_to_be_the_same_in_every_split(write_folder):
    write_folder("images/train", {"ant": 5, "bee": 5})
    root = write_folder("images/val", {"ant": 5, "bees": 5}).parent
    with pytest.raises(
        UserError, match="Class 'bee' is only in train; train and validation need the same classes"
    ):
        load(folder(root), 8)


def test_a_class_of_one_training_image_is_refused(write_folder):
    write_folder("images/train", {"ant": 5, "bee": 1})
    root = write_folder("images/val", {"ant": 5, "bee": 5}).parent
    with pytest.raises(
        UserError, match="Class 'bee' has 1 image; at least 2 are needed, one each to train and"
    ):
        load(folder(root), 8)


def test_a_missing_folder_is_refused_with_its_neighbour(write_folder):
    root = write_folder("flowers", {"ant": 5, "bee": 5})
    with pytest.raises(UserError, match=r"there is no .*flower'\. Did you mean .*flowers'\?"):
        load(folder(root.with_name("flower")), 8)


def test_a_link_to_nowhere_is_called_one(tmp_path):
    (tmp_path / "flowers").symlink_to("gone")
    with pytest.raises(UserError, match=r"flowers' is a link to something that does not exist\.$"):
        load(folder(tmp_path / "flowers"), 8)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "images").write_text("")
    with pytest.raises(UserError, match="is a file; a folder of class folders is needed"):
        load(folder(tmp_path / "images"), 8)


def test_a_path_may_start_at_home(write_folder, monkeypatch):
    root = write_folder("images", {"ant": 5, "bee": 5})
    monkeypatch.setenv("HOME", str(root.parent))
    assert folder("~/images").path == root
    monkeypatch.chdir(root.parent)
    assert folder("images").path == root
    assert os.path.isabs(folder("images", cache="here").cache)


def test_a_file_with_too_many_pixels_names_the_setting(write_folder):
    root = write_folder("images", {"ant": 5, "bee": 5}, size=(12, 10))
    with pytest.raises(UserError, match=r"12 x 10 pixels; at most 119 are read, see data\.max_pixels\)"):
        load(folder(root, max_pixels=119), 8)
