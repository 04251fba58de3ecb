"""The parent of a search over children: its weights, read, checked, and ready to be inherited."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from pathlib import Path

from search.config import Config
from search.data import Dataset
from search.executors import Evaluate
from search.models.trained import Trained, read_trained
from search.proxy.evaluate import EvaluateChildren, evaluate
from search.runs.run import PARENT
from space import Architecture, Space, UserError
from space.choices.inside import places

GIVEN = "weights"
"""The value of `proxy.parent` before the digest of the weights is known."""
_DRAWN = 20
"""The number of random networks of the space that are checked, in addition to one for each option."""


@dataclass(frozen=True, slots=True)
class Parent:
    """The weights of a parent for the classes and channels of the data, with the most important channels first.

    file: the content of `parent.safetensors` in the folder of the run. digest: `space.weights.files.weights_digest`,
    a part of the fidelity of trials. remarks: lines for people.
    """

    file: bytes
    digest: str
    remarks: tuple[str, ...] = ()


def source_of(config: Config) -> Trained | None:
    """Return the weights that networks of the search inherit, None if they start from random ones.

    Raises `UserError` for weights without `proxy=finetune` or the reverse, for unreadable ones, and for a network of
    the space that is not a child of theirs.
    """
    word, asked = config.settings.weights, config.proxy.parent
    if word is None and asked is None:
        return None
    if word is None:
        raise UserError(
            "proxy=finetune needs the weights of a parent: weights=FILE, or the folder of a model."
        )
    if asked is None:
        raise UserError(
            "weights=FILE is only read with proxy=finetune; other proxies start from random weights."
        )
    if asked != GIVEN:
        raise UserError(
            f"proxy.parent={asked}: write proxy.parent={GIVEN}; its digest is computed from weights=FILE."
        )
    source = read_trained(word)
    try:
        _check_children(config.space, source.weights.architecture)
    except UserError as error:
        raise UserError(f"weights={word}: {error}") from None
    return source


def parent_of(source: Trained, word: str, data: Dataset) -> Parent:
    """Return the parent for the classes and channels of the data. word: the name of the weights in remarks."""
    from space.weights import adapt, weights_file
    from space.weights.files import weights_digest
    from space.weights.weights import fresh_classifier

    before = source.weights.architecture
    weights = adapt(source.weights, classes=len(data.classes), channels=data.channels)
    remarks = source.changes(word, len(data.classes), data.channels, data.classes)
    if before.classes != len(data.classes) or source.renamed(data.classes):
        weights = fresh_classifier(weights)
    ordered = source.ordered(weights)
    return Parent(weights_file(ordered), weights_digest(ordered), tuple(remarks))


def inheriting(chosen: Evaluate, config: Config, path: Path) -> Evaluate:
    """Return the evaluation of the run at `path`: `chosen`, which gets the parent's weights if the run has some.

    An evaluation other than the default one gets none. Raises `UserError` if the file of the weights is missing or
    has changed.
    """
    if config.proxy.parent is None or chosen is not evaluate:
        return chosen
    from space.weights.files import read_weights, weights_digest

    try:
        file = (path / PARENT).read_bytes()
    except OSError as error:
        raise UserError(f"Cannot read {path / PARENT}: {error.strerror}.") from None
    if weights_digest(read_weights(file)) != config.proxy.parent:
        raise UserError(f"{path / PARENT} has changed since the run began.")
    return EvaluateChildren(file)


def _check_children(space: Space, parent: Architecture) -> None:
    """Raise `UserError` unless the networks of the space are children of `parent`, as far as a sample shows.

    Each option of each choice is checked in one network.
    """
    rng, first = random.Random(0), (0,) * len(space.choices)
    points = [space.sample(rng) for _ in range(_DRAWN)]
    points += [
        (*first[:index], option, *first[index + 1 :])
        for index, choice in enumerate(space.choices)
        for option in range(len(choice.options))
    ]
    for point in points:
        places(parent, replace(space.at(point), classes=parent.classes, channels=parent.channels))
