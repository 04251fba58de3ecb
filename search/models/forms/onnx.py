"""A network as an ONNX file. Needs `pip install compound-nas[onnx]`."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

from search.models.forms.parity import ready, require_equal
from search.models.model import Model
from space import UserError

if TYPE_CHECKING:
    from torch import Tensor, nn

PACKAGES = ("onnx", "onnxscript", "onnxruntime")


def onnx_file(name: str, model: Model, opset: int | None = None) -> bytes:
    """Return the ONNX model, for batches of any size.

    Input "images" (batch, channels, resolution, resolution) float32, output "logits" (batch, classes). Its metadata
    have everything that is needed to use it: classes, mean, std, resolution, crop. opset: the opset of the file;
    None: the exporter's default; runtimes on small devices may need an older one. Raises `UserError` if a package is
    missing, the opset is not supported, or onnxruntime's logits differ from torch's.
    """
    missing = [package for package in PACKAGES if find_spec(package) is None]
    if missing:
        raise UserError(f"An ONNX file needs {', '.join(missing)}: pip install 'compound-nas[onnx]'.")
    with ready(model) as (network, images):
        # It is exported with two images and tested with three and one, since the batch size is free.
        content = _exported(network, images[:2], _metadata(name, model), opset)
        require_equal("ONNX file", lambda batch: _computed(content, batch), network, images)
    return content


def _metadata(name: str, model: Model) -> dict[str, str]:
    """Return the metadata of the file: texts, and JSON for lists and numbers."""
    conventions = model.weights.conventions
    return {
        "name": name,
        "architecture": str(model.architecture),
        "classes": json.dumps(model.classes),
        "mean": json.dumps(conventions.mean),
        "std": json.dumps(conventions.std),
        "resolution": json.dumps(model.fed.resolution),
        "crop": json.dumps(model.fed.crop),
        "normalisation": "(x - mean) / std with x in 0..1, channels first, red green blue",
        "trained": json.dumps(model.trained),
    }


def _exported(network: nn.Module, images: Tensor, metadata: Mapping[str, str], opset: int | None) -> bytes:
    import torch

    with warnings.catch_warnings():
        # The exporter warns about its own dependencies' future.
        warnings.simplefilter("ignore")
        try:
            program = torch.onnx.export(
                network,
                (images,),
                input_names=["images"],
                output_names=["logits"],
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                dynamo=True,
                opset_version=opset,
                verbose=False,
            )
        except Exception as error:
            if opset is None:
                raise
            raise UserError(
                f"The network cannot be written with opset {opset}: {_first_line(error)}."
            ) from None
    assert program is not None
    proto = program.model_proto
    for key, value in metadata.items():
        proto.metadata_props.add(key=key, value=value)
    return bytes(proto.SerializeToString())


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")


def _computed(content: bytes, images: Tensor) -> Tensor:
    import onnxruntime  # type: ignore[import-untyped]
    import torch

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # Its threads spin while they wait, and on a busy machine starve.
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    (logits,) = session.run(["logits"], {"images": images.numpy()})
    return torch.from_numpy(logits)
