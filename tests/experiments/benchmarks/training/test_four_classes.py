"""The folder of photographs, on a handful of invented values."""

import numpy as np

from experiments.benchmarks.training.four_classes import CLASSES, make_folder


def test_further_training_images_of_a_class_become_test_images(tmp_path):
    labels = np.repeat(np.arange(5), 3)
    images = np.zeros((15, 8, 8, 3), np.uint8)
    names = np.array(["frog", *CLASSES])
    np.savez(
        tmp_path / "d.npz",
        train_x=images,
        train_y=labels,
        test_x=images[:5],
        test_y=np.arange(5),
        classes=names,
    )
    folder = make_folder(tmp_path / "d.npz", tmp_path / "photos", per_class=2)
    counts = {
        part: [len(list((folder / part / name).iterdir())) for name in CLASSES] for part in ("train", "test")
    }
    assert counts == {"train": [2] * 4, "test": [2] * 4}
    assert sorted(path.name for path in (folder / "train").iterdir()) == sorted(CLASSES)
