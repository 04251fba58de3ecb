import numpy as np
import pytest

from search import launch, resume
from search.engine.display import Silent
from search.testing import looked_up


class Listening(Silent):
    """Keeps what it is told."""

    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


@pytest.fixture
def notes(tmp_path, monkeypatch):
    """What a search on so many images of two classes tells before it begins."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def searched(counts, **settings):
        labels = np.repeat([0, 1], counts)
        images = np.zeros((len(labels), 8, 8, 1), dtype=np.uint8)
        np.savez(tmp_path / "data.npz", train_x=images, train_y=labels, classes=["ant", "bee"])
        chosen = {"space": "tiny_space", "data": "npz", "data.path": "data.npz", "reward.w": 0}
        display = Listening()
        launch(chosen | {"executor": "serial", "trials": 1} | settings, display=display, evaluate=looked_up)
        return display.notes

    return searched


def test_classes_of_very_different_sizes_are_told_with_what_to_do(notes):
    assert notes([100, 10]) == [
        "class 'ant' has 10.7 times as many training images as 'bee' (64 and 6); "
        "data.balance=sample or data.balance=loss makes up for it"
    ]


def test_classes_of_like_sizes_and_balanced_ones_are_not_worth_a_word(notes):
    assert notes([20, 10], run="a") == []
    assert notes([100, 10], run="b", **{"data.balance": "loss"}) == []
    assert notes([100, 10], run="c", **{"data.balance": "sample"}) == []


def test_a_search_that_nothing_can_improve_ends_with_a_reason_and_stays_ended(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    settings = {"space": "tiny_space", "executor": "serial", "trials": 120, "reward.w": 0, "finals": "off"}
    images = {"data.images": 100, "data.test_images": 20}
    told, again = Listening(), Listening()
    run = launch(settings | images | {"run": "r"}, display=told, evaluate=looked_up)
    assert 40 <= len(run.trials) < 120
    assert resume("r", display=again, evaluate=looked_up).trials == run.trials
    assert told.notes == again.notes
    assert "no network left is worth a trial" in told.notes[-1]
