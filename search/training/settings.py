"""What `search train` is told: a network, and KEY=VALUE settings in the groups `data` and `recipe`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search.config import Config
from search.data.dataset import source_from
from search.data.source import Source
from search.files import unused
from search.settings.validation import validated
from search.training.networks import Found, find
from search.training.recipe import Recipe
from search.training.task import DOCUMENT, Task
from space import UserError, documents
from space.refusal import unknown_name

if TYPE_CHECKING:
    from search.models.model import Model
    from search.training.progress import Watch

DEFAULTS = "train", "default"
"""The document of the settings outside groups."""
GROUPS = ("data", "recipe")
MODELS = Path("models")


def train(what: str, settings: Mapping[str, Any] | None = None, *, watch: Watch | None = None) -> Model:
    """Train one network in full: `train("RUN:12", {"recipe.epochs": 30, "out": "models/mine"})`.

    what: as for the command, see `search.training.networks.find`. settings: those of the command. Returns the model, which is
    kept in the folder `out`. Raises `UserError` for what cannot be, before anything is written, and
    `search.proxy.failure.TrialFailed` for a training that diverges.
    """
    from search.training.loop import train as run

    task, folder = task_of(what, settings or {})
    refuse_taken(folder)
    return run(task, folder, watch)


def task_of(what: str, settings: Mapping[str, Any]) -> tuple[Task, Path]:
    """The training that `search train` stands for, and the folder of its model. Opens the data, decodes nothing.

    Raises `UserError` in one line for anything unknown.
    """
    known = documents.read(*DEFAULTS)
    refuse_unknown(settings, known)
    chosen = {**known, **{key: value for key, value in settings.items() if "." not in key}}
    recipe = recipe_of(str(chosen["recipe"]), within(settings, "recipe"))
    found = find(what)
    source = source_of(found, chosen["data"], within(settings, "data"))
    task = Task(
        architecture=found.architecture,
        source=source,
        recipe=recipe,
        seed=_whole("seed", chosen["seed"], 0),
        weights=Path(str(chosen["weights"])).expanduser().absolute() if chosen["weights"] else None,
        freeze=chosen["freeze"],
        threads=None if chosen["threads"] is None else _whole("threads", chosen["threads"], 1),
        run=found.run,
        trial=found.trial,
        tensorboard=chosen["tensorboard"] is True,
    )
    out = Path(str(chosen["out"])).expanduser() if chosen["out"] else unused(MODELS, found.name)
    return task.for_data(), out


def recipe_of(name: str, inner: Mapping[str, Any]) -> Recipe:
    """The recipe that `recipe=NAME` and its settings stand for."""
    document = documents.read("recipe", name)
    recipe: Recipe = validated("recipe.", Recipe, {**document, **inner})
    return recipe


def source_of(found: Found, name: Any, inner: Mapping[str, Any]) -> Source:
    """The images: what `data=NAME` says, else those that the network was searched or trained on, else what a search
    takes. Raises `UserError` for a trained network that does not tell its images.
    """
    if name is None and found.missing:
        raise UserError(
            f"{found.name} does not say where the images of its training are: add {found.missing}."
        )
    if name is None and found.source is not None:
        return source_from({**found.source.model_dump(), **inner})
    named = {} if name is None else {"data": name}
    return Config.of({**named, **{f"data.{key}": value for key, value in inner.items()}}).data


def within(settings: Mapping[str, Any], group: str) -> dict[str, Any]:
    """What `settings` say inside a group, {"epochs": 3} for "recipe"."""
    return {
        key.partition(".")[2]: value
        for key, value in settings.items()
        if key.partition(".")[0] == group and "." in key
    }


def refuse_unknown(settings: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Raises `UserError` for a key that is none of the `known` settings and in no group."""
    for key in settings:
        group, dot, _ = key.partition(".")
        if dot and group not in GROUPS:
            raise unknown_name("group", group, GROUPS)
        if not dot and key not in known:
            raise unknown_name("setting", key, known)


def refuse_taken(folder: Path) -> None:
    """Raises `UserError` if there is a training or a model in `folder` already."""
    if (folder / DOCUMENT).exists():
        raise UserError(
            f"{folder} holds a training. Go on with it: search train --resume {folder}. Or choose another out=DIR."
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"out={folder}: there is something already; choose another folder.")


def _whole(key: str, value: object, least: int) -> int:
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    if type(value) is not int or not least <= value < 2**32:
        raise UserError(f"{key}={value}: it must be a whole number from {least}.")
    return value
