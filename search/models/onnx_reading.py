"""The reading of ONNX files: sessions of onnxruntime, and the metadata that every exported file has."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from search.data.files import existing
from search.data.source import Images
from search.models.model import UNKNOWN, Feeding, Model, Provenance, Value
from search.models.onnx_session import first_line
from space.refusal import UserError

ONNX = ".onnx"
PACKAGES = ("onnx", "onnxscript", "onnxruntime")


class Metadata(Value):
    """The metadata of an exported file: everything that is needed to use it.

    mean, std: the mean and the standard deviation of each channel in 0..1; the network's input is (x - mean) / std.
    trained: False for fresh weights.
    """

    name: str
    architecture: str
    classes: tuple[str, ...]
    feeding: Feeding
    mean: tuple[float, ...]
    std: tuple[float, ...]
    trained: bool
    provenance: Provenance = UNKNOWN


def metadata(name: str, model: Model) -> Metadata:
    """Return the metadata that the ONNX file of `model` gets. name: the name of the model."""
    conventions = model.weights.conventions
    return Metadata(
        name=name,
        architecture=str(model.architecture),
        classes=model.classes,
        feeding=model.fed,
        mean=conventions.mean,
        std=conventions.std,
        trained=model.trained,
        provenance=model.provenance,
    )


def as_properties(facts: Metadata) -> dict[str, str]:
    """Return the metadata as the properties of an ONNX file: texts by key. Values other than texts are JSON."""
    return {
        "name": facts.name,
        "architecture": facts.architecture,
        "classes": json.dumps(facts.classes),
        "mean": json.dumps(facts.mean),
        "std": json.dumps(facts.std),
        "resolution": json.dumps(facts.feeding.resolution),
        "crop": json.dumps(facts.feeding.crop),
        "normalisation": "(x - mean) / std with x in 0..1, channels first, red green blue",
        "trained": json.dumps(facts.trained),
        "provenance": facts.provenance.model_dump_json(exclude_defaults=True),
    }


def read_metadata(session: Any, where: str) -> Metadata:
    """Return the metadata of an onnxruntime session.

    where: the name of the file, for the message. Raises `UserError` if a key other than the provenance is missing,
    or a value is invalid.
    """
    properties = session.get_modelmeta().custom_metadata_map
    try:
        feeding = {key: json.loads(properties[key]) for key in ("resolution", "crop")}
        lists = {key: json.loads(properties[key]) for key in ("classes", "mean", "std", "trained")}
        return Metadata(
            name=properties["name"],
            architecture=properties["architecture"],
            feeding=Feeding(**feeding),
            provenance=Provenance.model_validate_json(properties.get("provenance", "{}")),
            **lists,
        )
    except (KeyError, ValueError, ValidationError):
        raise UserError(
            f"{where} does not say its classes and preprocessing; only files of search export-model do."
        ) from None


def metadata_of(file: Path) -> Metadata:
    """Return the metadata of an exported file. Raises `UserError` as `session_of` and `read_metadata` do."""
    return read_metadata(session_of(file), str(file))


def require_packages(purpose: str, packages: Sequence[str] = PACKAGES) -> None:
    """Raise `UserError`, which names the extra to install, if a package is missing.

    purpose: the subject of the message, such as "An ONNX file".
    """
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        raise UserError(f"{purpose} needs {', '.join(missing)}: pip install 'compound-nas[onnx]'.")


def session_of(file: Path | bytes) -> Any:
    """Return an onnxruntime session for an ONNX model, on one thread of the CPU.

    file: a path, or the content. Raises `UserError` where onnxruntime is missing, and for a path that holds no ONNX
    model. For content that is not an ONNX model, onnxruntime's error is raised.
    """
    require_packages("Computing an ONNX file", ("onnxruntime",))
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # More threads would spin while they wait, and starve on a busy machine.
    options.log_severity_level = 3
    try:
        content = file if isinstance(file, bytes) else existing(file, "MODEL").read_bytes()
    except OSError as error:
        raise UserError(f"Cannot read {file!s}: {error.strerror or error}.") from None
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # The classes of onnxruntime's errors have no common base but Exception.
        if isinstance(file, bytes):
            raise
        raise UserError(
            f"{file} is not an ONNX model that onnxruntime can run: {first_line(error)}."
        ) from None


def images_scaled(images: Images, mean: Sequence[float], std: Sequence[float]) -> NDArray[np.float32]:
    """Return uint8 images (n, h, w, c) as the normalised float32 input (n, c, h, w) of a network, without torch.

    mean, std: the mean and the standard deviation of each channel, in 0..1.
    """
    slope = 1 / (255 * np.asarray(std, dtype=np.float32))
    offset = -np.asarray(mean, dtype=np.float32) / np.asarray(std, dtype=np.float32)
    scaled = images.astype(np.float32) * slope + offset
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))
