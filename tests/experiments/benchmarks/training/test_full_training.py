"""The journal of full trainings, and their comparison, on a handful of invented values."""

import json

import numpy as np
import pytest

from experiments.benchmarks.training import full_training
from experiments.benchmarks.training.full_training import Job, compared, key_of, run, train_all
from search.stats.hits import encode_hits

NETWORK = "r16_i8_s2/mb_d1_k3_s2_e1_w8/h8_c2"


def test_a_training_tells_its_split_only(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        f"{part}_x": rng.integers(0, 255, (n, 16, 16, 3), np.uint8)
        for part, n in (("train", 40), ("test", 12))
    }
    labels = {"train_y": np.arange(40) % 2, "test_y": np.arange(12) % 2}
    np.savez(tmp_path / "d.npz", **arrays, **labels, classes=np.array(["a", "b"]))
    more = (("recipe.epochs", 1),)
    line = run(Job(NETWORK, 5, str(tmp_path / "d.npz"), rate=0.5, split="validation", more=more))
    assert 0 <= line["validation_accuracy"] <= 1 and line["validation_images"] == 8
    assert not any(key.startswith("test") for key in line)
    assert len(line["digest"]) > 8
    tested = run(Job(NETWORK, 5, str(tmp_path / "d.npz"), rate=0.5, more=more))
    assert tested["test_images"] == 12 and tested["digest"] == line["digest"]
    assert key_of(json.loads(json.dumps(tested))) == Job(NETWORK, 5, "anywhere", rate=0.5, more=more).key


def test_only_missing_trainings_are_carried_out(tmp_path, monkeypatch):
    journal, done = tmp_path / "trainings.jsonl", Job(NETWORK, 1, "data")
    # A line of an earlier version has neither rate nor split.
    journal.write_text(json.dumps({"network": NETWORK, "seed": 1, "test_accuracy": 0.25}) + "\n")
    monkeypatch.setattr(full_training, "ProcessPoolExecutor", None)  # nothing is started
    (line,) = train_all([done, done], journal, 1)
    assert line["test_accuracy"] == 0.25


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
    tested = compared(lines, 2)
    assert tested.means == (0.625, 0.25)
    assert tested.hits == [[1, 1, 0.5, 0], [0.5, 0, 0.5, 0]]


def test_networks_are_compared_without_pairs_if_a_training_has_no_hits():
    """As above 20,000 images, of which no training has hits."""
    hits = {("a", 1): "", ("a", 2): "", ("b", 1): encode_hits([True, False] * 4), ("b", 2): ""}
    accuracies = {"a": 0.75, "b": 0.5}
    lines = [
        {
            "network": network,
            "seed": seed,
            "test_accuracy": accuracies[network] + seed / 100,
            "test_images": 8,
        }
        | {"hits": text}
        for (network, seed), text in hits.items()
    ]
    tested = compared(lines, 2)
    assert tested.hits is None
    assert tested.difference(0, 1).mean == pytest.approx(0.25)
    assert tested.difference(0, 1).half > 0
