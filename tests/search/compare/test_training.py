"""Trainings of a comparison on other machines: a folder here is all that is there afterwards, and as it would be."""

from dataclasses import replace

import pytest
import torch
from helpers.jobs import Elsewhere

from search.compare import training
from search.compare.evaluation import read_evaluation
from search.compare.training import Training, packed, trained, unpack
from search.data.shapes import Shapes
from search.executors.jobs import done
from search.executors.serial import Serial
from search.models.model import Model, load_model, save_model
from search.training.recipe import Recipe
from search.training.task import Task, read_task
from space import build, decode
from space.weights import Conventions, Weights

NETWORK = decode("r16_i8_s1/mb_d1_k3_s2_e2_w8/h16_c10")
FILES = {"epochs.csv", "model.json", "model.safetensors", "training.yaml", "validation.json"}
HERE, ELSEWHERE = Serial(executor="serial"), Elsewhere(executor="serial")


@pytest.fixture
def task(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    recipe = Recipe(epochs=2, batch=32, device="cpu", checkpoint=0)
    return Task(NETWORK, Shapes(source="shapes", images=160, test_images=20), recipe, threads=1, test=False)


def carried_out(executor, task, folder, returned=lambda back: None):
    """Train on an executor. returned: sees what comes back each time, before it is written."""

    def finished(job, back):
        returned(back)
        unpack(job, back)
        return back.accuracy is None

    job = Training(0, task, folder, split="validation")
    assert done(executor, [job], trained, finished, packed) == []
    return {path.name for path in folder.iterdir()}


def assert_equal(first, second):
    """The models, and what was measured of them, are the same to the bit."""
    models = [load_model(folder) for folder in (first, second)]
    tensors = [model.weights.tensors for model in models]
    assert all(torch.equal(tensor, tensors[1][name]) for name, tensor in tensors[0].items())
    assert models[0].metrics == models[1].metrics
    assert models[0].provenance.origin == models[1].provenance.origin
    assert read_evaluation(first, "validation") == read_evaluation(second, "validation")


def test_a_training_in_many_turns_ends_to_the_bit_as_one_here(task, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "TURN", 0.0)
    turns = []
    assert carried_out(HERE, task, tmp_path / "here") == FILES
    assert carried_out(ELSEWHERE, task, tmp_path / "there", turns.append) == FILES
    assert len(turns) > 3 and [back.accuracy is None for back in turns[-2:]] == [True, False]
    assert_equal(tmp_path / "here", tmp_path / "there")
    assert read_evaluation(tmp_path / "there", "validation").images == 30
    assert read_task(tmp_path / "there") == task


def test_a_comparison_that_is_stopped_loses_no_turn(task, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "TURN", 0.0)
    turns = []

    def stopping(back):
        turns.append(back)
        if len(turns) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carried_out(ELSEWHERE, task, tmp_path / "there", stopping)
    (tensors,) = (path.name for path in (tmp_path / "there").glob("checkpoint-*.pt"))
    assert tensors in turns[1].files  # The third turn was not written.
    assert carried_out(ELSEWHERE, task, tmp_path / "there", turns.append) == FILES
    assert carried_out(HERE, task, tmp_path / "here") == FILES
    assert turns[3].files[tensors] is None  # deleted when a later checkpoint was there
    assert_equal(tmp_path / "here", tmp_path / "there")


def test_an_evaluation_alone_brings_back_its_figures_alone(task, tmp_path):
    backs = []
    carried_out(ELSEWHERE, task, tmp_path, backs.append)
    assert {name for name, content in backs[0].files.items() if content} == FILES - {"training.yaml"}
    assert list(backs[0].files)[-1] == "validation.json"
    (tmp_path / "validation.json").unlink()
    (tmp_path / "notes.txt").write_text("mine")
    carried_out(ELSEWHERE, task, tmp_path, backs.append)
    assert set(backs[1].files) == {"validation.json"} and (tmp_path / "notes.txt").exists()


def test_weights_travel_with_the_job(task, tmp_path):
    torch.manual_seed(0)
    start = tmp_path / "start"
    save_model(
        Model(Weights(NETWORK, build(NETWORK).state_dict(), Conventions()), tuple("abcdefghij")), start
    )
    tuned = replace(task, weights=start)
    for executor, name in ((HERE, "here"), (ELSEWHERE, "there")):
        carried_out(executor, tuned, tmp_path / name)
        assert read_task(tmp_path / name) == tuned
    assert_equal(tmp_path / "here", tmp_path / "there")
    assert load_model(tmp_path / "there").provenance.origin == str(start)
