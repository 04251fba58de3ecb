import numpy as np
import pytest

from search import launch, resume
from search.engine.display import Silent
from search.testing import looked_up


class Listening(Silent):
    """A display that records its notes."""

    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


@pytest.fixture
def notes(tmp_path, monkeypatch):
    """A function that searches on so many images of two classes, and returns the notes."""
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


def test_classes_of_very_different_sizes_get_a_note(notes):
    assert notes([100, 10])[-1] == (
        "class 'ant' has 10.7 times as many training images as 'bee' (64 and 6); "
        "data.balance=sample or data.balance=loss compensates for it"
    )


def test_classes_of_similar_sizes_and_balanced_ones_get_no_note(notes):
    for run, counts, balance in (("a", [20, 10], None), ("b", [100, 10], "loss"), ("c", [100, 10], "sample")):
        assert not any("balance" in note for note in notes(counts, run=run, **{"data.balance": balance}))


def test_a_search_says_first_how_much_it_can_know(notes):
    assert notes([200, 200], proxy="tiny")[0] == (
        "64 validation images: differences under 17 points between two networks are chance; 8 steps a training"
    )


def test_a_search_that_nothing_can_improve_ends_with_a_reason_and_stays_ended(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    settings = {"space": "tiny_space", "executor": "serial", "trials": 120, "reward.w": 0, "finals": "off"}
    images = {"data.images": 100, "data.test_images": 20}
    told, again = Listening(), Listening()
    run = launch(settings | images | {"run": "r"}, display=told, evaluate=looked_up)
    assert 40 <= len(run.trials) < 120
    assert resume("r", display=again, evaluate=looked_up).trials == run.trials
    assert told.notes[-1:] == again.notes
    assert "early stop" in told.notes[-1]
