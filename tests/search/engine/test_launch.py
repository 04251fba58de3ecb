import json

import numpy as np
import pytest
from helpers.quick import QUICK

from search import launch, resume
from search.engine.display import Silent
from search.runs.names import CONFIG, RUNS
from search.runs.run import ENVIRONMENT, LEDGER, open_run
from search.testing import looked_up
from space.refusal import UserError


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
        images = np.random.default_rng(0).integers(0, 256, (len(labels), 8, 8, 1), dtype=np.uint8)
        np.savez(tmp_path / "data.npz", train_x=images, train_y=labels, classes=["ant", "bee"])
        chosen = {"space": "tiny_space", "data": "npz", "data.path": "data.npz", "reward.w": 0}
        display = Listening()
        launch(chosen | {"executor": "serial", "trials": 1} | settings, display=display, evaluate=looked_up)
        return display.notes

    return searched


def test_classes_of_very_different_sizes_get_a_note(notes):
    note = (
        "class 'ant' has 10.7 times as many training images as 'bee' (64 and 6); "
        "data.balance=sample or data.balance=loss compensates for it"
    )
    assert note in notes([100, 10])


def test_classes_of_similar_sizes_and_balanced_ones_get_no_note(notes):
    for run, counts, balance in (("a", [20, 10], None), ("b", [100, 10], "loss"), ("c", [100, 10], "sample")):
        assert not any("balance" in note for note in notes(counts, run=run, **{"data.balance": balance}))


def test_a_search_says_first_how_much_it_can_know(notes):
    assert notes([200, 200], proxy="tiny")[0] == (
        "64 validation images: differences under 17 points between two networks may be chance; 8 steps a training"
    )


def test_a_search_that_nothing_can_improve_ends_with_a_reason_and_stays_ended(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    settings = {"space": "tiny_space", "executor": "serial", "trials": 120, "reward.w": 0, "finals": "off"}
    images = {
        "data.images": 100,
        "data.test_images": 20,
        "seed": 1,
    }  # A seed with which nothing is left after 56.
    told, again = Listening(), Listening()
    run = launch(settings | images | {"run": "r"}, display=told, evaluate=looked_up)
    assert 40 <= len(run.trials) < 120
    assert resume("r", display=again, evaluate=looked_up).trials == run.trials
    assert told.notes[-1:] == again.notes
    assert "early stop" in told.notes[-1]


@pytest.mark.usefixtures("at_home")
def test_a_run_is_not_resumed_without_its_device():
    run = launch({**QUICK, "trials": 2, "finals": "off"}, evaluate=looked_up)
    config = run.path / CONFIG
    config.write_text(config.read_text().replace("device: auto", "device: cuda:77"))
    with pytest.raises(UserError, match="There is no device 'cuda:77' here"):
        resume("r", {"trials": 4}, evaluate=looked_up)
    assert len(open_run("r").trials) == 2
    assert open_run("r").config.settings.trials == 2


@pytest.fixture
def moved(tmp_path, monkeypatch):
    """A finished run whose data were moved to other.npz."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1), dtype=np.uint8)
    np.savez("data.npz", train_x=images, train_y=np.arange(40) % 2)
    chosen = {"space": "tiny_space", "data": "npz", "data.path": "data.npz", "reward.w": 0, "run": "r"}
    launch(chosen | {"executor": "serial", "trials": 1}, evaluate=looked_up)
    (tmp_path / "data.npz").rename("other.npz")
    return images


def test_a_run_continues_with_its_data_at_another_path(moved, tmp_path):
    run = resume("r", {"trials": 2, "data.path": "other.npz"}, evaluate=looked_up)
    assert [trial.state for trial in run.trials] == ["complete", "complete"]
    assert run.config.data.path == tmp_path / "other.npz"
    assert resume("r", {"trials": 3}, evaluate=looked_up).config.data.path == tmp_path / "other.npz"


@pytest.mark.parametrize("changed", ["pixel", "label", "order", "missing"])
def test_other_data_at_the_new_path_are_refused_and_the_old_path_stays(moved, tmp_path, changed):
    images, labels = moved.copy(), np.arange(40) % 2
    if changed == "pixel":
        images[3, 0, 0, 0] ^= 1
    elif changed == "label":
        labels[0] = 1
    elif changed == "order":
        images = images[::-1]
    else:
        images, labels = images[:-2], labels[:-2]
    np.savez("changed.npz", train_x=images, train_y=labels)
    with pytest.raises(UserError, match="The data of the run r have changed"):
        resume("r", {"trials": 2, "data.path": "changed.npz"}, evaluate=looked_up)
    assert open_run("r").config.data.path == tmp_path / "data.npz"


def test_a_resume_under_other_versions_says_so_and_records_both(moved, monkeypatch):
    path = open_run("r").path / ENVIRONMENT
    recorded = json.loads(path.read_text())
    path.write_text(json.dumps(recorded | {"versions": recorded["versions"] | {"torch": "1.0"}}))
    display = Listening()
    resume("r", {"trials": 2, "data.path": "other.npz"}, display=display, evaluate=looked_up)
    assert any("resumed with other versions: torch 1.0 -> " in note for note in display.notes)
    after = json.loads(path.read_text())
    assert after["versions"]["torch"] == "1.0"
    assert after["resumes"][0]["versions"]["torch"] == recorded["versions"]["torch"]
    resume("r", {"trials": 3}, evaluate=looked_up)
    assert len(json.loads(path.read_text())["resumes"]) == 1


def test_launches_of_the_same_second_get_a_run_each(moved, monkeypatch):
    chosen = {"space": "tiny_space", "data": "npz", "data.path": "other.npz", "reward.w": 0}
    chosen |= {"executor": "serial", "trials": 1}
    monkeypatch.setattr("search.engine.launch.unused", lambda parent, about: parent / "same")
    names = [launch(chosen, evaluate=looked_up).name for _ in range(3)]
    assert names == ["same", "same-2", "same-3"]
    assert open_run("same-2").config.settings.run == "same-2"


def test_a_run_whose_ledger_was_left_behind_does_not_begin_again(moved):
    (RUNS / "r" / LEDGER).unlink()
    with pytest.raises(UserError, match=r"^runs/r/trials\.sqlite is missing, and with it all trials"):
        resume("r", {"trials": 2, "data.path": "other.npz"}, evaluate=looked_up)
    assert not (RUNS / "r" / LEDGER).exists()
