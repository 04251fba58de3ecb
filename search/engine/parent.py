"""The weights that the networks of a search inherit from a parent network, as its sub-networks (children).

This module reads the weights, checks them, and adapts them to the data.
"""

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
"""The value of the setting `proxy.parent`, until the digest of the weights takes its place."""
_DRAWN = 20
"""The number of random networks of the space that are checked, in addition to one for each option."""


@dataclass(frozen=True, slots=True)
class Parent:
    """The weights of a parent for the classes and channels of the data, with the most important channels first.

    Nested weights (see `Trained`) keep the order of their channels. file: the content of `parent.safetensors` in the
    folder of the run. digest: the digest of the weights, `space.weights.files.weights_digest`, a part of the fidelity
    of trials. remarks: lines that tell the user what changes.
    """

    file: bytes
    digest: str
    remarks: tuple[str, ...] = ()


def source_of(config: Config) -> Trained | None:
    """Return the weights that networks of the search inherit, None if they start from random ones.

    Raises `UserError` if only one of `weights` and `proxy=finetune` is given, for unreadable weights, and if a
    network of the space is not a child of the parent network.
    """
    word, asked = config.settings.weights, config.proxy.parent
    if word is None and asked is None:
        return None
    if word is None:
        raise UserError(
            "proxy=finetune needs the weights of a parent: weights=FILE, or weights=DIR, the folder of a model."
        )
    if asked is None:
        raise UserError(
            "weights=FILE is only read with proxy=finetune; other proxies start from random weights."
        )
    if asked != GIVEN:
        raise UserError(
            f"proxy.parent={asked}: only proxy.parent={GIVEN} is permitted; the weights are those of weights=FILE."
        )
    source = read_trained(word)
    try:
        _check_children(config.space, source.weights.architecture)
    except UserError as error:
        raise UserError(f"weights={word}: {error}") from None
    return source


def parent_of(source: Trained, word: str, data: Dataset) -> Parent:
    """Return the parent, adapted to the classes and channels of the data.

    word: the name of the weights in remarks. Raises `UserError` if the network can have no children.
    """
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
    """Return the function that evaluates trials of the run at `path`: `chosen`, or one that inherits weights.

    The latter replaces the default function if the run has a parent. Raises `UserError` if the file of the parent's
    weights is missing or has changed.
    """
    if config.proxy.parent is None or chosen is not evaluate:
        return chosen
    return EvaluateChildren(parent_file(config, path))


def parent_file(config: Config, path: Path) -> bytes:
    """Return the content of the file of the parent's weights in the run at `path`, whose configuration is `config`.

    Raises `UserError` if the file is missing or has changed.
    """
    from space.weights.files import read_weights, weights_digest

    try:
        file = (path / PARENT).read_bytes()
    except OSError as error:
        raise UserError(f"Cannot read {path / PARENT}: {error.strerror}.") from None
    if weights_digest(read_weights(file)) != config.proxy.parent:
        raise UserError(f"{path / PARENT} has changed since the run began.")
    return file


def _check_children(space: Space, parent: Architecture) -> None:
    """Raise `UserError` unless the networks of the space are children of `parent`, as far as a sample shows.

    The sample has `_DRAWN` random networks, and one network for each option of each choice.
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
