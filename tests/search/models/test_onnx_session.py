"""The measured file computes what torch computes, and runs as the shipped file does."""

from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from helpers.models import model

from search.models.forms.onnx import onnx_file
from search.models.onnx_session import (
    OPSET,
    PROVIDER,
    Session,
    node_times,
    require_onnxruntime,
    runtime_name,
    traced,
)
from space import Architecture, Head, Stage, Stem, UserError, decode
from space.blocks import BLOCKS
from space.network.network import build
from space.weights import rebuild

NETWORK = decode("r16_i8_s1/fused_d2_k3_s1_e4_w8/mb_d2_k5_s2_e4_w16_se0.25/h32_c10")


def test_a_session_computes_what_torch_computes():
    network, images = build(NETWORK).eval(), torch.randn(2, 3, 16, 16)
    session = Session(traced(network, images), images.numpy())
    session.run()
    np.testing.assert_allclose(session.logits, network(images).detach(), rtol=1e-4, atol=1e-5)


def test_every_block_family_can_be_traced():
    stages = tuple(
        Stage(op, 2, 3, 2 if number in (3, 9) else 1, 2, 16, 0.25, "relu6", groups=2, dilations="1x1:1+2x1:1")
        for number, op in enumerate(BLOCKS)
    )
    architecture = Architecture(16, Stem(8, stride=1, op="pool"), stages, Head(0, hidden=8), 3)
    assert traced(build(architecture), torch.randn(1, 3, 16, 16))


def test_an_operation_that_onnx_lacks_is_refused():
    class Odd(torch.nn.Module):
        def forward(self, x):
            return torch.special.zeta(x.abs() + 2, x.abs() + 1)

    with pytest.raises(UserError, match=r"cannot be exported to ONNX: .*zeta"):
        traced(Odd(), torch.randn(1, 3))


def test_a_mistake_in_a_network_is_not_called_an_operation_that_onnx_lacks():
    class Wrong(torch.nn.Module):
        def forward(self, x):
            return x @ torch.ones(2, 2)

    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        traced(Wrong(), torch.randn(1, 3))


def test_the_times_of_nodes_are_those_of_the_network():
    images = torch.randn(1, 3, 16, 16)
    nodes = node_times(traced(build(NETWORK), images), images.numpy(), runs=3)
    names = " ".join(name for name, _ in nodes)
    for place in ("/stem/", "/stages.0/stages.0.1/", "/stages.1/stages.1.0/se_reduce/", "/head/classifier/"):
        assert place in names
    assert all(ms >= 0 for _, ms in nodes)


def test_the_runtime_says_its_version_and_options():
    assert runtime_name().startswith(f"onnxruntime {onnxruntime.__version__}, opset {OPSET}, {PROVIDER}")


def test_without_onnxruntime_the_ways_through_torch_are_named(monkeypatch):
    monkeypatch.setattr("search.models.onnx_session.find_spec", lambda package: None)
    with pytest.raises(
        UserError, match=r"need onnx, onnxruntime: pip install 'compound-nas\[onnx\]'"
    ) as refused:
        require_onnxruntime()
    assert "search measure NETWORK runtime=torch" in str(refused.value)
    assert "runtime=torch --out FILE, and then latency=./FILE." in str(refused.value)


@pytest.mark.slow
def test_the_shipped_file_runs_the_same_nodes(tmp_path):
    """The exporter's file and the tracer's are one graph once onnxruntime has folded and fused them."""

    def optimised(content):
        options = onnxruntime.SessionOptions()
        options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
        options.log_severity_level = 3
        options.add_free_dimension_override_by_name("batch", 1)
        onnxruntime.InferenceSession(content, options, providers=[PROVIDER])
        return Counter(node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node)

    shipped = model(NETWORK)
    exported = onnx_file("shipped", shipped)
    assert onnx.load_from_string(exported).opset_import[0].version == OPSET
    assert optimised(exported) == optimised(traced(rebuild(shipped.weights), torch.randn(1, 3, 16, 16)))
