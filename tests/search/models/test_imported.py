"""Weights of others become models: with names of classes, and images cut as they expect."""

import pytest
from helpers.models import model

from search.models import imported as labels
from search.models.imported import model_of
from search.models.model import Feeding
from space import UserError, decode

FEW = decode("r32_i8/mb_d1_k3_s2_e2_w8/h16_c3")
IMAGENET = decode("r32_i8/mb_d1_k3_s2_e2_w8/h16_c1000")


def weights(architecture):
    return model(architecture).weights


def test_imagenets_names_for_1000_classes():
    made = model_of(weights(IMAGENET))
    assert (made.classes[0], made.classes[999]) == ("tench", "toilet tissue")
    assert made.feeding == Feeding(resolution=32, crop=0.875)
    assert made.provenance.data == "ImageNet"


def test_numbers_where_names_are_unknown(monkeypatch):
    made = model_of(weights(FEW))
    assert made.classes == ("0", "1", "2")
    assert made.feeding == Feeding(resolution=32)
    assert made.trained
    monkeypatch.setattr(labels, "find_spec", lambda name: None)
    assert model_of(weights(IMAGENET)).classes[999] == "999"


def test_names_from_a_file(tmp_path):
    file = tmp_path / "names.txt"
    file.write_text("cat\n dog \n\nhorse\n")
    assert model_of(weights(FEW), file).classes == ("cat", "dog", "horse")
    with pytest.raises(UserError, match=r"names\.txt names 3 classes; these weights have 1000"):
        model_of(weights(IMAGENET), file)
    with pytest.raises(UserError, match=r"Cannot read .*none\.txt: No such file"):
        model_of(weights(FEW), tmp_path / "none.txt")
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="it is not UTF-8 text"):
        model_of(weights(FEW), file)


def test_a_fresh_classifier_is_not_trained():
    assert not model_of(weights(FEW), fresh=True).trained
