"""The reference of all settings, generated from the YAML documents that ship with the package.

python -m search.settings.reference > search/SETTINGS.md
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from search.settings.groups import LAUNCH, Setting, about, limits, options, plain
from search.settings.words import GROUPS
from space import documents

_HEAD = """# Settings

Every setting of `search launch`, `search train` and `search compare`. `search launch KEY=VALUE ... --help` prints the
settings of a search as these words change them. Settings are KEY=VALUE words: a group is chosen by name
(`proxy=small`) or from a file (`proxy=./mine.yaml`), and a single setting by its place (`proxy.epochs=9`). In the
tables, (in NAME VALUE) gives the default of the choice NAME where it differs, and [NAMES] lists the choices that have
a setting where not all of the group have it.

This file is generated: `python -m search.settings.reference > search/SETTINGS.md`.
"""


def reference() -> str:
    """Return the reference as Markdown."""
    defaults = {setting.key: setting.value for setting in plain(*LAUNCH)}
    parts = [_HEAD, "## search launch: the run\n", _table(limits({}))]
    for group in GROUPS:
        parts += [f"## search launch: {group}\n", _choices(group, defaults[group])]
        if group != "space":
            parts.append(_merged(group, defaults[group]))
    parts += ["## search train: recipe\n", _choices("recipe", "small"), _merged("recipe", "small")]
    for command in ("train", "compare"):
        parts += [f"## search {command}: other settings\n", _table(tuple(plain(command, "default")))]
    return "\n".join(parts)


def _choices(group: str, default: str) -> str:
    """Return a Markdown list of the documents of a group, with a line for each."""
    names = documents.names(group)
    lines = [f"- `{group}={name}`{' (default)' * (name == default)}: {about(group, name)}" for name in names]
    return "\n".join(lines) + "\n"


def _merged(group: str, default: str) -> str:
    """Return a Markdown table of the settings of all documents of a group."""
    names = sorted(documents.names(group), key=lambda name: name != default)
    values = {name: {setting.key: setting for setting in options(group, name)} for name in names}
    keys = dict.fromkeys(key for settings in values.values() for key in settings)
    rows = []
    for key in keys:
        owners = [name for name in names if key in values[name]]
        first = values[owners[0]][key]
        only = f" [{', '.join(owners)}]" if len(owners) < len(names) else ""
        others = _other_values(key, first.value, [(name, values[name][key].value) for name in owners[1:]])
        rows.append(Setting(key, first.value, first.meaning + others + only))
    return _table(rows)


def _other_values(key: str, value: str, others: Sequence[tuple[str, str]]) -> str:
    different = [f"{name} {other}" for name, other in others if other != value]
    return f" (in {', '.join(different)})" if different else ""


def _table(settings: Sequence[Setting]) -> str:
    return "\n".join(["| setting | default | meaning |", "|---|---|---|", *_rows(settings)]) + "\n"


def _rows(settings: Sequence[Setting]) -> Iterator[str]:
    for setting in settings:
        cells = (f"`{setting.key}`", f"`{setting.value}`" if setting.value else "", setting.meaning)
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    print(reference(), end="")
