"""What `--base` may be: a published network's name, a file, a canonical string, or a search's result."""

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
    "block strings with commas between",
    "runs/NAME",
    "runs/NAME:TRIAL",
)


@dataclass(frozen=True, slots=True)
class Base:
    """The network that a family is derived from, and a short name for the family's members."""

    name: str
    architecture: Architecture


def resolve(base: str | Architecture | Base) -> Base:
    """The network that `base` means; the first of these that it can be:

    a name in the catalog ("b0", "v2-s"), even where a file of that name exists; a YAML or JSON file that
    describes a network; a canonical string ("r32_i16/.../h640_c10"); block strings of EfficientNet or timm with
    commas between ("r1_k3_s11_e1_i32_o16_se0.25,..."); a run of `search` by its path, for its
    best network ("runs/NAME") or that of a complete trial ("runs/NAME:12"). Raises `UserError` for anything
    else, naming the nearest published networks, and for the best of a run that is not finished.
    """
    if isinstance(base, Base):
        return base
    if isinstance(base, Architecture):
        return _named(base)
    for reader in READERS:
        found = reader(base)
        if found is not None:
            return found
    raise unpublished("base", base, forms=_OTHERS)


def _from_catalog(text: str) -> Base | None:
    return Base(text, CATALOG[text].architecture) if text in CATALOG else None


def _from_file(text: str) -> Base | None:
    if not text.endswith(_SUFFIXES):
        return None
    # Imported here: reading YAML takes time that a name doesn't.
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
            f"{text} is a search space: it leaves {len(space.choices)} choices open, such as "
            f"{space.choices[0].name}. A base is one network."
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
    # Imported here: reading a run takes time that a name doesn't.
    from scaling.runs import best, trained

    name = Path(path).name
    return Base(f"{name}-{number}", trained(path, int(number))) if number else Base(name, best(path))


def _named(architecture: Architecture) -> Base:
    """A base without a name is called by the network it is in the catalog, or by its digest."""
    names = (name for name, row in CATALOG.items() if row.architecture == architecture)
    return Base(next(names, architecture.digest[:8]), architecture)


READERS: tuple[Callable[[str], Base | None], ...] = (
    _from_catalog,
    _from_file,
    _from_canonical,
    _from_blocks,
    _from_run,
)
"""What turns a text into a base, in this order; None says that the text is none of its kind."""
