"""The base network, from which a family of networks is scaled, and the words that name it."""

from __future__ import annotations

from dataclasses import dataclass

from space import Architecture
from space.choices.named_networks import called, named_network


@dataclass(frozen=True, slots=True)
class Base:
    """A base network, and its short name, with which the names of all networks scaled from it begin."""

    name: str
    architecture: Architecture


def resolve(base: str | Architecture | Base) -> Base:
    """Return the network that `base` means.

    >>> resolve("b0").architecture.resolution
    224

    A word can be whatever names a network in `search`: a published network ("b0", "v2-s"), even if a file has the
    same name; a YAML or JSON file; a canonical string ("r32_i16/.../h640_c10"); block strings of EfficientNet or
    timm, separated by commas ("r1_k3_s11_e1_i32_o16_se0.25,..."); a run, for its best network ("RUN") or another of
    its answers ("RUN:cheapest"), or one of its complete trials ("RUN:12"); the folder of a model.

    Raises `UserError` for anything else, with the nearest published names, for an answer of an unfinished run, and
    for a trial that is not complete.
    """
    if isinstance(base, Base):
        return base
    # Published names, files and strings need no run, whose reading takes a second.
    network = called(base) if isinstance(base, Architecture) else named_network(base)
    if network:
        return Base(network.name, network.architecture)
    from scaling.runs import trained_network

    return Base(*trained_network(str(base)))
