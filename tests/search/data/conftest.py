import gzip
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from helpers.datasets import idx, python2
from PIL import Image


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test fills the cache of whoever runs it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def write_npz(tmp_path: Path):
    """Writes a .npz file of 60 colour images of 3 classes; arguments replace arrays, None leaves them out."""

    def write(name: str = "data.npz", **changes: object) -> Path:
        random = np.random.default_rng(0)
        arrays = {
            "train_x": random.integers(0, 256, (60, 12, 12, 3), dtype=np.uint8),
            "train_y": np.arange(60) % 3,
            "test_x": random.integers(0, 256, (9, 12, 12, 3), dtype=np.uint8),
            "test_y": np.arange(9) % 3,
            "classes": np.array(["ant", "bee", "cat"]),
        } | changes
        np.savez(tmp_path / name, **{key: array for key, array in arrays.items() if array is not None})
        return tmp_path / name

    return write


@pytest.fixture
def write_folder(tmp_path: Path):
    """Writes `count` images into each class folder below `root`, every class of its own brightness."""

    def write(
        root: str, classes: dict[str, int], suffix: str = ".png", size: tuple[int, int] = (12, 10)
    ) -> Path:
        for number, (name, count) in enumerate(classes.items()):
            folder = tmp_path / root / name
            folder.mkdir(parents=True)
            for index in range(count):
                Image.new("RGB", size, (60 * number, index, 128)).save(folder / f"{index:03d}{suffix}")
        return tmp_path / root

    return write


@pytest.fixture
def write_cifar(tmp_path: Path):
    """Writes the files of a CIFAR below `root`, in a folder or an archive of torchvision's name."""

    def write(root: str, files: dict[str, object], folder: str, archive: str = "") -> Path:
        place = tmp_path / root
        place.mkdir(parents=True)
        contents = {
            name: value if isinstance(value, bytes) else python2(value) for name, value in files.items()
        }
        if archive:
            with tarfile.open(place / archive, "w:gz") as tar:
                for name, content in contents.items():
                    member = tarfile.TarInfo(f"{folder}/{name}")
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))
        else:
            (place / folder).mkdir()
            for name, content in contents.items():
                (place / folder / name).write_bytes(content)
        return place

    return write


@pytest.fixture
def write_idx(tmp_path: Path):
    """Writes the four files of an MNIST of ten classes into the folder `root`, gzipped or not."""

    def write(root: str, count: int = 40, zipped: bool = True) -> Path:
        place = tmp_path / root
        place.mkdir(parents=True)
        for part, images in (("train", count), ("t10k", 10)):
            labels = np.arange(images) % 10
            pixels = np.broadcast_to((labels * 20)[:, None, None], (images, 28, 28))
            for name, array in (("images-idx3", pixels), ("labels-idx1", labels)):
                content = idx(array)
                path = place / f"{part}-{name}-ubyte"
                if zipped:
                    path.with_name(path.name + ".gz").write_bytes(gzip.compress(content))
                else:
                    path.write_bytes(content)
        return place

    return write
