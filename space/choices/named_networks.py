"""Networks by name: a published name, a canonical string, a file, or block strings."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from space.architecture import Architecture, decode
from space.block_strings import decode_blocks, is_blocks
from space.catalog import CATALOG
from space.refusal import UserError

SUFFIXES = (".yaml", ".yml", ".json")
"""The endings of files that describe a network."""

FORMS = (
    "FILE.yaml",
    "a canonical string such as r32_i16/.../h640_c10",
    "block strings separated by commas",
)
"""The ways to name a network, besides published names, as error messages list them."""


@dataclass(frozen=True, slots=True)
class NamedNetwork:
    """A network and a short name for it, after which folders and families of networks are named."""

    name: str
    architecture: Architecture


def named_network(word: str) -> NamedNetwork | None:
    """Return the network that `word` names, or None if `word` has none of the permitted forms.

    They are tried in this order: a name of the catalog ("b0", "v2-s"), even where a file of that name exists; a YAML
    or JSON file that describes one network; a canonical string ("r32_i16/.../h640_c10"); block strings of
    EfficientNet or timm separated by commas ("r1_k3_s11_e1_i32_o16_se0.25,..."). Raises `UserError` for a string or
    file that has one of these forms but is not valid.
    """
    for reader in _READERS:
        if network := reader(word):
            return network
    return None


def called(architecture: Architecture) -> NamedNetwork:
    """Return `architecture` with the name of the equal network in the catalog, else with 8 digits of its digest."""
    names = (name for name, row in CATALOG.items() if row.architecture == architecture)
    return NamedNetwork(next(names, architecture.digest[:8]), architecture)


def _from_catalog(word: str) -> NamedNetwork | None:
    return NamedNetwork(word, CATALOG[word].architecture) if word in CATALOG else None


def _from_file(word: str) -> NamedNetwork | None:
    if not word.endswith(SUFFIXES):
        return None
    # Imported here, since a published name does not need the YAML reader, whose import takes time.
    from space import documents
    from space.choices.space import Space

    path = Path(os.path.expanduser(word))
    try:
        content = path.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise UserError(
            f"Cannot read {word}: {getattr(error, 'strerror', 'it is not UTF-8 text')}."
        ) from None
    document = documents.parse(content, word)
    try:
        space = Space.of(document, path.stem)
    except UserError as error:
        raise UserError(f"{word}: {error}") from None
    if space.choices:
        raise UserError(
            f"{word} is a search space with {len(space.choices)} open choices, such as "
            f"{space.choices[0].name}. It must be one network."
        )
    return NamedNetwork(path.stem, space.at(()))


def _from_canonical(word: str) -> NamedNetwork | None:
    return called(decode(word)) if re.match(r"r\d+_[^/]*/", word) else None


def _from_blocks(word: str) -> NamedNetwork | None:
    return called(decode_blocks(word)) if is_blocks(word) else None


_READERS: tuple[Callable[[str], NamedNetwork | None], ...] = (
    _from_catalog,
    _from_file,
    _from_canonical,
    _from_blocks,
)
