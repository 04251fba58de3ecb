import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.data.decoding import FORMATS
from search.data.layout import image_files, layout, split_of
from space.refusal import UserError


def write(root, *files):
    """Empty files: a layout does not look into them."""
    for file in files:
        place = root / file
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"")
    return root


def classes(*folders, ending="png"):
    return [
        f"{folder}/{name}/{n}.{ending}".lstrip("/")
        for folder in folders
        for name in ("cat", "dog")
        for n in range(2)
    ]


NAMES = {
    "train": ["train", "Train", "TRAINING", "training_set", "train2017", "trainset", "Train Images"],
    "validation": ["val", "valid", "validate", "Validation", "dev", "val2017", "valid-set", "development"],
    "test": ["test", "tests", "Testing", "TestImages", "test_set"],
}


@settings(max_examples=40, deadline=None)
@given(
    names=st.fixed_dictionaries({part: st.sampled_from(names) for part, names in NAMES.items()}),
    data=st.data(),
)
def test_splits_have_the_names_that_people_give_them(tmp_path_factory, names, data):
    parts = ["train", *data.draw(st.lists(st.sampled_from(["validation", "test"]), unique=True, min_size=1))]
    root = write(tmp_path_factory.mktemp("data"), *classes(*(names[part] for part in parts)))
    listed = layout(root)
    assert listed.folders == {part: names[part] for part in parts}
    assert {part: list(files) for part, files in listed.files.items()} == {
        key: ["cat", "dog"] for key in parts
    }


@pytest.mark.parametrize(
    "name", ["cat", "trainers", "testament", "valley", "devil", "train1", "evaluation", "tram"]
)
def test_other_names_are_no_splits(name):
    assert split_of(name) is None


@pytest.mark.parametrize(
    ("files", "line"),
    [
        (
            classes("train1", "test1"),
            "'test1' and 'train1' in .* hold the same class folders and look like splits",
        ),
        (classes("val", "test"), "'test' and 'val' in .* look like splits"),
        (classes("part_a", "part_b"), "'part_a' and 'part_b' in .* look like splits"),
        (classes("query", "gallery", "bounding"), "hold the same class folders and look like splits"),
        (classes("train", "holdout"), "'holdout' holds class folders as 'train' does"),
        (classes("train", "eval"), "'eval' holds class folders as 'train' does"),
        (
            classes("train", "val", "validation"),
            "'val' and 'validation' in .* look like the validation split",
        ),
        (["train/1.png", "train/2.png", "test/1.png"], "look like splits, and there are no class folders"),
        (
            ["Training/1.png", "Validation/2.png", "Testing/1.png"],
            "look like splits, and there are no class folders",
        ),
        (
            [*classes(""), *classes("test")],
            "'test' in .* holds class folders of the same names as those beside it",
        ),
        (
            [f"{name}/{part}/1.png" for name in ("cat", "dog") for part in ("train", "test")],
            "'cat' and 'dog' in .* hold 'test' and 'train'; put the splits above the classes, as in train/cat",
        ),
        (
            ["cat/train/1.png", "cat/val/1.png", "dog/Training/1.png", "dog/Testing/1.png", "eel/1.png"],
            "'cat' and 'dog' in .*; put the splits above the classes",
        ),
        (classes("flowers"), "holds one class, 'flowers'. Are the class folders in it"),
    ],
)
def test_what_looks_like_splits_is_never_taken_for_classes(tmp_path, files, line):
    with pytest.raises(UserError, match=line) as refusal:
        layout(write(tmp_path, *files))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "files",
    [
        [*classes("indoor"), *classes("outdoor")],  # class folders with folders of their own, by colour
        ["car/1.png", "train/1.png", "test/1.png"],  # vehicles
        ["test tube/a/1.png", "beaker/b/1.png"],
        ["cat/2019/1.png", "cat/2020/1.png", "dog/2019/1.png"],
        ["goods/train/1.png", "goods/test/1.png", "people/tram/1.png"],
        ["diesel/train/1.png", "steam/train/1.png"],
    ],
)
def test_classes_may_have_folders_or_odd_names(tmp_path, files):
    root = write(tmp_path, *files)
    assert list(layout(root).files["train"]) == sorted({file.split("/")[0] for file in files})


JUNK = [
    "__MACOSX",
    "@eaDir",
    "lost+found",
    "$RECYCLE.BIN",
    "System Volume Information",
    "#recycle",
    ".git",
    "CVS",
]


@settings(max_examples=40, deadline=None)
@given(
    junk=st.lists(st.sampled_from(JUNK), unique=True),
    where=st.sampled_from(["", "cat/", "train/", "train/cat/"]),
    endings=st.dictionaries(st.sampled_from([".txt", ".heic", ".CSV", "", ".xml"]), st.integers(1, 3)),
)
def test_everything_that_is_left_out_is_counted_and_changes_nothing(tmp_path_factory, junk, where, endings):
    root = tmp_path_factory.mktemp("data")
    top = "train" if where.startswith("train") else ""
    write(root, *classes(top))
    for name in junk:
        write(root, f"{where}{name}/cat/._1.png", f"{where}{name}/dog/1.png")
    for ending, count in endings.items():
        write(root, *(f"{where}note{number}{ending}" for number in range(count)))
    listed = layout(root)
    assert {name: len(files) for name, files in listed.files["train"].items()} == {"cat": 2, "dog": 2}
    assert listed.left_out == {
        **{f"folder {name}": 1 for name in junk},
        **{ending.lower() or "without an ending": count for ending, count in endings.items()},
    }
    assert all(part.split(" ", 1)[-1] in listed.remark for part in listed.left_out)


def test_images_outside_of_class_folders_and_hidden_files_are_counted(tmp_path):
    root = write(tmp_path, *classes("train"), "a.png", "train/b.jpg", "train/cat/._0.png", "extra/1.png")
    assert layout(root).left_out == {"images outside of class folders": 2, "hidden": 1, "folder extra": 1}
    assert layout(root).remark == "2 images outside of class folders, folder extra, 1 hidden"


def test_a_class_of_files_that_are_not_read_says_which_it_holds(tmp_path):
    root = write(tmp_path, *classes(""), "eel/1.heic", "eel/2.heic", "eel/3.txt")
    with pytest.raises(UserError, match=r"eel' holds no image \(.*\)\. It holds 2 \.heic, 1 \.txt\."):
        layout(root)


@settings(max_examples=25, deadline=None)
@given(name=st.binary(min_size=1, max_size=8).filter(lambda b: not set(b) & set(b"/\0.") and b.strip()))
def test_class_folders_may_have_any_bytes_as_names(tmp_path_factory, name):
    root = write(tmp_path_factory.mktemp("data"), "a-class/1.png")
    try:
        os.makedirs(os.path.join(os.fsencode(root), b"z" + name))
    except OSError:
        return  # This file system permits fewer names.
    open(os.path.join(os.fsencode(root), b"z" + name, b"1.png"), "wb").close()
    other = list(layout(root).files["train"])[1]
    assert other == (b"z" + name).decode("utf-8", "backslashreplace")
    assert other.encode()


def test_links_that_lead_back_are_followed_once(tmp_path):
    root = write(tmp_path, *classes(""))
    (root / "cat" / "all").symlink_to(root)
    assert len(list(image_files(root))) == 4
    assert list(layout(root).files["train"]) == ["cat", "dog"]


def test_links_that_lead_to_themselves_are_corrupt_images_and_no_classes(tmp_path):
    root = write(tmp_path, *classes(""))
    (root / "loop").symlink_to("loop")
    (root / "cat" / "loop.png").symlink_to("loop.png")
    found = layout(root)
    assert found.left_out == {"without an ending": 1}
    assert str(root / "cat" / "loop.png") in found.files["train"]["cat"]


@pytest.mark.parametrize("target", ["pipe", "/dev/zero", "/dev/null"])
def test_files_that_never_end_are_not_read(tmp_path, target):
    root = write(tmp_path, *classes(""))
    os.mkfifo(root / "cat" / "pipe")
    (root / "cat" / "special.png").symlink_to(target)
    found = layout(root)
    assert found.left_out == {"without an ending": 1, "special files": 1}
    assert len(found.files["train"]["cat"]) == 2


def test_the_formats_have_their_common_endings():
    assert {".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp"} <= FORMATS.keys()
