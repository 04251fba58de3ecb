"""The model that a word names. Runs and trials: tests/search/cli/test_export_model.py."""

import torch
from helpers.models import model

from search.models.model import save_model
from search.training.named_models import named_model, untrained
from space import decode, published
from space.weights import Conventions

SMALL = decode("r32_i8_x1/mb_d1_k3_s2_e2_w8/h16_c2")


def test_a_published_name_comes_before_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    word = "mobilenet-v3-small-0.75"
    save_model(model(SMALL), tmp_path / word)
    assert named_model(word)[1].architecture == published(word).architecture
    name, saved = named_model(f"./{word}")
    assert (name, saved.architecture, saved.trained) == (word, SMALL, True)


def test_fresh_weights_are_the_same_each_time_and_leave_the_random_state():
    before = torch.random.get_rng_state()
    one, other = (untrained(SMALL).weights for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(tensor, other.tensors[name]) for name, tensor in one.tensors.items())
    assert len(one.conventions.mean) == 1
    assert one.conventions.padding == Conventions().padding


def test_a_canonical_string_is_called_by_its_digest():
    name, fresh = named_model(str(SMALL))
    assert (name, fresh.classes, fresh.trained) == (SMALL.digest[:8], ("0", "1"), False)
