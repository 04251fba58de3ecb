"""Trained weights that a user names: a file of any known format, or the folder of a model."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from search.models.model import load_model

if TYPE_CHECKING:
    from space.weights import Weights


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """Trained weights.

    classes: the names of the classes, () if unknown. nested: True if the network was trained together with its
    children (`recipe=elastic`). They use its leading channels, so that the order of the channels must then stay.
    """

    weights: Weights
    classes: tuple[str, ...] = ()
    nested: bool = False

    def ordered(self, weights: Weights) -> Weights:
        """Return `weights` with channels sorted from most to least important. Nested weights stay as they are.

        weights: the trained weights, possibly adapted to other data. For weights that are not nested, raises
        `UserError` if the network can have no children.
        """
        from space.weights.children import order

        return weights if self.nested else order(weights)

    def renamed(self, classes: tuple[str, ...]) -> bool:
        """Return True if the data have as many classes as the weights, with other names.

        classes: the names of the data's classes; () if they are unknown.
        """
        return len(classes) == self.weights.architecture.classes and self.classes not in ((), classes)

    def changes(self, word: object, classes: int, channels: int, names: tuple[str, ...] = ()) -> list[str]:
        """Return lines for the user about the layers that change for the data.

        word: the name of the weights. classes, channels: the numbers of classes and image channels of the data.
        names: the names of these classes; () if they are unknown.
        """
        network = self.weights.architecture
        lines = []
        if network.classes != classes or self.renamed(names):
            others = " others" if self.renamed(names) else ""
            lines.append(
                f"the classifier is new: {word} has {network.classes} classes, the data have {classes}{others}"
            )
        if network.channels != channels:
            lines.append(f"the stem is adapted from {network.channels} to {channels} image channels")
        return lines


def read_trained(word: str | os.PathLike[str]) -> Trained:
    """Return the weights that `word` names: a file of any known format, or the folder of a model.

    Raises `UserError` for a file or folder without weights.
    """
    from space.weights import load_weights

    path = Path(os.path.expanduser(word))
    if not path.is_dir():
        return Trained(load_weights(path))
    model = load_model(path)
    return Trained(model.weights, model.classes, nested=bool((model.recipe or {}).get("children")))
