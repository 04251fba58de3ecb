"""The settings of a search with their values and meanings, for help and completion.

They are read from the text and the comments of the YAML documents in `experiments/settings`, not from the models that
validate them, so that help and completion answer at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import yaml

from search.settings import extensions
from search.settings.extensions import added, package
from search.settings.validation import unknown_setting
from search.settings.words import GROUPS, KIND, parse
from space import documents
from space.choices.loading import load_space, network_of
from space.choices.override import override
from space.refusal import setting_of_other_choice, unknown_name

LAUNCH = "launch", "default"
"""The document with the settings outside groups. It also names the default document of each group."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as help shows it.

    key: the key as it is typed, "proxy.epochs". value: the value as YAML. meaning: the comment of the setting, ""
    if it has none.
    """

    key: str
    value: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Group:
    """A group of settings and the YAML document that is chosen for it.

    name: the name of the document. meaning: the meaning of the group. about: the comment that begins the document, ""
    for a space that a network defines.
    """

    key: str
    name: str
    meaning: str
    about: str
    settings: tuple[Setting, ...]

    @property
    def others(self) -> Iterator[tuple[str, str]]:
        """For each other YAML document that can be chosen for the group: its name, and its first sentence."""
        for name in names(self.key):
            if name != self.name:
                yield name, first_sentence(self.key, name)


def groups(chosen: Mapping[str, str]) -> Iterator[Group]:
    """Yield every group with its settings in a search with the settings `chosen`, such as {"proxy": "small"}.

    Raises `UserError` with the nearest name for an unknown document or setting in `chosen`.
    """
    _refuse(chosen)
    meanings = {setting.key: setting for setting in _settings(*LAUNCH)}
    for key in GROUPS:
        name = chosen.get(key, meanings[key].value)
        inner = {k: value for k, value in chosen.items() if k.startswith(f"{key}.")}
        settings = places(name, inner) if key == "space" else _chosen(key, name, inner)
        derived = key == "space" and network_of(name)
        yield Group(key, name, meanings[key].meaning, "" if derived else _about(_text(key, name)), settings)


def limits(chosen: Mapping[str, str]) -> tuple[Setting, ...]:
    """Return the settings outside all groups, such as `trials`, with values from `chosen`.

    Raises `UserError` for an unknown key in `chosen`. Keys of groups are ignored.
    """
    found = (setting for setting in _settings(*LAUNCH) if setting.key not in GROUPS)
    return _set(found, {key: value for key, value in chosen.items() if "." not in key and key not in GROUPS})


def options(group: str, name: str) -> Iterator[Setting]:
    """Yield the settings of a document of `group`, and the settings without default that its comment names.

    The setting that names the kind, such as `sampler: gp` in sampler/gp, is left out.
    """
    for key in re.findall(rf"Needs {group}\.(\w+)=", _about(_text(group, name))):
        yield Setting(f"{group}.{key}", "", "needed")
    elsewhere = [setting for other in documents.names(group) for setting in _settings(group, other)]
    meanings = {setting.key: setting.meaning for setting in elsewhere if setting.meaning}
    for setting in _settings(group, name):
        if setting.key != KIND.get(group):
            meaning = setting.meaning or meanings.get(setting.key, "")
            yield replace(setting, key=f"{group}.{setting.key}", meaning=meaning)


def plain(group: str, name: str) -> Iterator[Setting]:
    """Yield the settings of a document, without the group in their names: "epochs", not "proxy.epochs"."""
    yield from _settings(group, name)


def places(name: str, pinned: Mapping[str, str] | None = None) -> tuple[Setting, ...]:
    """Return the parts of a space's document as settings ("space.stages.2"), changed by the values in `pinned`.

    pinned: values by key, such as {"space.stages.2.kernel": "3,5"}. Raises `UserError` for an invalid one.
    """
    values = parse(f"{key}={value}" for key, value in (pinned or {}).items())
    document = space_document(name, {key.removeprefix("space."): value for key, value in values.items()})
    return tuple(Setting(f"space.{place}", _flow(value), "") for place, value in _parts(document))


def space_document(name: str, values: Mapping[str, Any] | None = None) -> documents.Document:
    """Return the document of a space, changed by `values`.

    values: new values by their place in the document, such as "stages.2.kernel". Raises `UserError` for an unknown
    space and for an invalid value.
    """
    if network_of(name):
        return load_space(name, values).document
    document = documents.read("space", name)
    for place, value in (values or {}).items():
        document = override(document, place, value)
    return document


def names(group: str) -> tuple[str, ...]:
    """Return the names that can be chosen in a group: shipped documents, and names that installed packages add."""
    return *documents.names(group), *added(group)


def about(group: str, name: str) -> str:
    """Return the comment at the beginning of a shipped document, in one line."""
    return _about(documents.text(group, name))


def first_sentence(group: str, name: str) -> str:
    """Return the first sentence of a shipped document's comment, or a sentence with the package that adds `name`.

    That package is not imported, so that help stays fast.
    """
    if _foreign(group, name):
        return f"Added by the package {package(group, name)}."
    return re.split(r"(?<=\.)(?<!\bet al\.) ", about(group, name), maxsplit=1)[0]


def typed(words: Iterable[str]) -> dict[str, str]:
    """Return the KEY=VALUE words among `words`, with values as they were typed. A repeated key has its last value."""
    return {key: value for key, equals, value in (word.partition("=") for word in words) if equals}


def _refuse(chosen: Mapping[str, str]) -> None:
    known = [setting.key for setting in _settings(*LAUNCH)]
    for key in chosen:
        group, dot, _ = key.partition(".")
        if group not in (GROUPS if dot else known):
            raise unknown_name("group" if dot else "setting", group if dot else key, GROUPS if dot else known)


def _chosen(group: str, name: str, values: Mapping[str, str]) -> tuple[Setting, ...]:
    """Return the settings of a document, changed by `values`. Raises `UserError` for unknown keys."""
    found = tuple(options(group, name))
    known, shipped = {setting.key for setting in found}, documents.names(group)
    for key in (key for key in values if key not in known and group in KIND):
        owners = [other for other in shipped if any(key == setting.key for setting in options(group, other))]
        if owners:
            raise setting_of_other_choice(key, group, owners, name)
    return _set(found, values)


def _set(settings: Iterable[Setting], values: Mapping[str, str]) -> tuple[Setting, ...]:
    """Return `settings`, changed by `values`. Raises `UserError` for unknown keys."""
    found = {setting.key: setting for setting in settings}
    for key, value in values.items():
        if key not in found:
            raise unknown_setting(key, found)
        found[key] = replace(found[key], value=value)
    return tuple(found.values())


def _settings(group: str, name: str) -> Iterator[Setting]:
    text = _text(group, name)
    values = documents.parse(text, name) if _foreign(group, name) else documents.read(group, name)
    comments = dict(re.findall(r"^(\w+):[^#\n]*?\s#\s*(.*)$", text, re.MULTILINE))
    for key, value in values.items():
        yield Setting(str(key), _flow(value), comments.get(key, "").strip())


def _foreign(group: str, name: str) -> bool:
    # Packages are looked up last, since each lookup takes milliseconds.
    return name not in documents.names(group) and name in added(group)


def _text(group: str, name: str) -> str:
    return extensions.text(group, name) if _foreign(group, name) else documents.text(group, name)


def _about(text: str) -> str:
    """Return the comment at the beginning of a document, in one line."""
    lines = re.match(r"(?:#.*\n)*", text)
    return " ".join(line.lstrip("# ") for line in (lines.group() if lines else "").splitlines())


def _parts(document: documents.Document) -> Iterator[tuple[str, Any]]:
    for key, value in document.items():
        if key == "stages" and isinstance(value, list):
            yield from ((f"stages.{number}", stage) for number, stage in enumerate(value))
        else:
            yield str(key), value


def _flow(value: Any) -> str:
    """Return a value in one line of YAML."""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000)
    return text.removesuffix("\n").removesuffix("\n...")
