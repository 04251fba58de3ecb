from pathlib import Path

import pytest
import torch

from search.models.model import Model, save_model
from search.training.initial_weights import copy_weights, freeze_parts, initial_network
from search.training.recipe import Recipe
from space import UserError, decode
from space.network.network import build
from space.weights import Conventions, Weights, weights_file
from space.weights.children import inherit, order

SMALL = decode("r16_i8_s1/fused_d1_k3_s2_e1_w8/mb_d2_k3_s2_e2_w8_se0.25/h16_c10")
OTHER = decode("r16_i8_s1/fused_d1_k3_s2_e1_w8/mb_d3_k5_s2_e2_w8_se0.25/h24_c10")
NORMALISED = (0.5,) * 3, (0.2,) * 3


def weights(architecture=SMALL):
    torch.manual_seed(1)
    tensors = build(architecture).state_dict()
    return Weights(architecture, tensors, Conventions(padding="same", mean=(0.1,) * 3), "somewhere")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(weights_file(weights()))
    return path


def test_random_weights_depend_on_the_seed_alone():
    torch.manual_seed(3)
    one, other, third = (initial_network(SMALL, None, seed, NORMALISED, Recipe()) for seed in (0, 0, 1))
    assert (one.conventions.mean, one.conventions.std) == NORMALISED
    same = zip(one.network.state_dict().values(), other.network.state_dict().values(), strict=True)
    assert all(a.equal(b) for a, b in same)
    assert not one.network.stem[0].conv.weight.equal(third.network.stem[0].conv.weight)


def test_trained_weights_bring_their_conventions(file):
    initial = initial_network(SMALL, file, 0, NORMALISED, Recipe(drop_path=0.1))
    assert initial.conventions.mean == (0.1,) * 3
    assert all(tensor.equal(weights().tensors[name]) for name, tensor in initial.network.state_dict().items())
    assert initial.origin == "somewhere" and initial.remarks == ()


def test_other_classes_get_a_fresh_classifier(file):
    initial = initial_network(decode(str(SMALL).replace("c10", "c4")), file, 0, NORMALISED, Recipe())
    assert initial.remarks == (f"the classifier is new: {file} has 10 classes, the data have 4",)
    assert initial.network.state_dict()["head.classifier.weight"].shape == (4, 16)
    assert initial.network.state_dict()["head.conv.conv.weight"].equal(
        weights().tensors["head.conv.conv.weight"]
    )


def test_a_model_of_as_many_other_classes_gets_a_fresh_classifier(tmp_path):
    names = tuple("abcdefghij")
    folder = save_model(Model(weights(), names), tmp_path / "model")
    kept = initial_network(SMALL, folder, 0, NORMALISED, Recipe(), names)
    assert kept.remarks == ()
    assert kept.network.state_dict()["head.classifier.weight"].equal(
        weights().tensors["head.classifier.weight"]
    )
    new = initial_network(SMALL, folder, 0, NORMALISED, Recipe(), (*names[:-1], "k"))
    assert new.remarks == (f"the classifier is new: {folder} has 10 classes, the data have 10 others",)
    changed = {
        name for name, tensor in new.network.state_dict().items() if not tensor.equal(weights().tensors[name])
    }
    assert "head.classifier.weight" in changed
    assert all(name.startswith("head.classifier.") for name in changed)


def test_a_network_takes_the_blocks_that_fit(file):
    initial = initial_network(OTHER, file, 0, NORMALISED, Recipe())
    assert initial.origin == "somewhere, 2 of 6 blocks"
    assert initial.remarks == (f"{file} gives the weights of 2 of 6 blocks; the others are random",)
    own = initial.network.state_dict()
    taken = [name for name in own if name.startswith(("stem.", "stages.0.0."))]
    assert all(own[name].equal(weights().tensors[name]) for name in taken)
    assert own["stages.1.0.depthwise.conv.weight"].shape[-1] == 5


def test_a_child_inherits_its_slices(file):
    child = decode("r32_i8_s1/fused_d1_k3_s2_e1_w8/mb_d1_k3_s2_e2_w8_se0.25/h8_c10")
    initial = initial_network(child, file, 0, NORMALISED, Recipe())
    assert initial.origin.startswith("somewhere, a child of r32_i8_s1/")
    own, expected = initial.network.state_dict(), inherit(order(weights()), child).tensors
    assert all(own[name].equal(expected[name]) for name in expected)


def test_weights_of_which_no_block_fits_are_refused(file):
    with pytest.raises(UserError, match="no block"):
        initial_network(decode("r16_i24/mb_d1_k3_s1_e1_w24/h64_c10"), file, 0, NORMALISED, Recipe())


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"w\.safetensors"):
        initial_network(SMALL, Path(tmp_path / "w.safetensors"), 0, NORMALISED, Recipe())


@pytest.mark.parametrize(
    ("freeze", "trained"),
    [
        (None, {"stem", "stages", "head.conv", "head.classifier"}),
        ("stem", {"stages", "head.conv", "head.classifier"}),
        (2, {"head.conv", "head.classifier"}),
        ("features", {"head.classifier"}),
    ],
)
def test_frozen_parts_are_not_trained(freeze, trained):
    network = build(SMALL)
    parts = freeze_parts(network, freeze)
    left = {name for name, value in network.named_parameters() if value.requires_grad}
    assert {".".join(name.split(".")[: 2 if name.startswith("head") else 1]) for name in left} == trained
    assert bool(parts) == (freeze is not None)


@pytest.mark.parametrize("freeze", ["head", 0, 3, 1.5, True])
def test_unknown_parts_to_freeze_are_refused(freeze):
    with pytest.raises(UserError, match="features, or a number of stages from 1 to 2"):
        freeze_parts(build(SMALL), freeze)


def test_copied_blocks_are_counted():
    assert copy_weights(build(SMALL), weights()) == 5
