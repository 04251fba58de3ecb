"""A model is evaluated on the images that the user means, with its own numbers of the classes."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from helpers.models import model
from helpers.onnx_models import small_onnx
from PIL import Image

import search
from search.data import load
from search.data.npz import Npz
from search.evaluation.evaluate import images_of
from search.evaluation.images import labelled_images
from search.files import write_file
from search.models.classifier import classifier_of, onnx_classifier
from search.models.model import Feeding, Provenance, save_model
from search.training import networks
from search.training.recipe import Recipe
from search.training.task import DOCUMENT, Task
from space import UserError, decode

SMALL = decode("r8_i8_s1/mb_d1_k3_s1_e1_w8/h16_c2")


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def images(levels, side=8, channels=3):
    return np.repeat(np.array(levels, np.uint8), side * side * channels).reshape(-1, side, side, channels)


def write_npz(path="data.npz", classes=("bright", "dark"), side=8, channels=3):
    """Sixteen bright and dark images in every split; of the test images three are labelled wrongly."""
    labels = np.arange(16) % 2
    levels = np.where(labels == 0, 230, 20) + np.arange(16)
    test = labels.copy()
    test[:3] = 1 - test[:3]
    arrays = {f"{part}_x": images(levels, side, channels) for part in ("train", "val", "test")}
    with open(path, "wb") as file:
        np.savez(file, **arrays, train_y=labels, val_y=labels, test_y=test, classes=classes)


def test_an_onnx_file_on_a_file_of_arrays():
    write_npz()
    with open("small.onnx", "wb") as file:
        file.write(small_onnx())
    result = search.evaluate("small.onnx", "data.npz")
    assert result.accuracy == pytest.approx(13 / 16)
    assert result.classes == ("dark", "bright")
    # The data number bright as 0 and dark as 1, the model the other way round.
    assert result.confusion.tolist() == [[7, 2], [1, 6]]
    assert (result.model, result.data, result.split) == ("small", "npz", "test")
    assert sorted(m.name for m in result.mistakes) == ["test image 0", "test image 1", "test image 2"]
    assert result.mistakes[0].probability >= result.mistakes[-1].probability >= 0.5
    assert {(m.true, m.label) for m in result.mistakes} == {("dark", "bright"), ("bright", "dark")}
    for mistake in result.mistakes:
        assert mistake.image.shape == (8, 8, 3)
        assert (mistake.image.mean() > 128) == (mistake.label == "bright")
    assert search.evaluate("small.onnx", "data.npz", "validation").accuracy == 1
    assert len(search.evaluate("small.onnx", {"data": "npz", "data.path": "data.npz"}, "all").labels) == 48


def test_a_model_in_memory_and_its_folder_agree():
    write_npz()
    made = model(SMALL, classes=("bright", "dark"))
    save_model(made, Path("m"))
    one, other = search.evaluate(made, "data.npz"), search.evaluate("m", "data.npz")
    np.testing.assert_array_equal(one.probabilities, other.probabilities)
    assert (one.model, other.model) == ("model", "m")


def test_the_centre_is_cut_out_as_the_model_was_fed():
    write_npz(side=16)
    made = model(SMALL, classes=("bright", "dark"), feeding=Feeding(resolution=8, crop=0.5))
    classifier = classifier_of(made)
    given = labelled_images(Npz(source="npz", path="data.npz"), classifier)
    assert [batch.shape for batch in given.batches(10)] == [(10, 8, 8, 3), (6, 8, 8, 3)]


def test_grey_images_for_a_colour_network():
    write_npz(channels=1)
    given = labelled_images(Npz(source="npz", path="data.npz"), onnx_classifier("s", small_onnx()))
    assert next(given.batches(4)).shape == (4, 8, 8, 3)
    # The network decides, whatever the training that the images come from asked for.
    write_npz(path="colour.npz")
    grey = Npz(source="npz", path="colour.npz", channels=1)
    given = labelled_images(grey, onnx_classifier("s", small_onnx()))
    assert next(given.batches(4)).shape == (4, 8, 8, 3)


def test_a_folder_names_the_files_of_mistakes():
    for number in range(40):
        kind = ("dark", "bright")[number % 2]
        folder = Path("photos") / kind
        folder.mkdir(parents=True, exist_ok=True)
        level = 20 if kind == "dark" or number == 1 else 230
        Image.fromarray(images([level + number % 5])[0]).save(folder / f"{number}.png")
    with open("small.onnx", "wb") as file:
        file.write(small_onnx())
    result = search.evaluate("small.onnx", "photos", "all")
    assert [m.name for m in result.mistakes] == ["bright/1.png"]
    assert result.accuracy == pytest.approx(39 / 40)


def test_numbers_as_names_stand_for_the_classes_in_order():
    write_npz(classes=("0", "1"))
    with open("small.onnx", "wb") as file:
        file.write(small_onnx(classes=("bright", "dark")))
    assert search.evaluate("small.onnx", "data.npz", "validation").accuracy == 0


def test_a_class_whose_name_the_model_has_twice_is_refused():
    """ImageNet has two classes called crane, and two called maillot."""
    with open("cranes.onnx", "wb") as file:
        file.write(small_onnx(classes=("crane", "crane")))
    for split in ("test", "all"):
        write_npz(classes=("bird", "crane"))
        with pytest.raises(UserError, match="Unknown class for this model 'bird'"):
            search.evaluate("cranes.onnx", "data.npz", split)
    write_npz(classes=("crane", "crane "))
    message = (
        "The model has 2 classes called 'crane'; images of a class of this name could be of any of them."
    )
    with pytest.raises(UserError) as refused:
        search.evaluate("cranes.onnx", "data.npz")
    assert str(refused.value) == message


def test_mistakes():
    write_npz()
    with open("small.onnx", "wb") as file:
        file.write(small_onnx(classes=("drak", "bright")))
    save_model(model(SMALL, trained=False), Path("fresh"))
    save_model(model(SMALL, provenance=Provenance(data="npz")), Path("m"))
    for words, message in (
        (("small.onnx", "data.npz"), "Unknown class for this model 'dark'. Did you mean 'drak'"),
        (("fresh", "data.npz"), "not trained"),
        (("m",), r"m does not say where the images of its training are: add data=npz data\.path"),
        (("m", "data.npz", "tset"), "Unknown split 'tset'. Did you mean 'test'"),
        (("m", "none"), "none is neither a folder of images nor a .npz file"),
        (("m", {"proxy.epochs": 3}), r"proxy\.epochs is not a setting of data"),
        (("small.onnx",), "add data=NAME data.path"),
        ((model(SMALL),), "The model: which images"),
    ):
        with pytest.raises(UserError, match=message) as refused:
            search.evaluate(*words)
        assert "\n" not in str(refused.value)


def trained_on(source, **origin):
    """Write the model "m", as a training on the images that `source` has now would."""
    told = Provenance(data="npz", data_digest=load(source, 8).digest, **origin)
    save_model(model(SMALL, classes=("bright", "dark"), provenance=told), Path("m"))


def test_a_model_is_not_evaluated_unasked_on_images_that_have_changed_since_its_training():
    write_npz()
    source = Npz(source="npz", path="data.npz")
    trained_on(source)
    write_file(Path("m") / DOCUMENT, yaml.safe_dump(Task(SMALL, source, Recipe()).document()))
    own = search.evaluate("m")
    write_npz(classes=("dark", "bright"))
    place = Path("data.npz").absolute()
    for given in (None, {}):
        with pytest.raises(UserError, match=rf"^m was trained on .* data=npz data\.path={place} .* DATA"):
            search.evaluate("m", given)
    with pytest.raises(UserError, match=r"^m was trained on other images"):
        images_of(networks.network_to_train("m"), None)
    assert search.evaluate("m", "data.npz").accuracy == pytest.approx(1 - own.accuracy)


def test_an_exported_model_is_not_evaluated_unasked_on_images_of_its_run_that_it_was_not_trained_on(
    monkeypatch,
):
    write_npz()
    write_npz("full.npz", classes=("dark", "bright"))
    source = Npz(source="npz", path="data.npz")
    run = SimpleNamespace(config=SimpleNamespace(data=source))
    monkeypatch.setattr(networks, "runs", lambda: ["r"])
    monkeypatch.setattr(networks, "open_run", lambda name: run)
    trained_on(source, run="r", trial=1)
    assert len(search.evaluate("m").labels) == 16
    trained_on(Npz(source="npz", path="full.npz"), run="r", trial=1)
    with pytest.raises(UserError, match=r"^m was trained on other images"):
        search.evaluate("m")


def test_a_folder_with_too_few_images_for_splits_names_the_command_that_needs_none():
    Path("photos/dark").mkdir(parents=True)
    for number in range(4):
        Image.fromarray(images([number])[0]).save(f"photos/dark/{number}.png")
    with open("small.onnx", "wb") as file:
        file.write(small_onnx())
    for classes in (1, 2):
        with pytest.raises(UserError, match=r"search predict MODEL .*photos") as refused:
            search.evaluate("small.onnx", "photos", "all")
        assert "\n" not in str(refused.value)
        if classes == 1:
            Path("photos/bright").mkdir()
            Path("photos/dark/3.png").rename("photos/bright/3.png")
