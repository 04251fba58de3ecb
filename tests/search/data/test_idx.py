import gzip
import re
import shutil
import struct

import numpy as np
import pytest
from helpers.datasets import idx

from search.data import idx as idx_files
from search.data import load, load_test, source_from
from space.refusal import UserError

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def fashion(path, **options):
    return source_from({"source": "fashion_mnist", "path": path, **options})


@pytest.mark.parametrize("zipped", [True, False])
def test_images_labels_and_classes(write_idx, zipped):
    source = fashion(write_idx("data", zipped=zipped))
    data, test = load(source, 28), load_test(source, 28)
    assert (data.classes[0], data.classes[9], data.channels, data.flip) == (
        "T-shirt/top",
        "Ankle boot",
        1,
        True,
    )
    assert (len(data.train), len(data.validation), len(test)) == (30, 10, 10)
    for split in (data.train, data.validation, test):
        assert np.array_equal(split.images[:, 3, 4, 0], 20 * split.labels)


@pytest.mark.parametrize("place", ["", "FashionMNIST", "FashionMNIST/raw"])
def test_torchvisions_layout_is_found_from_anywhere_in_it(write_idx, tmp_path, place):
    write_idx("root/FashionMNIST/raw", zipped=False)
    assert len(load(fashion(tmp_path / "root" / place), 28).train) == 30


def test_torchvision_reads_the_same(write_idx, tmp_path):
    from torchvision.datasets import FashionMNIST

    raw = write_idx("root/FashionMNIST/raw", zipped=False)
    random = np.random.default_rng(0).integers(0, 256, (40, 28, 28), dtype=np.uint8)
    (raw / IMAGES).write_bytes(idx(random))
    theirs = FashionMNIST(tmp_path / "root")
    ours = fashion(tmp_path / "root").open()
    decoded = ours.decode(np.flatnonzero(~ours.test), 28)
    assert np.array_equal(decoded.images[..., 0], theirs.data.numpy())
    assert ours.labels[~ours.test].tolist() == theirs.targets.tolist()
    assert list(ours.classes) == FashionMNIST.classes


def test_mnist_is_the_same_in_another_folder_and_is_not_mirrored(write_idx, tmp_path):
    write_idx("root/MNIST/raw")
    data = load(source_from({"source": "mnist", "path": tmp_path / "root"}), 28)
    assert (data.classes, data.flip) == (tuple("0123456789"), False)


def test_without_a_path_debians_package_is_looked_for(write_idx, tmp_path, monkeypatch):
    assert source_from({"source": "fashion_mnist"}).path == idx_files.DEBIAN
    missing = tmp_path / "usr/share/datasets/fashion-mnist"
    monkeypatch.setattr(idx_files, "DEBIAN", missing)
    with pytest.raises(UserError, match=r"apt install dataset-fashion-mnist, or give data\.path=FOLDER"):
        load(fashion(missing), 28)
    write_idx("usr/share/datasets/fashion-mnist")
    assert len(load(fashion(missing), 28).train) == 30


def test_a_changed_file_is_noticed(write_idx):
    root = write_idx("data", zipped=False)
    before = load(fashion(root), 28).digest
    content = (root / IMAGES).read_bytes()
    (root / IMAGES).write_bytes(content[:-1] + b"\xff")
    assert load(fashion(root), 28).digest != before


CONTENT = idx(np.zeros((40, 28, 28)))
BAD = [
    (IMAGES, CONTENT[:-1], "is damaged: it does not hold the 31,360 bytes that its header announces"),
    (IMAGES, CONTENT + b"\0", "is damaged: it does not hold the 31,360 bytes that its header announces"),
    (IMAGES, CONTENT[:10], "is not an IDX file of bytes in 3 dimensions"),
    (IMAGES, b"", "is not an IDX file of bytes in 3 dimensions"),
    (IMAGES, b"\x89PNG\r\n\x1a\n and so on", "is not an IDX file of bytes in 3 dimensions"),
    (IMAGES, idx(np.zeros(40)), "is not an IDX file of bytes in 3 dimensions"),
    (IMAGES, b"\0\0\x0d\x03" + CONTENT[4:], "is not an IDX file of bytes in 3 dimensions"),
    (IMAGES, struct.pack(">4B3I", 0, 0, 8, 3, *[2**32 - 1] * 3), "does not hold the 79,228,162,458,924,105,"),
    (LABELS, idx(np.zeros(39)), "has 39 labels for 40 images"),
    (LABELS, idx(np.arange(40)), "has label 39; labels must be below 10"),
    (LABELS, idx(np.zeros(40)), "Class 'Trouser' has 0 images"),
    (LABELS, CONTENT, "is not an IDX file of bytes in 1 dimensions"),
]


@pytest.mark.parametrize(("name", "content", "line"), BAD)
@pytest.mark.parametrize("zipped", [False, True])
def test_files_that_do_not_fit_are_refused_in_one_line(write_idx, name, content, line, zipped):
    root = write_idx("data", zipped=zipped)
    path = root / f"{name}{'.gz' if zipped else ''}"
    path.write_bytes(gzip.compress(content) if zipped else content)
    with pytest.raises(UserError, match=re.escape(line)) as refusal:
        load(fashion(root), 28)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "tear", [lambda c: c[:-20], lambda c: c[:50] + b"\0\0\0" + c[53:], lambda c: b"plain"]
)
def test_a_torn_gzip_file_is_refused(write_idx, tear):
    root = write_idx("data")
    path = root / f"{IMAGES}.gz"
    path.write_bytes(tear(path.read_bytes()))
    with pytest.raises(UserError, match="is damaged") as refusal:
        load(fashion(root), 28)
    assert "\n" not in str(refusal.value)


def test_what_is_missing_is_named(write_idx, tmp_path):
    root = write_idx("data")
    (root / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(UserError, match=r"data' lacks 't10k-labels-idx1-ubyte', plain or as \.gz"):
        load(fashion(root), 28)
    shutil.rmtree(root)
    root.mkdir()
    with pytest.raises(
        UserError, match=r"there is no train-images-idx3-ubyte\[\.gz\] in .* or its FashionMNIST/raw"
    ):
        load(fashion(root), 28)
    root.rmdir()
    root.write_text("")
    with pytest.raises(UserError, match="is a file; the folder that holds train-images-idx3-ubyte is needed"):
        load(fashion(root), 28)
