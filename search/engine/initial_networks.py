"""The replacement of names of other runs and models in settings, before a configuration is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search.runs.networks import find_network
from search.settings.run_settings import split
from space.choices.loading import network_of

REFERENCE = "reward.reference"


def resolved(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return `settings` with trials and models replaced by the canonical strings of their networks.

    This applies to `first`, `reward.reference`, `space=inside:PARENT` and `space=around:NETWORK`. Names of published
    networks are replaced in `first` only. Raises `UserError` for a word that names no network.
    """
    found = dict(settings)
    if derived := network_of(str(settings.get("space", ""))):
        beginning, name, what = derived
        found["space"] = beginning + _resolved(name, what)
    if words := split(settings.get("first")):
        found["first"] = [
            str(find_network(str(word), "network for first").architecture) for word in _listed(words)
        ]
    if reference := settings.get(REFERENCE):
        found[REFERENCE] = resolved_reference(str(reference))
    return found


def resolved_reference(word: str) -> str:
    """Return `word` if it names a network by itself, else the canonical string of the trial or model it means.

    Raises `UserError` if it means no network.
    """
    return _resolved(word, "network for reward.reference")


def _resolved(word: str, what: str) -> str:
    from space.choices.named_networks import named_network

    return word if named_network(word) else str(find_network(word, what).architecture)


def _listed(words: object) -> list[object]:
    return list(words) if isinstance(words, list | tuple) else [words]
