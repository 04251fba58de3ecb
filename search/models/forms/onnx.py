"""A network as an ONNX file. Needs `pip install compound-nas[onnx]`."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from typing import TYPE_CHECKING

from search.models.forms.parity import ready, require_equal
from search.models.model import Model
from space import UserError

if TYPE_CHECKING:
    from torch import Tensor, nn

PACKAGES = ("onnx", "onnxscript", "onnxruntime")


def onnx_file(name: str, model: Model) -> bytes:
    """Return the ONNX model, for batches of any size.

    Input "images" (batch, channels, resolution, resolution) float32, output "logits" (batch, classes).
    Raises `UserError` if a package is missing, or if onnxruntime computes anything else than torch.
    """
    missing = [package for package in PACKAGES if find_spec(package) is None]
    if missing:
        raise UserError(f"An ONNX file needs {', '.join(missing)}: pip install 'compound-nas[onnx]'.")
    with ready(model) as (network, images):
        # Exported with two images and tried with three and one: the batch is free.
        content = _exported(network, images[:2])
        require_equal("ONNX file", lambda batch: _computed(content, batch), network, images)
    return content


def _exported(network: nn.Module, images: Tensor) -> bytes:
    import torch

    with warnings.catch_warnings():
        # The exporter warns about its own dependencies' future.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network,
            (images,),
            input_names=["images"],
            output_names=["logits"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    return bytes(program.model_proto.SerializeToString())


def _computed(content: bytes, images: Tensor) -> Tensor:
    import onnxruntime  # type: ignore[import-untyped]
    import torch

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # Its threads spin while they wait, and on a busy machine starve.
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    (logits,) = session.run(["logits"], {"images": images.numpy()})
    return torch.from_numpy(logits)
