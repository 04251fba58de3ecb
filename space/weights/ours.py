"""Our own format: the module names of `space.network.network.build`, which are the plan's."""

from __future__ import annotations

from space.architecture import Architecture
from space.plan import plan
from space.weights.conventions import Conventions
from space.weights.weight_format import WeightFormat


def modules(architecture: Architecture) -> dict[str, str]:
    """Return each of our modules that has tensors, mapped to itself."""
    *blocks, head = plan(architecture)
    convs = [(block.name, conv) for block in blocks for conv in block.convs]
    convs += [(head.name, conv) for conv in head.convs[:-1]]
    names = [f"{place}.{conv.name}.conv" for place, conv in convs]
    names += [f"{place}.{conv.name}.norm" for place, conv in convs if conv.norm]
    return {name: name for name in (*names, "head.classifier")}


def conventions(architecture: Architecture) -> Conventions:
    """Return the defaults of `build`. Weights trained on other data than ImageNet need another normalisation."""
    return Conventions()


OURS = WeightFormat(modules, {"ours": conventions})
