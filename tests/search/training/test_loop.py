"""Full trainings of seconds. Interrupted and resumed, they give the same weights."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml

from search.data import load, load_test
from search.data.npz import Npz
from search.models.model import Feeding, load_model
from search.proxy.failure import TrialFailed
from search.proxy.validation import validate
from search.training import loop
from search.training.checkpoint import DOCUMENT, read_progress
from search.training.loop import train
from search.training.progress import Callback
from search.training.task import DOCUMENT as TASK
from search.training.task import read_task
from space import UserError, decode
from space.weights import rebuild

EVERYTHING = {
    "stages": 2,
    "resolution": {"from": 0.5, "to": 1},
    "randaugment": {"from": 3, "to": 9},
    "mixup": {"from": 0.0, "to": 0.3},
    "cutmix": 0.5,
    "dropout": {"from": 0.0, "to": 0.3},
    "drop_path": 0.2,
    "ema": 0.9,
    "clip": 1.0,
    "accumulate": 2,
    "optimizer": "rmsprop",
    "learning_rate": 0.01,
    "epsilon": 1e-3,
    "schedule": "cosine",
}


class Killed(BaseException):
    """A stand-in for the end of the process."""


class KillAfter(Callback):
    """A callback that ends a training after some steps."""

    def __init__(self, steps):
        self.steps = steps

    def on_step_end(self, progress, rate):
        if progress.step == self.steps:
            raise Killed


def tensors(folder):
    return load_model(folder).weights.tensors


def same(one, other):
    return one.keys() == other.keys() and all(one[name].equal(other[name]) for name in one)


def test_the_model_of_a_training_classifies_the_images(task, tmp_path):
    own = task(epochs=6, task_changes={"run": "r", "trial": 3})
    model = train(own, tmp_path / "m")
    assert model.metric("accuracy", "validation").value > 0.5
    assert {path.name for path in (tmp_path / "m").iterdir()} == {
        "model.json", "model.safetensors", "training.yaml", "epochs.csv",
    }  # fmt: skip
    saved = load_model(tmp_path / "m")
    assert saved.metrics == model.metrics and saved.provenance.run == "r" and saved.provenance.trial == 3
    assert saved.recipe["epochs"] == 6
    assert read_task(tmp_path / "m") == own
    # The metrics of the model are those of its weights on the test split.
    data = load(own.source, 16)
    conventions = saved.weights.conventions
    held = replace(data, validation=load_test(own.source, 16), mean=conventions.mean, std=conventions.std)
    result = validate(rebuild(saved.weights), held, torch.device("cpu"))
    assert result.accuracy == saved.metric("accuracy").value
    assert result.loss == pytest.approx(saved.metric("loss").value)


def test_the_test_split_is_evaluated_once(task, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(loop, "load_test", lambda *a: seen.append(a) or load_test(*a))
    train(task(), tmp_path / "m")
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("recipe", "after"),
    [
        (EVERYTHING, 2),
        (EVERYTHING, 5),
        (EVERYTHING, 7),
        ({"optimizer": "sgd", "learning_rate": 0.1}, 4),
        ({"optimizer": "rmsprop_tf", "learning_rate": 0.01, "epsilon": 1e-3}, 4),
        ({"children": {"every": 3, "distill": 0.5}, "drop_path": 0.1}, 5),
        ({"precision": "float16"}, 3),
        ({}, 6),
    ],
)
def test_a_resumed_training_ends_with_the_same_weights(task, tmp_path, recipe, after):
    own = task(**recipe)
    whole = train(own, tmp_path / "whole")
    often = replace(own, recipe=own.recipe.model_copy(update={"checkpoint": 0.0}))
    with pytest.raises(Killed):
        train(often, tmp_path / "cut", KillAfter(after))
    assert read_progress(tmp_path / "cut").step == after - 1
    torch.manual_seed(99)
    before = torch.get_rng_state()
    again = train(often, tmp_path / "cut")
    assert torch.get_rng_state().equal(before)
    assert same(tensors(tmp_path / "whole"), tensors(tmp_path / "cut"))
    assert again.metrics == whole.metrics
    # All but the last column, which is time.
    one, other = ((tmp_path / name / "epochs.csv").read_text().splitlines() for name in ("whole", "cut"))
    assert [line.rpartition(",")[0] for line in one] == [line.rpartition(",")[0] for line in other]


def test_a_gradient_scaler_is_restored_from_checkpoints_with_floats(task, tmp_path):
    often = task(precision="float16", checkpoint=0.0)
    with pytest.raises(Killed):
        train(often, tmp_path, KillAfter(3))
    document = json.loads((tmp_path / DOCUMENT).read_text())
    assert document["scaler"]["growth_interval"] == 2000 and document["scaler"]["backoff_factor"] == 0.5
    # As versions before wrote it.
    document["scaler"] = {key: float(value) for key, value in document["scaler"].items()}
    (tmp_path / DOCUMENT).write_text(json.dumps(document))
    scaler = read_progress(tmp_path).scaler
    assert type(scaler["growth_interval"]) is int and scaler["backoff_factor"] == 0.5


@pytest.mark.parametrize(
    "recipe",
    [EVERYTHING, pytest.param({"children": {"every": 3, "distill": 0.5}}, marks=pytest.mark.slow)],
)
def test_after_sigkill_a_resumed_training_ends_with_the_same_weights(task, tmp_path, recipe):
    own = task(**recipe, epochs=8, checkpoint=0.0, task_changes={"threads": 1})
    train(own, tmp_path / "whole")
    folder = tmp_path / "killed"
    folder.mkdir()
    (folder / TASK).write_text(yaml.safe_dump(own.document()))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "search", "train", "--resume", str(folder)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    step = random.randint(7, 24)
    try:
        while not (read_progress(folder) and read_progress(folder).step >= step):
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.002)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (folder / "model.json").exists()
    train(read_task(folder), folder)
    assert same(tensors(tmp_path / "whole"), tensors(folder))


@pytest.mark.slow
def test_workers_change_nothing(task, tmp_path):
    alone, helped = (train(task(workers=workers, mixup=0.2), tmp_path / str(workers)) for workers in (0, 2))
    assert same(alone.weights.tensors, helped.weights.tensors)


def test_losses_of_the_parts_of_a_batch_add_up(task, tmp_path):
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 3))
    inputs, shares = torch.randn(7, 3, 2, 2), torch.eye(3)[torch.arange(7) % 3]
    whole = loop._loss(network(inputs), shares, 0.1, None)
    parts = zip(inputs.tensor_split(3), shares.tensor_split(3), strict=True)
    summed = sum(loop._loss(network(x), y, 0.1, None) * len(x) / 7 for x, y in parts)
    assert summed.item() == pytest.approx(whole.item(), abs=1e-6)


def test_class_weights_scale_the_loss(task):
    logits, shares = torch.zeros(4, 2), torch.eye(2)[torch.tensor([0, 0, 0, 1])]
    weights = torch.tensor([2 / 3, 2.0])
    assert loop._loss(logits, shares, 0.0, weights).item() == pytest.approx(
        torch.log(torch.tensor(2.0)).item()
    )


def test_class_weights_are_not_rounded_to_the_precision_of_the_network():
    torch.manual_seed(0)
    logits, shares = torch.randn(8, 4), torch.randn(8, 4).softmax(1)
    weights = torch.tensor([0.7, 1.3, 1.1, 0.9])
    exact = loop._loss(logits, shares, 0.1, weights)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(loop._loss(logits, shares, 0.1, weights), exact)


def test_frozen_weights_stay(task, tmp_path):
    begun = train(task(epochs=1), tmp_path / "first")
    own = task(epochs=1, backbone_lr_scale=0.1, task_changes={"weights": tmp_path / "first", "freeze": 1})
    model = train(own, tmp_path / "second")
    before, after = begun.weights.tensors, model.weights.tensors
    still = [name for name in before if name.startswith(("stem.", "stages.0."))]
    assert still and all(before[name].equal(after[name]) for name in still)
    assert not before["head.conv.conv.weight"].equal(after["head.conv.conv.weight"])


def test_a_training_that_diverges_fails(task, tmp_path, monkeypatch):
    losses = iter([1.0, 1.0, float("nan")] + [1.0] * 9)
    monkeypatch.setattr(loop, "_step", lambda *a: torch.tensor(next(losses)))
    with pytest.raises(TrialFailed, match="nan at step 3"):
        train(task(), tmp_path / "m")
    assert not (tmp_path / "m" / "model.json").exists()


def test_refuses_a_damaged_checkpoint(task, tmp_path):
    own = task(checkpoint=0.0)
    with pytest.raises(Killed):
        train(own, tmp_path, KillAfter(3))
    progress = read_progress(tmp_path)
    (tmp_path / progress.tensors).write_bytes(b"nothing")
    with pytest.raises(UserError, match="damaged"):
        train(own, tmp_path)
    (tmp_path / DOCUMENT).write_text(json.dumps(json.loads(progress.model_dump_json()) | {"data": "other"}))
    with pytest.raises(UserError, match="have changed"):
        train(own, tmp_path)


def test_a_refused_training_writes_nothing(task, tmp_path):
    with pytest.raises(UserError, match="freeze"):
        train(task(task_changes={"freeze": 9}), tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_too_little_memory_is_refused_with_advice_and_leaves_nothing(task, tmp_path, monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 MiB. And more.")

    folder, own = tmp_path / "m", task(accumulate=2, checkpoint=0.0)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "_step", full)
        with pytest.raises(UserError, match=r"^recipe\.batch=32: .*CUDA out of memory\. .*accumulate=4,"):
            train(own, folder)
        assert not folder.exists()
        # What has a checkpoint is kept.
        patch.undo()
        with pytest.raises(Killed):
            train(own, folder, KillAfter(3))
        patch.setattr(loop, "_step", full)
        with pytest.raises(UserError, match="memory"):
            train(own, folder)
    assert read_task(folder) == own and read_progress(folder).step == 2


def test_a_training_that_is_interrupted_while_images_are_decoded_can_be_resumed(task, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("search.training.state.load", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(task(), tmp_path / "m")
    assert read_task(tmp_path / "m") == task()


def test_no_part_of_a_batch_is_a_single_image(task, tmp_path):
    """Of which batch normalisation would see one value of each channel in the last layers, of 1 x 1 pixels."""
    own = task(epochs=1, batch=8, accumulate=8, task_changes={"test": False})
    deep = "r16_i8_s2/" + "/".join(["mb_d1_k3_s2_e1_w8"] * 3) + "/h16_c10"
    model = train(replace(own, architecture=decode(deep)), tmp_path / "m")
    assert 0 <= model.metric("accuracy", "validation").value <= 1


def test_event_files_are_written_where_the_task_asks_for_them(task, tmp_path):
    pytest.importorskip("tensorboard", reason="the extra `tensorboard` is not installed")
    train(task(epochs=1, task_changes={"tensorboard": True, "test": False}), tmp_path / "m")
    assert list((tmp_path / "m").glob("events.out.tfevents*"))


def test_a_training_that_fails_before_its_first_checkpoint_leaves_no_event_files(task, tmp_path, monkeypatch):
    pytest.importorskip("tensorboard", reason="the extra `tensorboard` is not installed")
    folder, own = tmp_path / "m", task(epochs=1, task_changes={"tensorboard": True, "test": False})
    folder.mkdir()
    (folder / "events.out.tfevents.1").write_text("mine")
    monkeypatch.setattr(loop, "_step", lambda *a: torch.tensor(float("nan")))
    with pytest.raises(TrialFailed):
        train(own, folder)
    assert [path.name for path in folder.iterdir()] == ["events.out.tfevents.1"]


def test_a_model_says_that_its_images_were_squeezed(task, tmp_path):
    rng = np.random.default_rng(0)
    for name, width in (("wide", 20), ("square", 10)):
        pixels = rng.integers(0, 256, (60, 10, width, 3), dtype=np.uint8)
        np.savez(tmp_path / f"{name}.npz", train_x=pixels, train_y=np.arange(60) % 10)
        source = Npz(path=tmp_path / f"{name}.npz", cache=tmp_path / "cache")
        model = train(replace(task(epochs=1), source=source), tmp_path / name)
        assert model.fed == Feeding(resolution=16, crop=None if name == "wide" else 1.0)


def test_without_tensorboard_no_folder_is_left(task, tmp_path, monkeypatch):
    monkeypatch.delattr(torch.utils, "tensorboard", raising=False)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    (tmp_path / "m").mkdir()
    with pytest.raises(UserError, match="pip install"):
        train(task(task_changes={"tensorboard": True}), tmp_path / "m")
    assert not (tmp_path / "m").exists()


@pytest.mark.slow
def test_two_processes_train_one_network(task, tmp_path):
    """By torchrun and gloo, with the gradients of both in each step."""
    own = task(epochs=6, task_changes={"threads": 1})
    folder = tmp_path / "two"
    folder.mkdir()
    (folder / TASK).write_text(yaml.safe_dump(own.document()))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "search", "train", "--resume", str(folder)]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200)
    assert ran.returncode == 0, ran.stderr
    model = load_model(folder)
    assert model.metric("accuracy", "validation").value > 0.5
    assert model.provenance.images == 6 * 160
    assert ran.stdout.count("accuracy on test") == 1
