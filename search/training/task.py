"""The description of a full training: everything that its result depends on. This module does not import torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from search.data.dataset import contents_of, source_from
from search.data.source import Source
from search.settings.validation import validated
from search.training.recipe import Recipe
from space import Architecture, UserError, decode, documents

DOCUMENT = "training.yaml"
"""The name of a task's file in the folder of its training."""


@dataclass(frozen=True, slots=True)
class Task:
    """The training of one network.

    architecture: the network, with the classes, channels and resolution of its evaluation. weights: the initial
    weights, a file or the folder of a model. freeze: see `search.training.initial_weights.freeze_parts`. threads: the
    number of torch's threads on a CPU; None: torch's own choice. run, trial: the run and the trial that the network
    comes from, "" and None if there is none. tensorboard: True to write event files. test: True to evaluate the test
    split at the end.
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
    test: bool = True

    def document(self) -> documents.Document:
        """Return the task as plain values, ready for YAML."""
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
            "test": self.test,
        }

    @classmethod
    def of_document(cls, document: documents.Document) -> Self:
        """Return the task from values that the method `document` returned. Raises `UserError` for other values."""
        try:
            rest = {
                key: document[key]
                for key in ("seed", "freeze", "threads", "run", "trial", "tensorboard", "test")
            }
            return cls(
                architecture=decode(document["architecture"]),
                source=source_from(document["data"]),
                recipe=validated("recipe.", Recipe, document["recipe"]),
                weights=Path(document["weights"]) if document["weights"] else None,
                **rest,
            )
        except KeyError as error:
            raise UserError(f"{DOCUMENT} does not describe a training: {error} is missing.") from None
        except (TypeError, AttributeError) as error:
            raise UserError(f"{DOCUMENT} does not describe a training: {error}.") from None

    def for_data(self) -> Self:
        """Return the task with its network adapted to the data's classes and channels, at the evaluated resolution.

        Opens the data. Raises `UserError` if they are unusable.
        """
        contents = contents_of(self.source)
        network = replace(
            self.architecture,
            classes=len(contents.classes),
            channels=contents.channels,
            resolution=self.recipe.evaluation or self.architecture.resolution,
        )
        return replace(self, architecture=network)


def read_task(folder: Path) -> Task:
    """Return the task of the training in `folder`. Raises `UserError` if there is none or it is damaged."""
    path = folder / DOCUMENT
    if not path.is_file():
        raise UserError(f"There is no training in {folder}: it has no {DOCUMENT}.")
    return Task.of_document(documents.read("training", str(path)))
