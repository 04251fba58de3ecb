from pathlib import Path

import numpy as np
import pytest
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
