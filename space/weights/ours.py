"""Our own names: those of the modules of `space.network.network.build`, which are the plan's."""

from __future__ import annotations

from space.architecture import Architecture
from space.plan import plan
from space.weights.conventions import Conventions
from space.weights.weight_format import WeightFormat


def modules(architecture: Architecture) -> dict[str, str]:
    """Each of our modules that has tensors, as itself."""
    *blocks, head = plan(architecture)
    convs = [(block.name, conv) for block in blocks for conv in block.convs]
    convs += [(head.name, conv) for conv in head.convs[:-1]]
    names = [f"{place}.{conv.name}.conv" for place, conv in convs]
    names += [f"{place}.{conv.name}.norm" for place, conv in convs if conv.norm]
    return {name: name for name in (*names, "head.classifier")}


def conventions(architecture: Architecture) -> Conventions:
    """The defaults of `build`. What was trained on other data than ImageNet was normalised otherwise."""
    return Conventions()


OURS = WeightFormat(modules, {"ours": conventions})
