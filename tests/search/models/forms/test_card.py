"""The model card says what is known, and nothing else."""

import hashlib

import pytest
from helpers.models import model

from search.models.forms.card import card
from search.models.model import Feeding, Metric, Provenance
from search.training.named_models import untrained
from space import decode

SMALL = decode("r32_i8_x1/mb_d1_k3_s2_e2_w8/h16_c2")


def lines(made, files=None, left_out=None):
    return card("cats", made, files or {"model.safetensors": b"123"}, {}, left_out or {}).splitlines()


def test_a_trained_model():
    metrics = (Metric(name="accuracy", split="test", value=0.5, spread=0.0123, seeds=3),)
    told = Provenance(
        run="r", trial=12, data="npz", data_digest="d1", seconds=90.4, versions={"torch": "2.9"}
    )
    said = lines(
        model(
            SMALL,
            classes=("cat", "dog"),
            metrics=metrics,
            provenance=told,
            recipe={"epochs": 3, "stages": [1, 2]},
            feeding=Feeding(resolution=40, crop=0.875),
            mean=(0.5,),
            std=(0.25,),
        )
    )
    assert said[0] == "# cats"
    assert said[2].startswith("Classifies grey images of 40 x 40 pixels into 2 classes: ")
    assert "| accuracy | test | 0.5000 | 0.0123 | 3 |  |" in said
    for line in (
        "- search: run r, trial 12",
        "- data: npz",
        "- digest of the data: d1",
        "- time of training: 90 s",
    ):
        assert line in said
    assert "- versions: torch 2.9" in said
    assert "`cat`, `dog`." in said
    assert "epochs: 3" in said
    digest = hashlib.sha256(b"123").hexdigest()
    assert f"| model.safetensors |  | 3 | `{digest}` |" in said
    assert not any("Not trained" in line for line in said)
    assert any(
        "its side is 0.875 of the image's short side" in line and "mean (0.5), std (0.25)" in line
        for line in said
    )


def test_whole_images_are_told_apart_from_central_squares():
    (said,) = [line for line in lines(model(SMALL)) if "is resized to" in line]
    assert said.startswith("The central square of an image (its side is the image's short side) is resized")
    (said,) = [
        line
        for line in lines(model(SMALL, feeding=Feeding(resolution=32, crop=None)))
        if "resized to" in line
    ]
    assert said.startswith("The whole image, whatever its shape, is resized to 32 x 32 pixels")


def test_what_is_unknown_is_not_said():
    said = lines(model(SMALL, trained=False), left_out={"onnx": "An ONNX file needs onnx."})
    assert any(line.startswith("**Not trained**: its weights are freshly initialised") for line in said)
    assert "- not written: onnx. An ONNX file needs onnx." in said
    for title in ("## Figures", "## Recipe"):
        assert title not in said
    assert not any("search predict" in line for line in said)


def test_what_is_fresh_is_told_apart():
    adapted = model(SMALL, trained=False, provenance=Provenance(origin="timm, style tf"))
    assert any(
        "its classifier is freshly initialised, the other weights are of timm" in line
        for line in lines(adapted)
    )
    assert any("it has no weights here" in line for line in lines(untrained(SMALL, weights=False)))


@pytest.mark.parametrize(
    "name",
    [
        "<img src=x>",
        "new\nline",
        "*a* | b",
        "`code`",
        "``",
        "[link](http://x)",
        "\u202e",
        "&amp;",
        " ",
        "caf\udce9",
    ],
)
def test_class_names_are_code_in_one_line(name):
    made = model(decode("r16_i8_s1/mb_d1_k3_s2_e1_w8_se0.25/h32_c2"), classes=(name, "dog"))
    text = card("name", made, {}, {}, {})
    (line,) = [line for line in text.splitlines() if line.endswith("`dog`.")]
    shown = line.removesuffix(", `dog`.")
    fence = len(shown) - len(shown.lstrip("`"))
    assert fence
    assert shown.endswith("`" * fence)
    assert "`" * fence not in shown[fence:-fence]
    text.encode()
