"""A network as an ONNX file whose outputs are checked against torch's. Needs `pip install compound-nas[onnx]`."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

from space import Architecture, Refused

if TYPE_CHECKING:
    from torch import Tensor, nn

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
TOLERANCE = 1e-4
"""Of logits, absolute and relative: two libraries sum in two orders."""


def onnx_file(architecture: Architecture, weights: Mapping[str, Tensor] | None = None) -> bytes:
    """The ONNX model of `architecture`, for batches of any size.

    Input "images" (batch, channels, resolution, resolution) float32, output "logits" (batch, classes).
    weights: a state dict of `space.build(architecture)`; without one, those of a fresh network, seed 0.
    Raises `Refused` if a package is missing, or if onnxruntime computes anything else than torch.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise Refused(f"An ONNX file needs {', '.join(missing)}: pip install 'compound-nas[onnx]'.")
    import torch

    from space.model import build

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        network = build(architecture).eval()
        if weights is not None:
            network.load_state_dict(weights)
        images = torch.randn(3, architecture.channels, architecture.resolution, architecture.resolution)
        # Exported with two images and checked with three: the batch is free.
        content = _exported(network, images[:2])
        furthest = _difference(content, images, network(images))
    if not furthest <= TOLERANCE:
        raise Refused(f"The ONNX file of {architecture} is off by {furthest:.2g}; it is not written.")
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


def _difference(content: bytes, images: Tensor, expected: Tensor) -> float:
    """How far onnxruntime's logits are from the `expected` ones, at most, absolute or relative."""
    import onnxruntime  # type: ignore[import-untyped]
    import torch

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (logits,) = session.run(["logits"], {"images": images.numpy()})
    return float(((torch.from_numpy(logits) - expected).abs() / expected.abs().clamp(min=1)).max())
