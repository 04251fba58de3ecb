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

    classes: the names of the classes, () if unknown. nested: True if the weights were trained through their children,
    networks of leading channels (`recipe=elastic`), so that the order of channels must stay.
    """

    weights: Weights
    classes: tuple[str, ...] = ()
    nested: bool = False

    def ordered(self, weights: Weights) -> Weights:
        """Return `weights`, which were adapted from these, with channels from the most to the least important.

        Those of nested weights keep their order. Raises `UserError` for a network without children.
        """
        from space.weights.children import order

        return weights if self.nested else order(weights)

    def changes(self, word: object, classes: int, channels: int) -> list[str]:
        """Return lines that say what `space.weights.adapt` changes for so many classes and image channels.

        word: the name of the weights.
        """
        network = self.weights.architecture
        lines = []
        if network.classes != classes:
            lines.append(
                f"the classifier is new: {word} has {network.classes} classes, the data have {classes}"
            )
        if network.channels != channels:
            lines.append(f"the stem is adapted from {network.channels} to {channels} image channels")
        return lines


def read_trained(word: str | os.PathLike[str]) -> Trained:
    """Return the weights that `word` names: a file of any known format, or the folder of a model.

    Raises `UserError` for a file or folder that holds none.
    """
    from space.weights import load_weights

    path = Path(os.path.expanduser(word))
    if not path.is_dir():
        return Trained(load_weights(path))
    model = load_model(path)
    return Trained(model.weights, model.classes, nested=bool((model.recipe or {}).get("children")))
