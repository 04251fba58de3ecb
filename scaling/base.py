"""The base of a family: a published network, a file, a canonical string, or the result of a search."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from space import CATALOG, Architecture, UserError, decode
from space.block_strings import decode_blocks
from space.catalog import unpublished

_SUFFIXES = (".yaml", ".yml", ".json")
_OTHERS = (
    "FILE.yaml",
    "a canonical string such as r32_i16/.../h640_c10",
    "block strings separated by commas",
    "runs/NAME",
    "runs/NAME:TRIAL",
)


@dataclass(frozen=True, slots=True)
class Base:
    """The network that a family is derived from, and a short name for the family's members."""

    name: str
    architecture: Architecture


def resolve(base: str | Architecture | Base) -> Base:
    """Return the network that `base` means.

    The forms are tried in this order: a name in the catalog ("b0", "v2-s"), even if a file has the same name; a
    YAML or JSON file that describes a network; a canonical string ("r32_i16/.../h640_c10"); block strings of
    EfficientNet or timm, separated by commas ("r1_k3_s11_e1_i32_o16_se0.25,..."); the path of a run of `search`,
    for its best network ("runs/NAME") or the network of a complete trial ("runs/NAME:12").

    Raises `UserError` for anything else, with the nearest published names, and for the best network of an
    unfinished run.
    """
    if isinstance(base, Base):
        return base
    if isinstance(base, Architecture):
        return _named(base)
    for reader in READERS:
        resolved = reader(base)
        if resolved is not None:
            return resolved
    raise unpublished("base", base, forms=_OTHERS)


def _from_catalog(text: str) -> Base | None:
    return Base(text, CATALOG[text].architecture) if text in CATALOG else None


def _from_file(text: str) -> Base | None:
    if not text.endswith(_SUFFIXES):
        return None
    # Imported here because YAML is slow to import and a name doesn't need it.
    from space import documents
    from space.choices.space import Space

    try:
        content = Path(text).expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"Cannot read {text}: {getattr(error, 'strerror', 'it is not UTF-8 text')}."
        ) from None
    document = documents.parse(content, text)
    try:
        space = Space.of(document, Path(text).stem)
    except UserError as error:
        raise UserError(f"{text}: {error}") from None
    if space.choices:
        raise UserError(
            f"{text} is a search space with {len(space.choices)} open choices, such as "
            f"{space.choices[0].name}. A base must be one network."
        )
    return Base(Path(text).stem, space.at(()))


def _from_canonical(text: str) -> Base | None:
    return _named(decode(text)) if re.match(r"r\d+_.*/", text) else None


def _from_blocks(text: str) -> Base | None:
    return _named(decode_blocks(text)) if re.match(r"([a-z]+_)?r\d+_k\d", text) else None


def _from_run(text: str) -> Base | None:
    path, _, number = text.rpartition(":") if re.search(r":\d+$", text) else (text, "", "")
    if not (path.startswith("runs/") or (Path(path) / "config.yaml").is_file()):
        return None
    # Imported here because a run is slow to import and a name doesn't need it.
    from scaling.runs import best, trained

    name = Path(path).name
    return Base(f"{name}-{number}", trained(path, int(number))) if number else Base(name, best(path))


def _named(architecture: Architecture) -> Base:
    """Return the architecture under its name in the catalog, or under its digest if it has none."""
    names = (name for name, row in CATALOG.items() if row.architecture == architecture)
    return Base(next(names, architecture.digest[:8]), architecture)


READERS: tuple[Callable[[str], Base | None], ...] = (
    _from_catalog,
    _from_file,
    _from_canonical,
    _from_blocks,
    _from_run,
)
"""Functions that read one form of a base. They are tried in this order; None means "not this form"."""
