"""ONNX files compute what torch computes."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from helpers.models import model

from search.models.forms.onnx import onnx_file
from search.training.named_models import untrained
from space import Architecture, Head, Stage, Stem, UserError, decode
from space.blocks import BLOCKS
from space.weights import rebuild

# Every kind of part that a plan can have; on maps of even size, where TensorFlow's padding is its own.
MIXED = decode(
    "r18_i8_k5_s1_x1_relu/fused_d1_k3_s1_e1_w8/fused_d2_k3_s2_e4_w16_se0.25_relu6"
    "/mb_d2_k5_s2_e6_w24_se0.25/mb_d1_k7_s1_e1_w24_hardswish/h40_c5_hardswish"
)


def test_computes_what_torch_computes_for_any_batch_and_weights():
    made = model(MIXED, padding="same", norm_eps=0.01)
    session = onnxruntime.InferenceSession(onnx_file("mixed", made))
    for batch in (1, 5):
        images = torch.randn(batch, 1, 18, 18)
        (logits,) = session.run(None, {"images": images.numpy()})
        expected = rebuild(made.weights).eval()(images).detach()
        np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setattr(
        "search.models.onnx_reading.find_spec", lambda name: None if name == "onnxscript" else True
    )
    with pytest.raises(UserError, match=r"needs onnxscript: pip install 'compound-nas\[onnx\]'"):
        onnx_file("mixed", model(MIXED))


@pytest.mark.slow
def test_every_block_family_can_be_exported():
    """Each in two blocks, the first of which changes the width or the size of the map."""
    stages = tuple(
        Stage(op, 2, 3, 2 if number in (3, 9) else 1, 2, 16, 0.25, "relu6", groups=2, dilations="1x1:1+2x1:1")
        for number, op in enumerate(BLOCKS)
    )
    architecture = Architecture(16, Stem(8, stride=1, op="pool"), stages, Head(0, hidden=8), 3)
    assert onnx_file("all", untrained(architecture))


def test_the_file_has_everything_that_is_needed_to_use_it():
    made = model(
        decode("r16_i8_s1/mb_d1_k3_s2_e1_w8_se0.25/h32_c2"), classes=("Käse\n", "dog"), mean=(0.1, 0.2, 0.3)
    )
    proto = onnx.load_from_string(onnx_file("name", made, opset=18))
    metadata = {prop.key: prop.value for prop in proto.metadata_props}
    assert json.loads(metadata["classes"]) == ["Käse\n", "dog"]
    assert json.loads(metadata["mean"]) == [0.1, 0.2, 0.3]
    assert len(json.loads(metadata["std"])) == 3
    assert (metadata["resolution"], metadata["crop"], metadata["trained"]) == ("16", "1.0", "true")
    assert proto.opset_import[0].version == 18


def test_an_opset_that_the_exporter_ignores_is_refused(capfd):
    with pytest.raises(UserError, match=r"cannot be written with opset 999"):
        onnx_file("name", model(decode("r16_i8_s1/mb_d1_k3_s2_e1_w8_se0.25/h32_c2")), opset=999)
    assert capfd.readouterr().err == ""
