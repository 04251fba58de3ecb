"""The settings of `search train`: a network, and KEY=VALUE settings in the groups `data` and `recipe`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search.config import Config
from search.data.dataset import source_from
from search.data.source import Source
from search.files import claimed, unused
from search.settings.validation import unknown_setting, validated
from search.training.networks import NetworkToTrain, network_to_train
from search.training.recipe import Recipe
from search.training.task import DOCUMENT, Task
from space import UserError, documents
from space.refusal import unknown_name

if TYPE_CHECKING:
    from search.models.model import Model
    from search.training.progress import Callback

DEFAULTS = "train", "default"
"""The group and the name of the document that holds the defaults of all settings outside `GROUPS`."""
GROUPS = ("data", "recipe")
MODELS = Path("models")


def train(
    network: str, settings: Mapping[str, Any] | None = None, *, callback: Callback | None = None
) -> Model:
    """Train one network in full: `train("RUN:12", {"recipe.epochs": 30, "out": "models/mine"})`.

    network: a name as on the command line, see `search.runs.networks.find_network`. settings: the KEY=VALUE settings
    of the command. callback: follows the training, see `search.training.progress.Callback`. Returns the model, which
    is written into the folder `out`; without `out`, into a new folder below `models`. Raises `UserError` for invalid
    settings, before anything is written, and `search.proxy.failure.TrialFailed` for a training that diverges.
    """
    from search.training.loop import train as run

    task, folder = task_of(network, settings or {})
    return run(task, claim(folder, settings or {}), callback)


def task_of(network: str, settings: Mapping[str, Any]) -> tuple[Task, Path]:
    """Return the training that `search train NETWORK SETTINGS` describes, and the folder of its model.

    Opens the data without decoding images. Raises `UserError` for an unknown network, invalid settings and unusable
    data.
    """
    known = documents.read(*DEFAULTS)
    refuse_unknown(settings, known)
    chosen = {**known, **{key: value for key, value in settings.items() if "." not in key}}
    recipe = recipe_of(str(chosen["recipe"]), within(settings, "recipe"))
    seed = _whole("seed", chosen["seed"], 0)
    named = network_to_train(network)
    source = source_of(named, chosen["data"], within(settings, "data"))
    task = Task(
        architecture=named.architecture,
        source=source,
        recipe=recipe,
        seed=seed,
        weights=Path(os.path.expanduser(str(chosen["weights"]))).absolute() if chosen["weights"] else None,
        freeze=chosen["freeze"],
        threads=None if chosen["threads"] is None else _whole("threads", chosen["threads"], 1),
        run=named.run,
        trial=named.trial,
        tensorboard=_flag("tensorboard", chosen["tensorboard"]),
    )
    out = Path(os.path.expanduser(str(chosen["out"]))) if chosen["out"] else unused(MODELS, named.name)
    return task.for_data(), out


def recipe_of(name: str, inner: Mapping[str, Any]) -> Recipe:
    """Return the recipe `name` with the settings `inner`. Raises `UserError` if the name or a setting is invalid."""
    document = documents.read("recipe", name)
    recipe: Recipe = validated("recipe.", Recipe, {**document, **inner})
    return recipe


def source_of(network: NetworkToTrain, name: Any, inner: Mapping[str, Any]) -> Source:
    """Return the source that data=`name` selects; without a name, the source of the network's search or training.

    inner: settings of the group `data`, such as {"path": "photos"}, which replace those of the source. Raises
    `UserError` for an unknown name, for invalid settings, and if no source is known. Synthetic images are used only
    if data=shapes asks for them.
    """
    if name is None and network.missing:
        raise UserError(
            f"{network.name} does not say where the images of its training are: add {network.missing}."
        )
    if name is None and network.source is not None:
        return source_from({**network.source.model_dump(), **inner})
    if name is None:
        raise UserError(
            f"{network.name}: which images? Add data=folder data.path=DIR, or data=shapes for synthetic ones."
        )
    return Config.of({"data": name, **{f"data.{key}": value for key, value in inner.items()}}).data


def within(settings: Mapping[str, Any], group: str) -> dict[str, Any]:
    """Return the settings of a group without its name: {"epochs": 3} for "recipe"."""
    return {
        key.partition(".")[2]: value
        for key, value in settings.items()
        if key.partition(".")[0] == group and "." in key
    }


def refuse_unknown(settings: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Raise `UserError` for a key that is neither among the `known` settings nor in one of the `GROUPS`."""
    for key in settings:
        group, dot, _ = key.partition(".")
        if dot and group not in GROUPS:
            raise unknown_name("group", group, GROUPS)
        if not dot and key not in known:
            raise unknown_setting(key, known)


def claim(folder: Path, settings: Mapping[str, Any]) -> Path:
    """Return the folder of a new training: `folder` if the user named it, else a folder that is newly created.

    Raises `UserError` if the folder that the user named is taken.
    """
    if not settings.get("out"):
        return claimed(folder)
    refuse_taken(folder)
    return folder


def refuse_taken(folder: Path) -> None:
    """Raise `UserError` if `folder` holds a training or anything else."""
    if (folder / DOCUMENT).exists():
        raise UserError(
            f"{folder} holds a training. Continue it with: search train --resume {folder}, or choose another out=DIR."
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"out={folder} exists and is not empty; choose another folder.")


def _flag(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise UserError(f"{key}={value}: it must be true or false.")
    return value


def _whole(key: str, value: object, minimum: int) -> int:
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if type(value) is not int or not minimum <= value < 2**32:
        raise UserError(f"{key}={value}: it must be a whole number from {minimum} to 4,294,967,295.")
    return value
