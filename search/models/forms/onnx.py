"""A network as an ONNX file. Needs `pip install compound-nas[onnx]`."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from search.models.forms.parity import ready, require_equal
from search.models.model import Model
from search.models.onnx_reading import as_properties, metadata, require_packages, session_of
from search.models.onnx_session import first_line
from space import UserError

if TYPE_CHECKING:
    from torch import Tensor, nn


def onnx_file(name: str, model: Model, opset: int | None = None) -> bytes:
    """Return the ONNX model, for batches of any size.

    The input is "images" (batch, channels, resolution, resolution) float32, the output "logits" (batch, classes). The
    metadata have everything else that is needed to use the model: classes, mean, std, resolution, crop, provenance.
    opset: the opset of the file; None: the exporter's default; runtimes on small devices may need an older one.
    Raises `UserError` if a package is missing, the network or the opset cannot be exported, or onnxruntime's logits
    differ from torch's.
    """
    require_packages("An ONNX file")
    with ready(model) as (network, images):
        # The network is exported with two images and tested with three and one, since the batch size is free.
        content = _exported(network, images[:2], as_properties(metadata(name, model)), opset)
        require_equal("ONNX file", lambda batch: _computed(content, batch), network, images)
    return content


def _exported(network: nn.Module, images: Tensor, metadata: Mapping[str, str], opset: int | None) -> bytes:
    import torch

    with warnings.catch_warnings(), _silent("onnxscript", "torch.onnx"):
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
        except Exception as error:  # The exporter may raise anything for an op or opset that it lacks.
            which = "as an ONNX file" if opset is None else f"with opset {opset}"
            raise UserError(f"The network cannot be written {which}: {first_line(error)}.") from None
    assert program is not None
    proto = program.model_proto
    _require_opset(proto, opset)
    for key, value in metadata.items():
        proto.metadata_props.add(key=key, value=value)
    return bytes(proto.SerializeToString())


def _require_opset(proto: Any, opset: int | None) -> None:
    """Raise `UserError` if the model does not have `opset`, as after a failed conversion. None permits any opset."""
    written = next(one.version for one in proto.opset_import if one.domain in ("", "ai.onnx"))
    if opset not in (None, written):
        raise UserError(f"The network cannot be written with opset {opset}, only with {written}.")


@contextmanager
def _silent(*names: str) -> Iterator[None]:
    """Silence the loggers with these names, whose messages are for developers of exporters."""
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _computed(content: bytes, images: Tensor) -> Tensor:
    import torch

    (logits,) = session_of(content).run(["logits"], {"images": images.numpy()})
    return torch.from_numpy(logits)
