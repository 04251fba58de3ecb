"""The validation of settings. The result is an instance of a model, or an error of one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from space.refusal import UserError, setting_of_other_choice, unknown_name

if TYPE_CHECKING:
    from pydantic import BaseModel

    from space.extension_points import Registry

RENAMED = {
    "proxy.mirror": "proxy.flip_tta",
    "proxy.recalibrate": "proxy.recalibrate_bn",
    "pruner.least": "pruner.min_correlation",
    "recipe.body": "recipe.backbone_lr_scale",
    "recipe.optimiser": "recipe.optimizer",
    "recipe.smoothing": "recipe.beta2",
    "reward.max_activations": "limit.activations",
    "reward.max_latency_ms": "limit.latency",
    "reward.max_macs": "limit.macs",
    "reward.max_memory": "limit.memory",
    "reward.max_params": "limit.params",
    "reward.max_step_ms": "limit.step",
    "sampler.most": "sampler.max_observations",
}
"""The new name of each renamed setting by its old name, for error messages on unknown settings."""


def unknown_setting(key: str, permitted: Iterable[object]) -> UserError:
    """Return the error for `key`, which is not one of the `permitted` settings.

    The error for an old name contains the new name.
    """
    if key in RENAMED:
        return UserError(f"{key} is called {RENAMED[key]} now.")
    return unknown_name("setting", key, permitted)


def of_kind(group: str, key: str, kinds: Registry[Any], settings: Any) -> Any:
    """Return the settings of a group as an instance of the kind that they name under `key`.

    kinds: the model of each kind. A package that adds a kind is imported only if that kind is chosen. Raises
    `UserError` for an unknown kind, for a setting of another kind, and the errors of `validated`.
    """
    mapping(group, settings)
    if key not in settings:
        raise UserError(f"{group}.{key} is missing. Permitted: {', '.join(kinds)}.")
    kind = str(settings[key])
    if kind not in kinds:
        raise unknown_name(f"{group}.{key}", kind, kinds)
    chosen = kinds[kind]
    for name in settings:
        # Packages are not imported for an error message, since they may be slow or broken.
        owners = [other for other, model in kinds.imported().items() if name in model.model_fields]
        if owners and name not in chosen.model_fields:
            raise setting_of_other_choice(f"{group}.{name}", group, owners, kind)
    return validated(f"{group}.", chosen, settings)


def mapping(group: str, settings: Any) -> None:
    """Raise `UserError` unless the settings of a group are a mapping."""
    if not isinstance(settings, Mapping):
        raise UserError(f"{group} is {settings!r}; it must be a mapping of settings.")


def validated(place: str, model: type[BaseModel], settings: Any) -> Any:
    """Return the settings as an instance of `model`. Raises `UserError` for the first invalid setting.

    place: the prefix of the setting's key in the message.
    """
    from pydantic import ValidationError  # Imported here, so that help, which only names settings, is fast.

    try:
        result = model.model_validate(settings)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = place + ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            raise unknown_setting(key, [place + name for name in model.model_fields]) from None
        if first["type"] == "missing":
            raise UserError(f"{key} is missing; give {key}=VALUE.") from None
        # An error that concerns several settings together has no `loc`.
        place = f"{key}={first['input']}" if first["loc"] else place.rstrip(".")
        message = first["msg"].removeprefix("Value error, ").rstrip(".")
        raise UserError(f"{place}: {message[0].lower()}{message[1:]}.") from None
    _refuse_truth(place, settings, result)
    return result


def _refuse_truth(place: str, settings: Any, result: BaseModel) -> None:
    """Raise `UserError` for true or false where a number is needed. Pydantic would read 1 or 0."""
    for key, value in settings.items() if isinstance(settings, Mapping) else ():
        if isinstance(value, bool) and type(getattr(result, key, value)) in (int, float):
            raise UserError(f"{place}{key}={str(value).lower()}: a number is needed.")
