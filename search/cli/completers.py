"""Functions that complete the words of the command line. None imports torch, so that the shell answers at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from search.settings.groups import Group, Setting
    from search.tables.table import Column

Items = list[CompletionItem[str]]
Complete = Callable[[click.Context, click.Parameter, str], Items]

_TRIALS = 100
"""The number of trials of a run that are offered, the best first."""


def settings(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Return completions of KEY=VALUE words: keys, and after "=" choices of a group or values of a setting."""
    from search.settings.groups import typed

    before = typed(context.params.get(parameter.name or "") or ())
    key, equals, value = incomplete.partition("=")
    return _values(key, value, before) if equals else _keys(key, before)


def training(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Return completions of the KEY=VALUE words of `search train`: its settings, and the groups data and recipe."""
    from search.settings.groups import first_sentence, names, options, plain, typed

    before = typed(context.params.get(parameter.name or "") or ())
    key, equals, value = incomplete.partition("=")
    if equals and key in ("data", "recipe"):
        named = ((f"{key}={name}", first_sentence(key, name)) for name in names(key))
        return _beginning(incomplete, named) or _paths(value)
    if equals:
        return _values(key, value, before)
    known = [*plain("train", "default"), *options("recipe", before.get("recipe", "small"))]
    known += options("data", before["data"]) if before.get("data") in names("data") else []
    keys = ((f"{setting.key}=", setting.meaning) for setting in known if setting.key not in before)
    return _beginning(incomplete, keys)


def images(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Return completions of KEY=VALUE words of the group `data`, and paths."""
    from search.settings.groups import first_sentence, names, options, typed

    before = typed(context.params.get(parameter.name or "") or ())
    key, equals, value = incomplete.partition("=")
    if equals and key != "data":
        return _values(key, value, before)
    named = [(f"data={name}", first_sentence("data", name)) for name in names("data")]
    known = options("data", before["data"]) if before.get("data") in names("data") else []
    keys = [(f"{setting.key}=", setting.meaning) for setting in known if setting.key not in before]
    return _beginning(incomplete, keys or named) or _paths(incomplete)


def objectives(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Return completions of KEY=VALUE words of the groups `reward` and `limit`."""
    items = settings(context, parameter, incomplete)
    return [item for item in items if str(item.value).startswith(("reward", "limit"))]


def runs(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Return completions of the names of runs, the latest first."""
    from search.runs.names import runs

    return _beginning(incomplete, reversed(runs())) or _paths(incomplete)


def trials(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Return completions of the names of runs. After "RUN:", complete the run's trials, best first, and answers."""
    from search.runs.names import ANSWERS, split
    from search.runs.run import open_run

    run, colon, number = incomplete.rpartition(":")
    if not colon or split(f"{run}:0")[1] is None:
        return runs(context, parameter, incomplete)
    ranked = open_run(run).ranked
    answers = ((f"{run}:{name}", "an answer of the run") for name in ANSWERS if ranked)
    numbered = ((f"{run}:{t.number}", f"reward {t.terms.reward:.4f}" if t.terms else "") for t in ranked)
    word = f"{run}:{number}"
    return _beginning(word, numbered)[:_TRIALS] + _beginning(word, answers)


def networks(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Return completions of published networks, runs and trials."""
    from space import CATALOG

    named = ((name, published.source) for name, published in CATALOG.items())
    return _beginning(incomplete, named) + trials(context, parameter, incomplete)


def shown(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Return completions of the words of `search show`: networks, runs and trials, or a space with its settings."""
    words: Sequence[str] = context.params.get(parameter.name or "") or ()
    if words or "=" in incomplete or "." in incomplete:
        items = settings(context, parameter, incomplete)
        return [item for item in items if str(item.value).startswith("space")]
    return networks(context, parameter, incomplete) + _beginning(incomplete, [("space=", "a search space")])


def formats(*others: str) -> Complete:
    """Return a function that completes the formats of tables, and `others`."""

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
        from search.tables.writing import FORMATS

        return _beginning(incomplete, (*FORMATS, *others))

    return complete


def loggers(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Return completions of the names of loggers."""
    from search.loggers import LOGGERS

    return _beginning(incomplete, LOGGERS)


def columns(of: Callable[[], Iterable[Column]]) -> Complete:
    """Return a function that completes keys of columns, separated by commas, each with or without a `-` before it.

    of: a function that returns the columns.
    """

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
        before, comma, last = incomplete.rpartition(",")
        used = before.split(",")
        sign = "-" if last.startswith("-") else ""
        keys = ((f"{before}{comma}{sign}{c.key}", c.description) for c in of() if c.key not in used)
        return _beginning(incomplete, keys)

    return complete


def words(permitted: Iterable[str]) -> Complete:
    """Return a function that completes the words `permitted`."""
    return lambda context, parameter, incomplete: _beginning(incomplete, permitted)


def _keys(incomplete: str, before: dict[str, str]) -> Items:
    from search.settings.groups import groups, limits
    from search.settings.words import GROUPS

    if "." in incomplete:
        chosen = {key: value for key, value in before.items() if key in GROUPS}
        inside = next((group for group in groups(chosen) if incomplete.startswith(f"{group.key}.")), None)
        known = inside.settings if inside else ()
        if inside and inside.key == "space":
            return _beginning(incomplete, (f"{place}=" for place in _choices(inside.name)))
        return _beginning(incomplete, ((f"{s.key}=", s.meaning) for s in known if s.key not in before))
    every: Iterable[Group | Setting] = chain(groups({}), limits({}))
    whole = ((f"{each.key}=", each.meaning) for each in every if each.key not in before)
    return _beginning(incomplete, chain(whole, ((f"{group}.", "settings of the group") for group in GROUPS)))


def _values(key: str, value: str, before: dict[str, str]) -> Items:
    from search.settings.groups import first_sentence, names, options
    from search.settings.words import GROUPS
    from space import CATALOG, documents
    from space.choices.loading import network_of

    if key == "space" and (derived := network_of(value)):
        return _beginning(f"{key}={value}", (f"{key}={derived[0]}{name}" for name in CATALOG))
    if key in GROUPS:
        named = ((f"{key}={name}", first_sentence(key, name)) for name in names(key))
        return _beginning(f"{key}={value}", named) or _paths(value)
    group, _, _ = key.partition(".")
    if key == "from":
        from search.runs.names import runs

        return _beginning(f"{key}={value}", (f"{key}={run}" for run in reversed(runs())))
    if key in ("data.path", "data.cache"):
        return [CompletionItem(value, type="file")]
    if group == "space":
        name = before.get("space", documents.read("launch", "default")["space"])
        values = _choices(str(name)).get(key, [])
    elif group in GROUPS:
        chosen = [name for name in names(group) if name == before.get(group)]
        documented = dict.fromkeys((*documents.names(group), *chosen))
        known = (s for name in documented for s in options(group, name) if s.key == key)
        values = list(dict.fromkeys(setting.value for setting in known))
        values = ["true", "false"] if {"true", "false"} & set(values) else values
    else:
        values = []
    return _beginning(f"{key}={value}", (f"{key}={each}" for each in values))


def _choices(name: str) -> dict[str, list[str]]:
    """Return the settings of a space, such as "space.stages.2.kernel", each with the values in its document."""
    from search.settings.groups import space_document

    places: dict[str, list[str]] = {}

    def walk(node: Any, place: str) -> None:
        if isinstance(node, list) and place == "space.stages":
            for number, stage in enumerate(node):
                walk(stage, f"{place}.{number}")
                walk(stage, f"{place}.*")
        elif isinstance(node, dict):
            for key, inner in node.items():
                walk(inner, f"{place}.{key}")
        else:
            options = node if isinstance(node, list) else [node]
            named = [str(next(iter(o))) if isinstance(o, dict) and len(o) == 1 else str(o) for o in options]
            places[place] = list(dict.fromkeys([*places.get(place, []), *named]))

    walk(space_document(name), "space")
    return places


def _beginning(incomplete: str, words: Iterable[str | tuple[str, str]]) -> Items:
    """Return the words, with their descriptions if they have any, that begin with `incomplete`."""
    pairs = ((word, "") if isinstance(word, str) else word for word in words)
    return [CompletionItem(word, help=help) for word, help in pairs if word.startswith(incomplete)]


def _paths(incomplete: str) -> Items:
    """Return the item that makes the shell complete files if the word looks like a path; else []."""
    return (
        [CompletionItem(incomplete, type="file")]
        if incomplete[:1] in (".", "/", "~") or "/" in incomplete
        else []
    )
