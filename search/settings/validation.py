"""Settings as values of a model, or what is wrong with them in one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from space.refusal import UserError, setting_of_other_choice, unknown_name


def of_kind(group: str, key: str, kinds: Mapping[str, type[BaseModel]], settings: Any) -> Any:
    """A value of the one of `kinds` that the settings of a group name under `key`, such as data.source.

    Raises `UserError` for a kind that there is not, for a setting that only others have, and as `validated`.
    """
    mapping(group, settings)
    if key not in settings:
        raise UserError(f"{group}.{key} is missing. Permitted: {', '.join(kinds)}.")
    kind = str(settings[key])
    if kind not in kinds:
        raise unknown_name(f"{group}.{key}", kind, kinds)
    for name in settings:
        # Of a registry these are ours and what is imported: what nobody chose is no reason to import more.
        owners = [other for other, model in kinds.items() if name in model.model_fields]
        if owners and name not in kinds[kind].model_fields:
            raise setting_of_other_choice(f"{group}.{name}", group, owners, kind)
    return validated(f"{group}.", kinds[kind], settings)


def mapping(group: str, settings: Any) -> None:
    """Raises `UserError` unless the settings of a group are a mapping."""
    if not isinstance(settings, Mapping):
        raise UserError(f"{group} is {settings!r}; it must be a mapping of settings.")


def validated(place: str, model: type[BaseModel], settings: Any) -> Any:
    """A `model` of the settings. Raises `UserError` for the first that is wrong; `place`: what its key begins with."""
    try:
        return model.model_validate(settings)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = place + ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            raise unknown_name("setting", key, [place + name for name in model.model_fields]) from None
        if first["type"] == "missing":
            raise UserError(f"{key} is missing; give {key}=VALUE.") from None
        # What is wrong with settings together has no place of its own.
        found = f"{key}={first['input']}" if first["loc"] else place.rstrip(".")
        message = first["msg"].removeprefix("Value error, ").rstrip(".")
        raise UserError(f"{found}: {message[0].lower()}{message[1:]}.") from None
