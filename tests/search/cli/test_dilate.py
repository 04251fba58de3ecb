import shlex
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml
from click.testing import CliRunner

from search.cli.dilate import dilate
from search.data import source_from
from search.models.model import Provenance, load_model, save_model
from search.settings.words import parse
from search.training.named_models import untrained
from search.training.networks import network_to_train
from search.training.recipe import Recipe
from search.training.settings import task_of
from search.training.task import DOCUMENT, Task
from space import UserError, cost, decode

LARGE = "r24_i8_s1/mb_d2_k{0}_s2_e4_w12_se0.25/fused_d1_k{0}_s1_e2_w12/h16_c3"


@pytest.fixture
def large(tmp_path):
    return save_model(untrained(decode(LARGE.format(5))), tmp_path / "large")


def run(*words):
    return CliRunner().invoke(dilate, list(map(str, words)), catch_exceptions=False)


def test_a_model_of_dilated_kernels_is_written(large, tmp_path):
    out = tmp_path / "dilated"
    result = run(large, "--out", out)
    made = load_model(out)
    assert all(stage.kernel == 3 and stage.dilations for stage in made.architecture.stages)
    assert cost(made.architecture) == cost(decode(LARGE.format(3)))
    assert made.provenance.origin == f"dilated: {load_model(large).architecture}"
    assert str(made.architecture) in result.output
    assert f"search train {out} weights={out}" in result.output
    assert network_to_train(str(out)).architecture == made.architecture


@pytest.mark.parametrize("path", ["some photos.npz", "2024"])
def test_the_next_command_trains_on_the_images_of_the_model(large, tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "some photos.npz", train_x=np.zeros((9, 8, 8), np.uint8), train_y=np.arange(9) % 3)
    (tmp_path / "some photos.npz").rename(tmp_path / path)
    source = source_from({"source": "npz", "path": path, "flip": False, "validation": 0.3})
    task = Task(load_model(large).architecture, source, Recipe())
    (large / DOCUMENT).write_text(yaml.safe_dump(task.document()))
    *_, last = run(large, "--out", "dilated").output.splitlines()
    _, search, train, what, *settings = shlex.split(last)
    assert (search, train) == ("search", "train")
    assert task_of(what, parse(settings))[0].source == source


def test_images_that_are_not_known_are_asked_for(large, tmp_path):
    shown = replace(load_model(large), trained=True, provenance=Provenance(data="npz"))
    result = run(save_model(shown, tmp_path / "moved"), "--out", tmp_path / "dilated")
    assert result.output.endswith("data=npz data.path=...\n")


def test_channels_that_all_choose_one_dilation_are_written(tmp_path):
    model = untrained(decode(LARGE.format(5)), weights=True)
    centre = torch.zeros(5, 5)
    centre[1:4, 1:4] = 1
    tensors = {k: t * centre if t.shape[-2:] == (5, 5) else t for k, t in model.weights.tensors.items()}
    large = save_model(replace(model, weights=replace(model.weights, tensors=tensors)), tmp_path / "large")
    run(large, "--out", tmp_path / "dilated")
    made = load_model(tmp_path / "dilated").architecture
    assert all(stage.kernel == 3 and not stage.dilations for stage in made.stages)


def test_what_cannot_be_dilated_is_refused(large, tmp_path):
    with pytest.raises(UserError, match="exists; choose another"):
        run(large, "--out", large)
    small = save_model(untrained(decode(LARGE.format(3))), tmp_path / "small")
    with pytest.raises(UserError, match="has no kernel of 5 x 5 or more"):
        run(small, "--out", tmp_path / "dilated")
    assert not (tmp_path / "dilated").exists()
