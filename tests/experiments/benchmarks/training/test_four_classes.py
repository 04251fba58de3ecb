"""The folder of photographs, and the comparison of trainings, on a handful of invented values."""

import numpy as np

from experiments.benchmarks.training.four_classes import CLASSES, compared, make_folder
from search.stats.hits import encode_hits


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


def test_networks_are_compared_on_the_test_images_of_all_seeds():
    hits = {("a", 1): [1, 1, 1, 0], ("a", 2): [1, 1, 0, 0], ("b", 1): [1, 0, 0, 0], ("b", 2): [0, 0, 1, 0]}
    lines = [
        {
            "network": network,
            "seed": seed,
            "test_accuracy": sum(row) / 4,
            "test_images": 4,
            "hits": encode_hits([bool(hit) for hit in row]),
        }
        for (network, seed), row in hits.items()
    ]
    tested = compared(["a", "b"], lines, (1, 2))
    assert tested.means == (0.625, 0.25)
    assert tested.hits == [[1, 1, 0.5, 0], [0.5, 0, 0.5, 0]]
