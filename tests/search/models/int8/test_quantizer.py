"""An ONNX model in int8 has the metadata and nearly the probabilities of the float32 model."""

import json

import numpy as np
import onnx
import pytest
from helpers.onnx_models import small_onnx

from search.models.classifier import onnx_classifier
from search.models.int8 import quantizer
from search.models.int8.graph import ENDS, prepared, require_ends
from search.models.int8.losses import LayerLoss, remedies, speed, weight_bytes, worst_layers
from search.models.int8.quantizer import METHODS, computed, divergence, needs_reduced_range, quantized
from space import UserError, decode

IMAGES = np.random.default_rng(0).normal(size=(48, 3, 8, 8)).astype(np.float32)
CALIBRATION, HELD_OUT = IMAGES[:32], IMAGES[32:]
LAYERS = ["stem.conv", "stages.0.0.depthwise", "head.classifier"]


@pytest.fixture(scope="module")
def graph():
    with prepared(small_onnx(hidden=64)) as made:
        yield made


@pytest.fixture(scope="module")
def small(graph):
    return quantized(graph, CALIBRATION, HELD_OUT)


def types(content):
    return {tensor.name: tensor.data_type for tensor in onnx.load_from_string(content).graph.initializer}


def test_the_layers_have_our_names(graph):
    assert [layer.name for layer in graph.layers] == LAYERS


def test_probabilities_are_nearly_the_same_and_the_better_method_is_taken(graph, small):
    expected, actual = computed(graph.float32, HELD_OUT), computed(small.content, HELD_OUT)
    np.testing.assert_allclose(actual, expected, atol=0.02)
    assert small.divergences.keys() == METHODS.keys()
    assert small.divergences[small.method] == min(small.divergences.values())
    assert divergence(expected, actual) == pytest.approx(small.divergences[small.method])
    assert divergence(expected, expected) == 0


def test_weights_have_a_scale_for_each_channel_and_stay_in_float32_where_asked(graph, small):
    int8, names = onnx.TensorProto.INT8, types(small.content)
    for layer in LAYERS[:2]:
        assert names[f"{layer}.conv.weight_quantized"] == int8
    scales = [
        t for t in onnx.load_from_string(small.content).graph.initializer if t.name.endswith("weight_scale")
    ]
    assert {tuple(tensor.dims) for tensor in scales} >= {(64,)}
    ends = quantized(graph, CALIBRATION, HELD_OUT, ENDS)
    assert ends.kept == ("stem.conv", "head.classifier")
    assert "stages.0.0.depthwise.conv.weight_quantized" in types(ends.content)
    assert {"stem.conv.conv.weight", "head.classifier.weight"} <= types(ends.content).keys()
    assert weight_bytes(small.content) < weight_bytes(ends.content) < weight_bytes(graph.float32)


def test_depthwise_weights_have_8_bits_where_others_have_7(graph):
    ranges = quantizer.calibrated(graph, "MinMax", CALIBRATION)
    content = quantizer.quantize_nodes(graph, ranges, reduced=True)
    largest = {
        tensor.name.removesuffix("_quantized"): np.abs(onnx.numpy_helper.to_array(tensor).astype(int)).max()
        for tensor in onnx.load_from_string(content).graph.initializer
        if tensor.data_type == onnx.TensorProto.INT8 and tensor.name.endswith("_quantized")
    }
    assert {name.removesuffix(".weight"): top for name, top in largest.items()} == {
        "stem.conv.conv": 64,
        "stages.0.0.depthwise.conv": 127,
        "head.classifier": 64,
    }


def test_the_file_has_the_labels_and_says_how_it_was_made(small):
    assert onnx_classifier("small", small.content).classes == ("dark", "bright")
    properties = {entry.key: entry.value for entry in onnx.load_from_string(small.content).metadata_props}
    told = json.loads(properties["int8"])
    expected = {"calibration": small.method, "images": 32, "reduced_range": small.reduced, "float32": []}
    assert told == expected


def test_a_batch_may_have_any_size(small):
    for batch in (1, 5):
        assert computed(small.content, IMAGES[:batch]).shape == (batch, 2)


def test_the_worst_layers_come_first(graph, small):
    losses = worst_layers(graph, small, HELD_OUT)
    assert losses
    assert [row.divergence for row in losses] == sorted((row.divergence for row in losses), reverse=True)
    assert {row.name for row in losses} <= set(LAYERS)
    assert sum(row.share for row in losses) <= 1 + 1e-9
    assert all(row.share >= 0.1 for row in losses)


def test_remedies_follow_from_the_network_and_its_layers():
    silu = decode("r32_i8/mb_d1_k3_s2_e2_w8_se0.25/h16_c2")
    plain = decode("r32_i8_relu6/mb_d1_k3_s2_e2_w8_relu6/h16_c2_relu6")
    stem = (LayerLoss("stem.conv", 1.0, 1.0),)
    assert [text.split()[0] for text in remedies(silu, stem)] == ["act:", "no", "--float32"]
    assert remedies(plain, stem) == ("--float32 first",)
    assert remedies(plain, (LayerLoss("head.classifier", 1.0, 1.0),)) == ("--float32 classifier",)
    assert remedies(plain, ()) == ()


def test_the_latency_of_both_is_measured_in_turns(graph, small, monkeypatch):
    monkeypatch.setattr("search.models.int8.losses._PAIRS", 6)
    monkeypatch.setattr("search.models.int8.losses._SETTLED_MS", 0.1)
    measured = speed(graph.float32, small.content, IMAGES[:1])
    assert measured.pairs == 6
    assert measured.float_ms > 0
    assert measured.int8_ms > 0


@pytest.mark.parametrize(
    ("machine", "flags", "reduced"),
    [
        ("x86_64", "avx2 avx512_vnni", False),
        ("AMD64", "avx2", True),
        ("aarch64", None, False),
        ("x86_64", None, True),
    ],
)
def test_weights_have_7_bits_on_x86_without_vnni(monkeypatch, tmp_path, machine, flags, reduced):
    monkeypatch.setattr(quantizer.platform, "machine", lambda: machine)
    monkeypatch.setattr(quantizer, "_CPU", tmp_path / "cpuinfo")
    if flags:
        (tmp_path / "cpuinfo").write_text(f"model name: x\nflags: {flags}\n")
    assert needs_reduced_range() == reduced


def test_mistakes(monkeypatch):
    with pytest.raises(UserError, match=r"'frist'\. Did you mean 'first'"):
        require_ends(["frist"])
    old = onnx.load_from_string(small_onnx())
    old.opset_import[0].version = 12
    with pytest.raises(UserError, match="needs opset 13 or later, not 12"), prepared(old.SerializeToString()):
        pass
    monkeypatch.setattr("search.models.onnx_reading.find_spec", lambda name: None)
    with pytest.raises(
        UserError, match=r"needs onnx, onnxscript, onnxruntime: pip install 'compound-nas\[onnx\]'"
    ):
        with prepared(small_onnx()):
            pass
