"""The graph of an ONNX model before quantisation, simplified, with its layers and with a name for each node."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from search.models.onnx_reading import require_packages
from space.refusal import UserError, unknown_name

ENDS = ("first", "classifier")
"""The names of the layers that can stay in float32: the first layer and the last one."""
MIN_OPSET = 13
"""The first opset with a scale for each channel."""
_WEIGHTED = ("Conv", "Gemm", "MatMul")


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer with weights. nodes: the names of its operations, up to the next layer with weights."""

    name: str
    nodes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Graph:
    """A model before quantisation: the bytes of its ONNX file, and `folder`, which holds the simplified model."""

    float32: bytes
    folder: Path

    @property
    def path(self) -> Path:
        """The file of the simplified model, whose nodes all have names."""
        return self.folder / "prepared.onnx"

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers with weights, in the order of the network."""
        import onnx

        graph = onnx.load(self.path).graph
        weights = {tensor.name for tensor in graph.initializer}
        layers: list[tuple[str, list[str]]] = []
        for node in graph.node:
            own = [name for name in node.input[1:2] if name in weights]
            if node.op_type in _WEIGHTED and own:
                layers.append((_layer_name(own[0]), []))
            if layers:
                layers[-1][1].append(node.name)
        return tuple(Layer(name, tuple(nodes)) for name, nodes in layers)

    def kept(self, ends: Collection[str]) -> tuple[Layer, ...]:
        """Return the first layer, the last one, both or none, as `ends` names them (see `ENDS`)."""
        chosen = dict(zip(ENDS, (self.layers[0], self.layers[-1]), strict=True))
        return tuple(chosen[name] for name in ENDS if name in ends)


def require_ends(names: Collection[str]) -> None:
    """Raise `UserError` for the first name that is not in `ENDS`."""
    for name in names:
        if name not in ENDS:
            raise unknown_name("layer that can stay in float32", name, ENDS)


@contextmanager
def prepared(float32: bytes) -> Iterator[Graph]:
    """Yield the simplified graph of an ONNX model of `search export-model`. Its files last as long as the context.

    float32: the bytes of the model's file. Raises `UserError` where a package is missing, and for an opset below
    `MIN_OPSET`.
    """
    require_packages("A file in int8")
    import onnx
    from onnxruntime.quantization.shape_inference import quant_pre_process  # type: ignore[import-untyped]

    model = onnx.load_from_string(float32)
    opset = next(own.version for own in model.opset_import if own.domain in ("", "ai.onnx"))
    if opset < MIN_OPSET:
        raise UserError(f"A file in int8 needs opset {MIN_OPSET} or later, not {opset}.")
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # onnxruntime warns about its own dependencies.
        graph = Graph(float32, Path(folder))
        (graph.folder / "float32.onnx").write_bytes(float32)
        quant_pre_process(str(graph.folder / "float32.onnx"), str(graph.path), skip_symbolic_shape=True)
        simple = onnx.load(graph.path)
        for number, node in enumerate(simple.graph.node):
            node.name = f"{number}_{node.name or node.op_type}"
        onnx.save(simple, graph.path)
        yield graph


def _layer_name(weight: str) -> str:
    """Return "stages.0.0.expand" for the weights "stages.0.0.expand.conv.weight"."""
    return weight.removesuffix(".weight").removesuffix(".conv")
