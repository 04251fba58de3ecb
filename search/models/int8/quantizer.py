"""Static quantisation of an ONNX model by onnxruntime: weights in int8 per channel, activations in uint8.

    with prepared(float32) as graph:
        best = quantized(graph, calibration, held_out)
    Path("network.int8.onnx").write_bytes(best.content)

The ranges of activations are calibrated on images by two methods. On other images, the class probabilities of both
results are compared with those of the float32 model, and the nearer result is kept.
"""

from __future__ import annotations

import io
import json
import platform
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.models.classifier import probabilities
from search.models.int8.graph import Graph
from search.models.onnx_reading import session_of

Inputs = NDArray[np.float32]
"""The input of a network: images (n, channels, height, width), normalised."""
METHODS: Mapping[str, dict[str, Any]] = {
    "MinMax": {"symmetric": False},
    "Percentile": {"symmetric": False, "percentile": 99.99},
}
"""The ways to choose the range of an activation, with onnxruntime's options: from the smallest to the largest value,
or without the 0.005 % of the values at either end (0.01 % together)."""
_CPU = Path("/proc/cpuinfo")
"""The file in which Linux lists the instruction sets of the processor."""
_BATCH = 32
_SMALLEST = 1e-12
"""The probability that replaces a smaller one in divergences."""


@dataclass(frozen=True, slots=True, eq=False)
class Quantized:
    """An ONNX model in int8.

    content: the bytes of the file. method: the key of `METHODS` that was chosen. divergences: the `divergence` from
    the float32 model with each method. reduced: True if all weights except depthwise ones have 7 bits. kept: the
    names of the layers that stay in float32. ranges: the calibrated ranges of activations.
    """

    content: bytes
    method: str
    divergences: Mapping[str, float]
    reduced: bool
    kept: tuple[str, ...]
    ranges: Any


def quantized(graph: Graph, calibration: Inputs, held_out: Inputs, ends: Collection[str] = ()) -> Quantized:
    """Return the model in int8, with the better of the two `METHODS`.

    calibration: the images whose activations give the ranges. held_out: other images, which decide between the
    methods. ends: the names in `search.models.int8.graph.ENDS` of layers that stay in float32.
    """
    kept = graph.kept(ends)
    excluded = [node for layer in kept for node in layer.nodes]
    expected = computed(graph.float32, held_out)
    reduced = needs_reduced_range()
    tried: dict[str, tuple[float, bytes, Any]] = {}
    for method in METHODS:
        ranges = calibrated(graph, method, calibration)
        content = quantize_nodes(graph, ranges, reduced=reduced, excluded=excluded)
        tried[method] = divergence(expected, computed(content, held_out)), content, ranges
    method = min(tried, key=lambda name: tried[name][0])
    facts = {
        "calibration": method,
        "images": len(calibration),
        "reduced_range": reduced,
        "float32": [layer.name for layer in kept],
    }
    return Quantized(
        content=_described(graph, tried[method][1], facts),
        method=method,
        divergences={name: result[0] for name, result in tried.items()},
        reduced=reduced,
        kept=tuple(layer.name for layer in kept),
        ranges=tried[method][2],
    )


def calibrated(graph: Graph, method: str, images: Inputs) -> Any:
    """Return onnxruntime's ranges of all activations on `images`. method: a key of `METHODS`."""
    from onnxruntime.quantization import CalibrationMethod  # type: ignore[import-untyped]
    from onnxruntime.quantization.calibrate import create_calibrator  # type: ignore[import-untyped]

    calibrator = create_calibrator(
        graph.path,
        _ops(),
        augmented_model_path=str(graph.folder / "augmented.onnx"),
        calibrate_method=CalibrationMethod[method],
        extra_options=dict(METHODS[method]),
    )
    with redirect_stdout(io.StringIO()):  # The calibrator prints what it does.
        # One batch at a time, since the activations of a batch are all held in memory.
        for batch in _batches(images):
            calibrator.collect_data(_OneBatch(batch))
        return calibrator.compute_data()


def quantize_nodes(
    graph: Graph,
    ranges: Any,
    *,
    reduced: bool,
    excluded: Sequence[str] = (),
    only: Sequence[str] = (),
) -> bytes:
    """Return the bytes of an ONNX file with some nodes in int8: those in `only` (empty: all) and not in `excluded`.

    ranges: the result of `calibrated`. reduced: True for weights of 7 bits, so that sums of products do not overflow
    16 bits. Depthwise weights keep 8 bits, since onnxruntime computes depthwise convolutions without such sums.
    """
    from onnxruntime.quantization import QuantType
    from onnxruntime.quantization.qdq_quantizer import QDQQuantizer  # type: ignore[import-untyped]
    from onnxruntime.quantization.quant_utils import (  # type: ignore[import-untyped]
        load_model_with_shape_infer,
    )

    model = load_model_with_shape_infer(graph.path)
    exact = {name: [{"axis": 0, "reduce_range": False}] for name in _depthwise(model)} if reduced else {}
    quantizer = QDQQuantizer(
        model,
        True,
        reduced,
        QuantType.QInt8,
        QuantType.QUInt8,
        ranges,
        list(only),
        list(excluded),
        _ops(),
        {"TensorQuantOverrides": exact},
    )
    quantizer.quantize_model()
    return bytes(quantizer.model.model.SerializeToString())


def _depthwise(model: Any) -> list[str]:
    """Return the names of the weights of depthwise convolutions in an ONNX model."""
    groups = {
        node.input[1]: one.i
        for node in model.graph.node
        if node.op_type == "Conv"
        for one in node.attribute
        if one.name == "group" and one.i > 1
    }
    return [
        tensor.name
        for tensor in model.graph.initializer
        if tensor.dims and groups.get(tensor.name) == tensor.dims[0]
    ]


def computed(content: bytes, images: Inputs) -> NDArray[np.float64]:
    """Return the class probabilities (n, classes) that an ONNX model computes for `images`."""
    session = session_of(content)
    parts = [session.run(["logits"], {"images": batch})[0] for batch in _batches(images)]
    return probabilities(np.concatenate(parts))


def divergence(expected: NDArray[np.float64], actual: NDArray[np.float64]) -> float:
    """Return the mean Kullback-Leibler divergence, in nats, of the `actual` probabilities from the `expected` ones.

    The shape of both is (n, classes).
    """
    ratio = np.log(np.maximum(expected, _SMALLEST) / np.maximum(actual, _SMALLEST))
    return float((expected * ratio).sum(1).mean())


def needs_reduced_range() -> bool:
    """Return True if weights should have 7 bits on this processor.

    x86 processors without VNNI add pairs of products in 16 bits, which overflow with 8-bit weights. Where the
    system does not list a processor's instructions, VNNI is not assumed.
    """
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return False
    try:
        flags = _CPU.read_text().split()
    except OSError:
        return True
    return not {"avx512_vnni", "avx_vnni"} & set(flags)


class _OneBatch:
    """A reader that gives one batch to a calibrator."""

    def __init__(self, batch: Inputs) -> None:
        self._batches = [{"images": batch}]

    def get_next(self) -> dict[str, Inputs] | None:
        return self._batches.pop() if self._batches else None


def _batches(images: Inputs) -> Iterator[Inputs]:
    yield from (images[start : start + _BATCH] for start in range(0, len(images), _BATCH))


def _ops() -> list[str]:
    """Return the operations that onnxruntime quantises."""
    from onnxruntime.quantization.registry import (  # type: ignore[import-untyped]
        QDQRegistry,
        QLinearOpsRegistry,
    )

    return sorted({*QDQRegistry, *QLinearOpsRegistry})


def _described(graph: Graph, content: bytes, facts: Mapping[str, Any]) -> bytes:
    """Return the model with the metadata of the float32 model, and `facts` under the key "int8"."""
    import onnx

    model = onnx.load_from_string(content)
    original = onnx.load_from_string(graph.float32)
    properties = {entry.key: entry.value for entry in original.metadata_props}
    onnx.helper.set_model_props(model, {**properties, "int8": json.dumps(facts)})
    return bytes(model.SerializeToString())
