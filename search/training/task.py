"""A full training as it was asked for: everything that its result depends on. No torch here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from search.data.dataset import source_from
from search.data.source import Source
from search.settings.validation import validated
from search.training.recipe import Recipe
from space import Architecture, UserError, decode, documents

DOCUMENT = "training.yaml"
"""In the folder of a training."""


@dataclass(frozen=True, slots=True)
class Task:
    """One network to train.

    architecture: for the classes, channels and resolution that it is evaluated on. weights: to start from, a file
    or a model's folder. freeze: see `search.training.initial_weights.frozen`. threads: of torch on a CPU, None for as many as
    it has. run, trial: where the network is from, if it was searched. tensorboard: whether event files are written.
    """

    architecture: Architecture
    source: Source
    recipe: Recipe
    seed: int = 0
    weights: Path | None = None
    freeze: str | int | None = None
    threads: int | None = None
    run: str = ""
    trial: int | None = None
    tensorboard: bool = False

    def document(self) -> documents.Document:
        """All of it as plain values, ready for YAML."""
        return {
            "architecture": str(self.architecture),
            "data": self.source.model_dump(mode="json"),
            "recipe": self.recipe.model_dump(mode="json", by_alias=True),
            "seed": self.seed,
            "weights": self.weights and str(self.weights),
            "freeze": self.freeze,
            "threads": self.threads,
            "run": self.run,
            "trial": self.trial,
            "tensorboard": self.tensorboard,
        }

    @classmethod
    def of_document(cls, document: documents.Document) -> Self:
        """The inverse of `document`. Raises `UserError` if it isn't one."""
        try:
            rest = {
                key: document[key] for key in ("seed", "freeze", "threads", "run", "trial", "tensorboard")
            }
            return cls(
                architecture=decode(document["architecture"]),
                source=source_from(document["data"]),
                recipe=validated("recipe.", Recipe, document["recipe"]),
                weights=Path(document["weights"]) if document["weights"] else None,
                **rest,
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise UserError(f"This is no document of a training: {error}.") from None

    def for_data(self) -> Self:
        """The same for the classes, channels and evaluated resolution of its data, which are opened for it."""
        contents = self.source.open()
        network = replace(
            self.architecture,
            classes=len(contents.classes),
            channels=contents.channels,
            resolution=self.recipe.evaluation or self.architecture.resolution,
        )
        return replace(self, architecture=network)


def read_task(folder: Path) -> Task:
    """The training that was begun in `folder`. Raises `UserError` if there is none."""
    path = folder / DOCUMENT
    if not path.is_file():
        raise UserError(f"There is no training in {folder}: it holds no {DOCUMENT}.")
    return Task.of_document(documents.read("training", str(path)))
