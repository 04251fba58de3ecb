"""The format of our own weights, with the module names of `space.network.network.build`."""

from __future__ import annotations

from space.architecture import Architecture
from space.plan import plan
from space.weights.conventions import Conventions
from space.weights.weight_format import WeightFormat


def modules(architecture: Architecture) -> dict[str, str]:
    """Return a mapping of the name of each module with tensors to itself."""
    *blocks, head = plan(architecture)
    convs = [(block.name, conv) for block in blocks for conv in block.convs]
    convs += [(head.name, conv) for conv in head.convs[:-1]]
    names = [f"{place}.{conv.name}.conv" for place, conv in convs]
    names += [f"{place}.{conv.name}.norm" for place, conv in convs if conv.norm]
    return {name: name for name in (*names, "head.classifier")}


def conventions(architecture: Architecture) -> Conventions:
    """Return the default conventions. Weights trained on data other than ImageNet need another normalisation."""
    return Conventions()


OURS = WeightFormat(modules, {"ours": conventions})
