"""A model as a folder: model.json describes it, model.safetensors holds its tensors.

    save_model(model, Path("flowers"))
    model = load_model(Path("flowers"))
    network = rebuild(model.weights)                    # of space.weights: a torch.nn.Module, in training mode

`search train` writes a model, `search weights --model` converts imported weights to one, `search predict` reads one,
and the export of a model adds other forms of the same network.
"""

from __future__ import annotations

import codecs
import hashlib
import importlib.metadata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from search.files import write_file
from space import Architecture, UserError, decode
from space.refusal import unknown_name

if TYPE_CHECKING:
    from space.weights import Weights

DOCUMENT, TENSORS = "model.json", "model.safetensors"
SCHEMA: Literal["compound-nas.model"] = "compound-nas.model"
VERSION: Literal[1] = 1
"""The version of the document. It rises with every change of its fields."""


class Value(BaseModel):
    """The base class of frozen values, which refuse unknown fields and numbers that are not finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Metric(Value):
    """A measured quality of the model, or its mean over trainings that differ only in their seeds."""

    name: str
    """The name: accuracy, top5, loss, ..."""
    split: Literal["train", "validation", "test"]
    value: float
    """The mean over the seeds. Accuracies are in 0..1."""
    spread: float | None = Field(default=None, ge=0)
    """The standard deviation over the seeds; None for one seed."""
    seeds: int = Field(default=1, ge=1)
    note: str = ""
    """A remark for readers, e.g. that a quarter of the width was trained for four epochs."""


class Provenance(Value):
    """The origin of a model. Unknown fields are empty."""

    run: str = ""
    trial: int | None = None
    origin: str = ""
    """The library of the weights, or of the initial weights: "timm, style tf"."""
    data: str = ""
    """The kind of data, e.g. "npz"."""
    data_digest: str = ""
    """The digest of all pixels and labels, `search.data.Dataset.digest`."""
    seed: int | None = None
    images: int | None = None
    """The number of training images, summed over the epochs."""
    seconds: float | None = None
    """The wall-clock time of the training."""
    device: str = ""
    versions: dict[str, str] = {}
    """A mapping of the names of packages to their versions."""


UNKNOWN = Provenance()


class Feeding(Value):
    """The crop of an image, and the size to which the crop is resized.

    `space.weights.Conventions` has the mean and the standard deviation that normalise the pixels.
    """

    resolution: int = Field(ge=1)
    """The side of the input in pixels."""
    crop: float | None = Field(default=1.0, gt=0, le=1)
    """The central square's side as a share of the image's short side; 0.875 is usual for ImageNet's networks. None:
    the whole image is squeezed to a square, as arrays that are not square are for the training."""


class Document(Value):
    """model.json: everything that the tensors do not contain."""

    format: Literal["compound-nas.model"] = SCHEMA
    version: Literal[1] = VERSION
    architecture: str
    """The canonical string."""
    classes: tuple[str, ...]
    feeding: Feeding
    padding: Literal["symmetric", "same"]
    norm_eps: float
    norm_momentum: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    """The mean and the standard deviation (std) of each channel in 0..1. The network's input is (x - mean) / std."""
    trained: bool
    recipe: dict[str, JsonValue] = {}
    metrics: tuple[Metric, ...] = ()
    provenance: Provenance = UNKNOWN
    weights_sha256: str
    """The hash of model.safetensors; "" if there is none."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        network = decode(self.architecture)
        if len(self.classes) != network.classes:
            raise ValueError(f"{len(self.classes)} class names for a network with {network.classes} classes")
        if len(self.mean) != network.channels:
            raise ValueError(f"{len(self.mean)} means for images with {network.channels} channels")
        return self


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A network with everything that is needed to use it.

    weights: the tensors (an empty mapping for a network without weights), architecture, and conventions: padding, the
    constants of batch normalisation, mean and std of images.
    classes: the class names in the order of the logits. trained: True if the weights are trained, not freshly
    initialised. recipe: the settings of the training, as plain values. feeding: the preprocessing of images; None for
    whole images at the architecture's resolution.
    """

    weights: Weights
    classes: tuple[str, ...]
    trained: bool = True
    recipe: dict[str, JsonValue] | None = None
    metrics: tuple[Metric, ...] = ()
    provenance: Provenance = UNKNOWN
    feeding: Feeding | None = None

    @property
    def architecture(self) -> Architecture:
        """The architecture of the weights."""
        return self.weights.architecture

    @property
    def fed(self) -> Feeding:
        """The preprocessing of images: `feeding`, or its default."""
        return self.feeding or Feeding(resolution=self.architecture.resolution)

    def metric(self, name: str, split: str = "test") -> Metric | None:
        """Return the metric called `name` on `split`; None if it was not measured."""
        matches = (metric for metric in self.metrics if (metric.name, metric.split) == (name, split))
        return next(matches, None)


def save_model(model: Model, directory: Path) -> Path:
    """Write model.json, and model.safetensors if the model has weights, into `directory`, and return `directory`.

    The folder is created if it is missing. Other files in it stay. The document is written last and contains the hash
    of the tensors, so that an incomplete folder is not loaded. Raises `UserError` if a file cannot be written, and if
    the class names or the normalisation do not fit the network.
    """
    files = model_files(model)
    for name, content in files.items():
        write_file(directory / name, content)
    return directory


def model_files(model: Model) -> dict[str, bytes]:
    """Return a mapping of names to contents of the files that `save_model` writes, `model.json` as the last."""
    from space.weights import weights_file

    if not model.weights.tensors:
        return {DOCUMENT: document_json(document(model, weights_sha256=""))}
    tensors = weights_file(model.weights)
    written = document(model, weights_sha256=hashlib.sha256(tensors).hexdigest())
    return {TENSORS: tensors, DOCUMENT: document_json(written)}


def document(model: Model, weights_sha256: str) -> Document:
    """Return the document of `model`. Raises `UserError` if class names or normalisation do not fit the network."""
    conventions = model.weights.conventions
    try:
        return Document(
            architecture=str(model.architecture),
            classes=model.classes,
            feeding=model.fed,
            padding=conventions.padding,
            norm_eps=conventions.norm_eps,
            norm_momentum=conventions.norm_momentum,
            mean=conventions.mean,
            std=conventions.std,
            trained=model.trained,
            recipe=model.recipe or {},
            metrics=model.metrics,
            provenance=model.provenance,
            weights_sha256=weights_sha256,
        )
    except ValidationError as error:
        raise UserError(f"This is not a model: {_mistake(error)}.") from None


def document_json(written: Document) -> bytes:
    """Return the text of model.json."""
    return (written.model_dump_json(indent=1) + "\n").encode()


def load_model(directory: Path) -> Model:
    """Return the model that `save_model` wrote into `directory`, with tensors on the CPU.

    Raises `UserError` if the folder holds no model or a network without weights, if the document is invalid or of
    another version, and if the tensors do not have the hash that it records.
    """
    from space.weights import Conventions, load_weights

    written = read_document(directory)
    if not written.weights_sha256:
        raise UserError(f"{directory} holds a network without weights.")
    path = directory / TENSORS
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror or error}.") from None
    if digest != written.weights_sha256:
        raise UserError(f"{path} is not the file that {directory / DOCUMENT} describes: their hashes differ.")
    conventions = Conventions(
        written.padding, written.norm_eps, written.norm_momentum, written.mean, written.std
    )
    loaded = load_weights(path, decode(written.architecture), format="ours")
    return Model(
        weights=replace(loaded, conventions=conventions),
        classes=written.classes,
        trained=written.trained,
        recipe=dict(written.recipe),
        metrics=written.metrics,
        provenance=written.provenance,
        feeding=written.feeding,
    )


def read_document(directory: Path) -> Document:
    """Return the contents of `directory`/model.json.

    Raises `UserError` if the file is missing, cannot be read, is invalid or is of another version.
    """
    path = directory / DOCUMENT
    try:
        # Editors and PowerShell put a byte-order mark before what they save.
        return Document.model_validate_json(path.read_bytes().removeprefix(codecs.BOM_UTF8))
    except FileNotFoundError:
        raise _missing(directory) from None
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror or error}.") from None
    except ValidationError as error:
        raise UserError(f"{path}: {_mistake(error)}.") from None


def is_model(directory: Path) -> bool:
    """Return True if `directory` contains a model.json."""
    try:
        return (directory / DOCUMENT).is_file()
    except OSError:  # A name that is too long, or a folder without permission to read.
        return False


def versions(packages: Iterable[str] = ("compound-nas", "torch", "numpy")) -> dict[str, str]:
    """Return the versions of those `packages` that are installed, for `Provenance`."""
    installed = {}
    for package in packages:
        try:
            installed[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return installed


def numbered(classes: int) -> tuple[str, ...]:
    """Return the names "0", "1", ... for classes whose names are unknown."""
    return tuple(map(str, range(classes)))


def _mistake(error: ValidationError) -> str:
    """Return the first error of the validation in one line."""
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"]))
    message = first["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{place}: {message}" if place else message


def _missing(directory: Path) -> UserError:
    if directory.is_dir():
        return UserError(f"{directory} holds no {DOCUMENT}: it is not a folder of a model.")
    siblings: Sequence[Path] = ()
    if directory.parent.is_dir():
        siblings = [path for path in directory.parent.iterdir() if is_model(path)]
    return unknown_name("folder of a model", directory, siblings)
