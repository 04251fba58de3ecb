"""A model as a folder: model.json says everything about it, model.safetensors holds its tensors.

    save_model(model, Path("flowers"))
    model = load_model(Path("flowers"))
    network = rebuild(model.weights)                    # of space.weights: a torch.nn.Module, in training mode

`search train` writes one, `search weights --out DIR` makes one of others' weights, `search predict` reads one, and
`search export --model` writes one with other forms of the same network beside it.
"""

from __future__ import annotations

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
"""The version rises with every change of the document."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Metric(_Value):
    """A figure that was measured of the model, or of several trainings like its own."""

    name: str
    """accuracy, top5, loss, ..."""
    split: Literal["train", "validation", "test"]
    value: float
    """The mean over the seeds; shares are 0..1."""
    spread: float | None = Field(default=None, ge=0)
    """The standard deviation over the seeds; None where there was one."""
    seeds: int = Field(default=1, ge=1)
    note: str = ""
    """What a reader must know, e.g. that a quarter of the width was trained for four epochs."""


class Provenance(_Value):
    """Where a model comes from; what is unknown is left empty."""

    run: str = ""
    trial: int | None = None
    origin: str = ""
    """Whose weights they were, or whose it began from: "timm, style tf"."""
    data: str = ""
    """The kind of data, e.g. "npz"."""
    data_digest: str = ""
    """Of all its pixels and labels, `search.data.Dataset.digest`."""
    seed: int | None = None
    images: int | None = None
    """Trained on, each epoch's counted."""
    seconds: float | None = None
    """Of training, on the clock."""
    device: str = ""
    versions: dict[str, str] = {}
    """Package -> version."""


UNKNOWN = Provenance()


class Feeding(_Value):
    """How an image file becomes the network's input, `search.models.predict.inputs`; mean and std are `Conventions`'."""

    resolution: int = Field(ge=1)
    """Side of the input in pixels."""
    crop: float = Field(default=1.0, gt=0, le=1)
    """How much of the short side is kept, around the middle: ImageNet's networks usually see 0.875 of it."""


class Document(_Value):
    """model.json: all that the tensors do not say themselves."""

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
    """Of an image's channels in 0..1, which are fed as (x - mean) / std."""
    trained: bool
    recipe: dict[str, JsonValue] = {}
    metrics: tuple[Metric, ...] = ()
    provenance: Provenance = UNKNOWN
    weights_sha256: str
    """Of model.safetensors; "" where there is none."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        network = decode(self.architecture)
        if len(self.classes) != network.classes:
            raise ValueError(f"{len(self.classes)} names of classes for a network of {network.classes}")
        if len(self.mean) != network.channels:
            raise ValueError(f"{len(self.mean)} means for images of {network.channels} channels")
        return self


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A network with what is needed to use it.

    weights: tensors (none, for a network without weights), architecture, and conventions: padding, batch norm's
        constants, mean and std of images.
    classes: their names, in the order of the logits. trained: False if its weights are freshly initialised.
    recipe: how it was trained, as plain values. feeding: None for images of the architecture's resolution, whole.
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
        """What the weights are of."""
        return self.weights.architecture

    @property
    def fed(self) -> Feeding:
        """How images are fed."""
        return self.feeding or Feeding(resolution=self.architecture.resolution)

    def metric(self, name: str, split: str = "test") -> Metric | None:
        """The metric called `name` on `split`, None if it was not measured."""
        found = (metric for metric in self.metrics if (metric.name, metric.split) == (name, split))
        return next(found, None)


def save_model(model: Model, directory: Path) -> Path:
    """Write model.json and model.safetensors into `directory`, which is made if missing, and return it.

    What else is there stays. The document is written last and knows the hash of the tensors: a folder that was
    written half is not loaded. Raises `UserError` if a file cannot be written, or classes and network disagree.
    """
    files = model_files(model)
    for name, content in files.items():
        write_file(directory / name, content)
    return directory


def model_files(model: Model) -> dict[str, bytes]:
    """What `save_model` writes: name -> content, the document last."""
    from space.weights import weights_file

    if not model.weights.tensors:
        return {DOCUMENT: document_json(document(model, weights_sha256=""))}
    tensors = weights_file(model.weights)
    written = document(model, weights_sha256=hashlib.sha256(tensors).hexdigest())
    return {TENSORS: tensors, DOCUMENT: document_json(written)}


def document(model: Model, weights_sha256: str) -> Document:
    """What model.json says about `model`. Raises `UserError` where its parts disagree."""
    told = model.weights.conventions
    try:
        return Document(
            architecture=str(model.architecture),
            classes=model.classes,
            feeding=model.fed,
            padding=told.padding,
            norm_eps=told.norm_eps,
            norm_momentum=told.norm_momentum,
            mean=told.mean,
            std=told.std,
            trained=model.trained,
            recipe=model.recipe or {},
            metrics=model.metrics,
            provenance=model.provenance,
            weights_sha256=weights_sha256,
        )
    except ValidationError as error:
        raise UserError(f"This is no model: {_mistake(error)}.") from None


def document_json(written: Document) -> bytes:
    """The text of model.json."""
    return (written.model_dump_json(indent=1) + "\n").encode()


def load_model(directory: Path) -> Model:
    """The model that `save_model` wrote into `directory`; its tensors are on the CPU.

    Raises `UserError` if the folder holds none, a document of a later version, or other tensors than it says.
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
        raise UserError(f"{path} is not the file that {directory / DOCUMENT} tells of: their hashes differ.")
    told = Conventions(written.padding, written.norm_eps, written.norm_momentum, written.mean, written.std)
    loaded = load_weights(path, decode(written.architecture), format="ours")
    return Model(
        weights=replace(loaded, conventions=told),
        classes=written.classes,
        trained=written.trained,
        recipe=dict(written.recipe),
        metrics=written.metrics,
        provenance=written.provenance,
        feeding=written.feeding,
    )


def read_document(directory: Path) -> Document:
    """What `directory`/model.json says. Raises `UserError` if it is missing, or of another kind or version."""
    path = directory / DOCUMENT
    try:
        return Document.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise _missing(directory) from None
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror or error}.") from None
    except ValidationError as error:
        raise UserError(f"{path}: {_mistake(error)}.") from None


def is_model(directory: Path) -> bool:
    """Whether there is a folder with a model.json."""
    return (directory / DOCUMENT).is_file()


def versions(packages: Iterable[str] = ("compound-nas", "torch", "numpy")) -> dict[str, str]:
    """The versions of those `packages` that are installed, for `Provenance`."""
    found = {}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def numbered(classes: int) -> tuple[str, ...]:
    """Names for classes of which none are known: "0", "1", ..."""
    return tuple(map(str, range(classes)))


def _mistake(error: ValidationError) -> str:
    """The first that is wrong, in one line."""
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"]))
    message = first["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{place}: {message}" if place else message


def _missing(directory: Path) -> UserError:
    if directory.is_dir():
        return UserError(f"{directory} holds no {DOCUMENT}: it is no model that this project wrote.")
    siblings: Sequence[Path] = ()
    if directory.parent.is_dir():
        siblings = [path for path in directory.parent.iterdir() if is_model(path)]
    return unknown_name("folder of a model", directory, siblings)
