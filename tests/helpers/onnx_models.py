"""A small classifier as an ONNX file, which is made in milliseconds."""

import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def small_onnx(classes=("dark", "bright"), channels=3, side=8, metadata=None, hidden=8):
    """Return the content of a file whose logits rise with the brightness of an image for the last class.

    Its three layers have the names that the exporter gives: a stem, a depthwise convolution and a classifier.
    metadata: properties that replace those of an exported file. hidden: the width.
    """
    rng = np.random.default_rng(0)
    stem = np.abs(rng.normal(size=(hidden, channels, 3, 3))).astype(np.float32) / (9 * channels)
    depthwise = np.ones((hidden, 1, 3, 3), np.float32) / 9
    linear = np.linspace(-1, 1, len(classes), dtype=np.float32)[:, None].repeat(hidden, 1) * 8 / hidden
    weights = {
        "stem.conv.conv.weight": stem,
        "stages.0.0.depthwise.conv.weight": depthwise,
        "head.classifier.weight": linear,
        "head.classifier.bias": np.zeros(len(classes), np.float32),
    }
    pads = [1, 1, 1, 1]
    nodes = [
        helper.make_node("Conv", ["images", "stem.conv.conv.weight"], ["a"], "conv_0", pads=pads),
        helper.make_node("Relu", ["a"], ["b"], "relu"),
        helper.make_node(
            "Conv", ["b", "stages.0.0.depthwise.conv.weight"], ["c"], "conv_1", pads=pads, group=hidden
        ),
        helper.make_node("GlobalAveragePool", ["c"], ["d"], "pool"),
        helper.make_node("Flatten", ["d"], ["e"], "flatten"),
        helper.make_node(
            "Gemm", ["e", "head.classifier.weight", "head.classifier.bias"], ["logits"], "gemm", transB=1
        ),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", channels, side, side])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", len(classes)])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    properties = {
        "name": "small",
        "architecture": f"r{side}_i8_s1/mb_d1_k3_s1_e1_w8/h16_c{len(classes)}",
        "classes": json.dumps(classes),
        "mean": json.dumps([0.5] * channels),
        "std": json.dumps([0.25] * channels),
        "resolution": json.dumps(side),
        "crop": "1.0",
        "trained": "true",
        "provenance": "{}",
    }
    helper.set_model_props(model, properties if metadata is None else metadata)
    onnx.checker.check_model(model)
    return model.SerializeToString()
