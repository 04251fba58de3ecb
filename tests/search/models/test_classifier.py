"""A classifier computes the same whatever file it comes from."""

import numpy as np
import onnxruntime
import pytest
from helpers.models import model
from helpers.onnx_models import small_onnx
from onnxruntime.capi.onnxruntime_pybind11_state import Fail

from search.models.classifier import classifier_of, load_classifier, onnx_classifier, probabilities
from search.models.model import Feeding, Provenance, save_model
from search.models.onnx_reading import as_properties, images_scaled, metadata, metadata_of
from space import UserError, decode

SMALL = decode("r8_i8_s1/mb_d1_k3_s1_e1_w8/h16_c2")
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)


def test_a_models_folder(tmp_path):
    made = model(SMALL, classes=("cat", "dog"), feeding=Feeding(resolution=8, crop=0.5), mean=(0.1, 0.2, 0.3))
    save_model(made, tmp_path / "pets")
    read = load_classifier(tmp_path / "pets")
    assert (read.name, read.classes, read.channels, read.trained) == ("pets", ("cat", "dog"), 3, True)
    assert read.fed == made.fed
    logits = read.logits(IMAGES)
    assert logits.shape == (5, 2)
    np.testing.assert_array_equal(logits, classifier_of(made).logits(IMAGES))


def test_an_onnx_file(tmp_path):
    file = tmp_path / "small.onnx"
    file.write_bytes(small_onnx())
    read = load_classifier(file)
    assert (read.name, read.classes, read.channels, read.trained) == ("small", ("dark", "bright"), 3, True)
    assert read.fed == Feeding(resolution=8)
    dark, bright = np.zeros((1, 8, 8, 3), np.uint8), np.full((1, 8, 8, 3), 255, np.uint8)
    assert read.logits(dark).argmax() == 0
    assert read.logits(bright).argmax() == 1


def test_images_that_exceed_memory_together_are_refused(monkeypatch):
    class Small(onnxruntime.InferenceSession):
        def run(self, *arguments):
            raise Fail(
                "[ONNXRuntimeError] : 1 : FAIL : Failed to allocate memory for requested buffer of size 99"
            )

    monkeypatch.setattr(onnxruntime, "InferenceSession", Small)
    with pytest.raises(UserError, match=r"^small has too little memory for 5 images at a time\.$"):
        onnx_classifier("small", small_onnx()).logits(IMAGES)


def test_the_input_of_onnx_files_is_that_of_torch():
    import torch

    from search.data.augment import normalise

    mean, std = (0.1, 0.5, 0.9), (0.3, 0.2, 0.1)
    expected = normalise(torch.from_numpy(IMAGES), mean, std).numpy()
    np.testing.assert_allclose(images_scaled(IMAGES, mean, std), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("crop", [0.875, None])
def test_metadata_come_back_as_they_were_written(tmp_path, crop):
    made = model(
        SMALL,
        classes=("a\n", "ü"),
        provenance=Provenance(run="r", trial=3, data="npz", versions={"torch": "2"}),
        feeding=Feeding(resolution=8, crop=crop),
    )
    facts = metadata("mine", made)
    (tmp_path / "m.onnx").write_bytes(small_onnx(metadata=as_properties(facts)))
    assert metadata_of(tmp_path / "m.onnx") == facts


@pytest.mark.parametrize("logits", [[[0.0, 0.0], [1000.0, 990.0]], [[-3.0, 1.0], [0.5, 0.25]]])
def test_probabilities_are_a_softmax(logits):
    values = np.array(logits, dtype=np.float32)
    shares = probabilities(values)
    np.testing.assert_allclose(shares.sum(1), 1)
    np.testing.assert_allclose(np.log(shares[:, 0] / shares[:, 1]), values[:, 0] - values[:, 1], rtol=1e-6)


def test_what_is_no_classifier_is_refused(tmp_path, monkeypatch):
    (tmp_path / "text.onnx").write_text("no model")
    (tmp_path / "foreign.onnx").write_bytes(small_onnx(metadata={"producer": "other"}))
    for name, message in (
        ("text.onnx", r"text\.onnx is not an ONNX model that onnxruntime can run"),
        ("foreign.onnx", r"foreign\.onnx does not say its classes and preprocessing"),
        ("forein.onnx", r"MODEL: there is no .*forein\.onnx'\. Did you mean .*foreign\.onnx"),
        ("none", "Unknown folder of a model"),
    ):
        with pytest.raises(UserError, match=message) as refused:
            load_classifier(tmp_path / name)
        assert "\n" not in str(refused.value)
    monkeypatch.setattr("search.models.onnx_reading.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"needs onnxruntime: pip install 'compound-nas\[onnx\]'"):
        onnx_classifier("small", small_onnx())
