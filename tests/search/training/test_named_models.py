"""What a word means as a model. Runs and trials: tests/search/commands/test_export.py."""

import torch
from trained import model

from search.models.model import save_model
from search.training.named_models import named_model, untrained
from space import decode, published
from space.weights import Conventions

SMALL = decode("r32_i8_x1/mb_d1_k3_s2_e2_w8/h16_c2")


def test_a_folder_comes_before_a_published_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert (
        named_model("mobilenet-v3-small-0.75")[1].architecture
        == published("mobilenet-v3-small-0.75").architecture
    )
    save_model(model(SMALL), tmp_path / "mobilenet-v3-small-0.75")
    name, found = named_model("mobilenet-v3-small-0.75")
    assert (name, found.architecture, found.trained) == ("mobilenet-v3-small-0.75", SMALL, True)


def test_fresh_weights_are_the_same_each_time_and_leave_the_random_state():
    before = torch.random.get_rng_state()
    one, other = (untrained(SMALL).weights for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(tensor, other.tensors[name]) for name, tensor in one.tensors.items())
    assert len(one.conventions.mean) == 1
    assert one.conventions.padding == Conventions().padding


def test_a_canonical_string_is_called_by_its_digest():
    name, found = named_model(str(SMALL))
    assert (name, found.classes, found.trained) == (SMALL.digest[:8], ("0", "1"), False)
