"""A model's folder: what is saved is loaded, and nothing else is."""

import json
from pathlib import Path

import pytest
import torch
from helpers.models import model

from search.models.model import (
    Feeding,
    Metric,
    Provenance,
    is_model,
    load_model,
    read_document,
    save_model,
)
from search.training.named_models import untrained
from space import UserError, decode
from space.weights import load_weights, rebuild

SMALL = decode("r32_i8/mb_d1_k3_s2_e2_w8/h16_c2")


@pytest.fixture
def saved():
    return model(
        SMALL,
        classes=("cat", "Käse | \n"),
        padding="same",
        norm_eps=0.002,
        mean=(0.1, 0.2, 0.3),
        std=(0.4, 0.5, 0.6),
        recipe={"epochs": 3, "augmentation": {"magnitude": [5, 10]}},
        metrics=(
            Metric(name="accuracy", split="validation", value=0.7),
            Metric(name="accuracy", split="test", value=0.5, spread=0.01, seeds=3),
        ),
        provenance=Provenance(run="r", trial=12, data_digest="d", versions={"torch": "2.9"}),
        feeding=Feeding(resolution=40, crop=0.875),
    )


def test_what_is_saved_is_loaded(tmp_path, saved):
    found = load_model(save_model(saved, tmp_path / "new" / "cats"))
    for part in ("classes", "trained", "recipe", "metrics", "provenance", "fed", "architecture"):
        assert getattr(found, part) == getattr(saved, part)
    assert found.weights.conventions == saved.weights.conventions
    images = torch.randn(2, 3, 40, 40)
    ours, theirs = (rebuild(made.weights).eval() for made in (found, saved))
    assert torch.equal(ours(images), theirs(images))
    assert found.metric("accuracy").value == 0.5
    assert found.metric("accuracy", "train") is None


def test_the_tensors_rebuild_the_network_by_themselves(tmp_path, saved):
    weights = load_weights(save_model(saved, tmp_path) / "model.safetensors")
    assert (weights.architecture, weights.conventions) == (SMALL, saved.weights.conventions)


def test_images_are_fed_at_the_networks_resolution_unless_said_otherwise():
    assert model(SMALL).fed == Feeding(resolution=32, crop=1)


def test_a_model_that_is_fed_whole_images_stays_so(tmp_path):
    fed = Feeding(resolution=40, crop=None)
    assert load_model(save_model(model(SMALL, feeding=fed), tmp_path)).fed == fed


def test_what_else_is_in_the_folder_stays(tmp_path, saved):
    (tmp_path / "notes.txt").write_text("mine")
    save_model(saved, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"notes.txt", "model.json", "model.safetensors"}


def test_parts_that_disagree_are_refused(tmp_path):
    for message, wrong in (
        ("3 class names for a network with 2", {"classes": ("a", "b", "c")}),
        ("class names for a network with 2", {"classes": ()}),
    ):
        with pytest.raises(UserError, match=message):
            save_model(model(SMALL, **wrong), tmp_path / "m")
    assert not (tmp_path / "m").exists()


def changed(folder, **values):
    document = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(document | values))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"version": 2}, "model.json: version: "),
        ({"format": "other"}, "model.json: format: "),
        ({"colour": 1}, "model.json: colour: "),
        ({"architecture": "r32"}, "is not an architecture"),
        ({"mean": [0.5]}, "1 means for images with 3 channels"),
        ({"norm_eps": -1.0}, "norm_eps is -1"),
        ({"weights_sha256": "00"}, "their hashes differ"),
        ({"weights_sha256": ""}, "holds a network without weights"),
        ({"architecture": "r32_i16/mb_d1_k3_s2_e2_w8/h16_c2"}, "has shape"),
        ({"metrics": [{"name": "accuracy", "split": "test", "value": "NaN"}]}, "metrics.0.value: "),
    ],
)
def test_a_document_that_says_something_else_is_refused(tmp_path, saved, values, message):
    changed(save_model(saved, tmp_path), **values)
    with pytest.raises(UserError, match=message) as refused:
        load_model(tmp_path)
    assert "\n" not in str(refused.value)


def test_a_folder_that_was_written_half_is_refused(tmp_path, saved):
    save_model(saved, tmp_path)
    tensors = tmp_path / "model.safetensors"
    tensors.write_bytes(tensors.read_bytes()[:-1])
    with pytest.raises(UserError, match="their hashes differ"):
        load_model(tmp_path)
    tensors.unlink()
    with pytest.raises(UserError, match=r"Cannot read .*model\.safetensors: No such file"):
        load_model(tmp_path)


def test_no_model_is_there(tmp_path, saved):
    save_model(saved, tmp_path / "flowers")
    with pytest.raises(UserError, match=r"Unknown folder of a model .*flowrs'\. Did you mean .*flowers'"):
        load_model(tmp_path / "flowrs")
    with pytest.raises(UserError, match=r"holds no model\.json"):
        load_model(tmp_path)
    (tmp_path / "model.json").write_text("{")
    with pytest.raises(UserError, match=r"model\.json: Invalid JSON"):
        read_document(tmp_path)
    assert is_model(tmp_path / "flowers") and not is_model(tmp_path / "flowrs")


def test_a_network_without_weights_has_a_document_alone(tmp_path):
    save_model(untrained(SMALL, weights=False), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["model.json"]
    assert not read_document(tmp_path).trained


def test_a_name_that_no_folder_can_have_is_no_model():
    assert not is_model(Path("x" * 5000))


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_document_that_an_editor_has_saved_is_read(tmp_path, mark, end):
    save_model(model(SMALL), tmp_path)
    before = read_document(tmp_path)
    content = (tmp_path / "model.json").read_bytes()
    (tmp_path / "model.json").write_bytes(mark + content.replace(b"\n", end))
    assert read_document(tmp_path) == before
