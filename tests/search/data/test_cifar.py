import re

import numpy as np
import pytest
from helpers.datasets import cifar10, cifar100, python2

from search.data import load, load_test, source_from
from space.refusal import UserError

FOLDER, ARCHIVE = "cifar-10-batches-py", "cifar-10-python.tar.gz"
FOLDER100, ARCHIVE100 = "cifar-100-python", "cifar-100-python.tar.gz"


def ten(path, **options):
    return source_from({"source": "cifar10", "path": path, **options})


def hundred(path, **options):
    return source_from({"source": "cifar100", "path": path, **options})


def test_images_labels_and_classes(write_cifar):
    source = ten(write_cifar("data", cifar10(), FOLDER))
    data, test = load(source, 32), load_test(source, 32)
    assert data.classes == ("ant", "bee", "cat")
    assert (len(data.train), len(data.validation), len(test)) == (24, 6, 6)
    for split in (data.train, data.validation, test):  # planes: label, number, file
        assert np.array_equal(split.images[:, 0, 0, 0], split.labels)
        assert np.array_equal(split.images[:, 31, 31, 1] % 3, split.labels)
    assert set(test.images[:, 5, 5, 2].tolist()) == {5}
    trained = np.concatenate([data.train.images, data.validation.images])[:, 0, 0, 1:]
    assert len({tuple(pair) for pair in trained.tolist()}) == 30


@pytest.mark.filterwarnings("ignore:numpy.core is deprecated:DeprecationWarning")
def test_planes_rows_and_columns_are_where_torchvision_puts_them(write_cifar, monkeypatch):
    """Its reader and ours, on one file: the files here have not the checksums that it asks for."""
    from torchvision.datasets import CIFAR10

    random = np.random.default_rng(0).integers(0, 256, (6, 3072), dtype=np.uint8)
    files = cifar10()
    files["test_batch"][b"data"] = random
    root = write_cifar("data", files, FOLDER)
    monkeypatch.setattr(CIFAR10, "_check_integrity", lambda self: True)
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda path, md5: True)
    theirs = CIFAR10(root, train=False)
    ours = ten(root).open()
    decoded = ours.decode(np.flatnonzero(ours.test), 32)
    assert np.array_equal(decoded.images, theirs.data)
    assert ours.labels[ours.test].tolist() == theirs.targets


@pytest.mark.parametrize("place", ["", FOLDER])
def test_the_path_is_the_folder_or_the_one_around_it(write_cifar, place):
    root = write_cifar("data", cifar10(), FOLDER)
    assert len(load(ten(root / place), 32).train) == 24


@pytest.mark.parametrize("place", ["", ARCHIVE])
def test_an_archive_need_not_be_unpacked(write_cifar, place):
    unpacked = load(ten(write_cifar("unpacked", cifar10(), FOLDER)), 32)
    root = write_cifar("packed", cifar10(), FOLDER, ARCHIVE)
    data = load(ten(root / place), 32)
    assert data.digest == unpacked.digest
    assert [path.name for path in root.iterdir()] == [ARCHIVE]


def test_cifar100_has_fine_and_coarse_labels(write_cifar):
    root = write_cifar("data", cifar100(), FOLDER100)
    fine, coarse = load(hundred(root), 32), load(hundred(root, labels="coarse"), 32)
    assert (fine.classes, coarse.classes) == (("bee", "ant", "cat", "dog"), ("insects", "mammals"))
    assert np.array_equal(fine.train.images[:, 0, 0, 0], fine.train.labels)
    assert np.array_equal(coarse.train.images[:, 0, 0, 0] // 2, coarse.train.labels)
    packed = write_cifar("packed", cifar100(), FOLDER100, ARCHIVE100)
    assert load(hundred(packed), 32).digest == fine.digest


def test_a_changed_file_is_noticed(write_cifar):
    root = write_cifar("data", cifar10(), FOLDER)
    before = load(ten(root), 32)
    files = cifar10()
    files["data_batch_2"][b"data"] = 255 - files["data_batch_2"][b"data"]
    (root / FOLDER / "data_batch_2").write_bytes(python2(files["data_batch_2"]))
    assert load(ten(root), 32).digest != before.digest


def changed(name, **values):
    files = cifar10()
    return files | {name: files[name] | {key.encode(): value for key, value in values.items()}}


DATA = np.zeros((6, 3072), dtype=np.uint8)
BAD = [
    (
        changed("data_batch_3", data=DATA[:, :100]),
        "data_batch_3' has no images of 3 x 32 x 32 bytes under 'data'",
    ),
    (changed("data_batch_3", data=[1, 2]), "data_batch_3' has no images of 3 x 32 x 32 bytes under 'data'"),
    (changed("test_batch", data=DATA.astype(np.float64)), "test_batch is damaged, or another kind of file"),
    (changed("data_batch_1", labels=[0, 1]), "data_batch_1' has no list of 6 labels under 'labels'"),
    (changed("data_batch_1", labels=[0, 1, 2, 3, 0, 1]), "labels under 'labels' that are not from 0 to 2"),
    (changed("data_batch_1", labels=[0, 1, 2, -1, 0, 1]), "labels under 'labels' that are not from 0 to 2"),
    (changed("data_batch_1", labels=[0, 1, 2, 1.0, 0, 1]), "labels under 'labels' that are not from 0 to 2"),
    (
        changed("batches.meta", label_names=[b"ant", b"ant", b"bee"]),
        "has no 'label_names' of distinct classes",
    ),
    (changed("batches.meta", label_names=3), "has no 'label_names' of distinct classes"),
    (cifar10() | {"test_batch": python2(cifar10()["test_batch"])[:-9000]}, "test_batch is damaged"),
    (cifar10() | {"data_batch_4": b"<html>404</html>"}, "data_batch_4 is damaged, or another kind of file"),
    (
        cifar10() | {"data_batch_4": b"cposix\nsystem\n(S'touch ran'\ntR."},
        "data_batch_4 asks for 'posix.system'",
    ),
]


@pytest.mark.parametrize(("files", "line"), BAD)
@pytest.mark.parametrize("archive", ["", ARCHIVE])
def test_files_that_do_not_fit_are_refused_in_one_line(
    write_cifar, tmp_path, monkeypatch, files, line, archive
):
    root = write_cifar("data", files, FOLDER, archive)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=re.escape(line)) as refusal:
        load(ten(root), 32)
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "ran").exists()


def test_what_is_missing_is_named(write_cifar, tmp_path):
    root = write_cifar("data", cifar10(), FOLDER)
    (root / FOLDER / "data_batch_2").unlink()
    with pytest.raises(UserError, match=f"{FOLDER}' lacks 'data_batch_2'"):
        load(ten(root), 32)
    with pytest.raises(UserError, match=f"there is no {FOLDER100} and no {ARCHIVE100} in"):
        load(hundred(root), 32)
    with pytest.raises(UserError, match=r"there is no .*dat'\. Did you mean .*data'\?"):
        load(ten(tmp_path / "dat"), 32)
    files = {name: value for name, value in cifar10().items() if name != "batches.meta"}
    with pytest.raises(UserError, match=rf"is not a {ARCHIVE}: it lacks 'batches\.meta'"):
        load(ten(write_cifar("packed", files, FOLDER, ARCHIVE)), 32)


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b\x08 torn"])
def test_another_kind_of_file_is_no_archive(tmp_path, content):
    (tmp_path / "file.tar.gz").write_bytes(content)
    with pytest.raises(UserError, match=f"is damaged, or is not a {ARCHIVE}") as refusal:
        load(ten(tmp_path / "file.tar.gz"), 32)
    assert "\n" not in str(refusal.value)


def test_a_torn_archive_is_refused(write_cifar):
    path = write_cifar("data", cifar10(), FOLDER, ARCHIVE) / ARCHIVE
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UserError, match="is damaged, or is not a"):
        load(ten(path), 32)
