"""The networks of a comparison: leads, rivals, and the families that they form.

A lead is a network that was given for comparison. Its rivals are published networks and the best network of a random
search; their costs are matched to those of the lead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from search.runs.networks import FoundNetwork, find_network
from space import Architecture, decode

RANDOM = "best of random"
"""The name of the best network of a random search."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A network that is compared.

    name: the name in tables. origin: the origin in a few words. family: the name of the family that the network
    belongs to. level: the index, from 0, of the lead whose costs bound the network. share: the network's cost divided
    by the lead's (the largest ratio, if several costs are matched); None if it was not matched. run, trial: the name
    of the run and the number of the trial that found the network; "" and None without a search. weights: the folder
    of the model that the training starts from, None for random weights.
    """

    name: str
    architecture: Architecture
    origin: str
    family: str
    level: int = 0
    share: float | None = None
    run: str = ""
    trial: int | None = None
    weights: Path | None = None

    def for_data(self, classes: int, channels: int) -> Self:
        """Return the contender with its network changed to this number of classes and channels."""
        return replace(self, architecture=replace(self.architecture, classes=classes, channels=channels))

    def document(self) -> dict[str, object]:
        """Return the contender as plain values, ready for JSON."""
        return {
            "name": self.name,
            "architecture": str(self.architecture),
            "origin": self.origin,
            "family": self.family,
            "level": self.level,
            "share": self.share,
            "run": self.run,
            "trial": self.trial,
            "weights": self.weights and str(self.weights),
        }

    @classmethod
    def of_document(cls, values: dict[str, object]) -> Self:
        """Return the contender from the values that the method `document` returned."""
        weights = values["weights"] and Path(str(values["weights"]))
        given = {**values, "architecture": decode(str(values["architecture"])), "weights": weights}
        return cls(**given)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Family:
    """A named list of networks of different costs: scaled from one base, found by several searches, or given."""

    name: str
    members: tuple[Contender, ...]


def named_contender(word: str) -> tuple[Contender, FoundNetwork]:
    """Return the contender that a word of the command line means, and the network with its run or model.

    Raises the errors of `search.runs.networks.find_network`.
    """
    network = find_network(word)
    run, trial = network.run, network.trial
    origin = f"{run.name}:{trial.number}" if run and trial else str(network.model or "")
    named = word if run else network.name
    contender = Contender(
        name=named,
        architecture=network.architecture,
        origin=origin or "as given",
        family=named,
        run=run.name if run else "",
        trial=trial.number if trial else None,
    )
    return contender, network


def named_contenders(words: Sequence[str], published: Sequence[str]) -> list[tuple[Contender, FoundNetwork]]:
    """Return the result of `named_contender` for each word, with names and families that differ.

    Networks of the same name, such as two folders called "model", are named by their words instead. A network with
    the name of a rival in `published` is named "NAME, as given". Two words for the same network count as one.
    """
    found: dict[Contender, tuple[str, FoundNetwork]] = {}
    for word in words:
        contender, network = named_contender(word)
        found.setdefault(contender, (word, network))
    names = Counter(contender.name for contender in found)
    every = []
    for contender, (word, network) in found.items():
        name = apart(word if names[contender.name] > 1 else contender.name, published)
        every.append((replace(contender, name=name, family=name), network))
    return every


def apart(name: str, published: Sequence[str]) -> str:
    """Return `name`, or "NAME, as given" if a rival in `published` has the same name."""
    return f"{name}, as given" if name in published else name


def family_of(name: str, members: Sequence[Contender]) -> Family:
    """Return the family `name` of these networks. The field `level` of each is its position in `members`."""
    placed = (replace(member, family=name, level=level) for level, member in enumerate(members))
    return Family(name, tuple(placed))
