"""Trained weights of other libraries for our networks, and ours for them.

A format is a map of names, written out: tensors are never matched by their order. It holds for every
architecture that the other library can express, whatever its classes and image size. With torchvision's
weights our logits are torchvision's to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor

from space.architecture import Architecture
from space.model import build
from space.plan import plan
from space.refusal import Refused, unknown
from space.registry import Registry

StateDict = Mapping[str, Tensor]


def to_ours(
    state_dict: StateDict, architecture: Architecture, format: str = "torchvision"
) -> dict[str, Tensor]:
    """The weights in `state_dict` under the names that `build(architecture)` gives them; no copies.

    format: a key of `WEIGHT_FORMATS`. Raises `Refused` naming the first tensor that is missing, unexpected
    or of another shape than the architecture's.

    What a state dict does not say, `build` must be told: torchvision pads symmetrically, and its norm_eps
    is 1e-5 in B0 to B4 and 1e-3 in B5 to B7 and in V2.
    """
    shapes = _shapes(architecture)
    names = _names(architecture, format, shapes)
    _check(state_dict, {names[ours]: shape for ours, shape in shapes.items()}, format)
    return {ours: state_dict[theirs] for ours, theirs in names.items()}


def from_ours(
    state_dict: StateDict, architecture: Architecture, format: str = "torchvision"
) -> dict[str, Tensor]:
    """The inverse of `to_ours`: the weights of `build(architecture)` under the names of `format`."""
    shapes = _shapes(architecture)
    names = _names(architecture, format, shapes)
    _check(state_dict, shapes, "our")
    return {theirs: state_dict[ours] for ours, theirs in names.items()}


def _torchvision(architecture: Architecture) -> dict[str, str]:
    """torchvision.models.efficientnet: stem, stages and head are numbered in "features", and so are the
    steps of a block, of which squeeze-excitation is one ("fc1", "fc2")."""
    modules = _pair("stem.conv", "features.0")
    for block in plan(architecture)[1:-1]:
        _, stage, index = block.name.split(".")
        # Shared steps, such as the two convolutions of squeeze-excitation, bear one number.
        steps = list(dict.fromkeys(conv.name.split("_")[0] for conv in block.convs))
        for conv in block.convs:
            step = f"features.{int(stage) + 1}.{index}.block.{steps.index(conv.name.split('_')[0])}"
            if conv.name in ("se_reduce", "se_expand"):
                fully_connected = "fc1" if conv.name == "se_reduce" else "fc2"
                modules[f"{block.name}.{conv.name}.conv"] = f"{step}.{fully_connected}"
            else:
                modules |= _pair(f"{block.name}.{conv.name}", step)
    modules |= _pair("head.conv", f"features.{len(architecture.stages) + 1}")
    return modules | {"head.classifier": "classifier.1"}


def _pair(ours: str, theirs: str) -> dict[str, str]:
    return {f"{ours}.conv": f"{theirs}.0", f"{ours}.norm": f"{theirs}.1"}


def _names(architecture: Architecture, format: str, tensors: Iterable[str]) -> dict[str, str]:
    """Their name of each of our `tensors`."""
    if format not in WEIGHT_FORMATS:
        raise unknown("weight format", format, WEIGHT_FORMATS)
    modules = WEIGHT_FORMATS[format](architecture)
    splits = ((name, *name.rsplit(".", 1)) for name in tensors)
    return {name: f"{modules[module]}.{tensor}" for name, module, tensor in splits}


def _shapes(architecture: Architecture) -> dict[str, torch.Size]:
    with torch.device("meta"):  # No memory, no initialisation.
        return {name: tensor.shape for name, tensor in build(architecture).state_dict().items()}


def _check(state_dict: StateDict, shapes: Mapping[str, torch.Size], whose: str) -> None:
    missing = [name for name in shapes if name not in state_dict]
    if missing:
        raise Refused(f"These are no {whose} weights of this architecture: they lack {_first(missing)}.")
    unexpected = [name for name in state_dict if name not in shapes]
    if unexpected:
        raise Refused(f"This architecture has no place for {_first(unexpected)} of these {whose} weights.")
    for name, shape in shapes.items():
        if state_dict[name].shape != shape:
            found, wanted = tuple(state_dict[name].shape), tuple(shape)
            raise Refused(f"{name} has shape {found} in these {whose} weights; here it must be {wanted}.")


def _first(names: Iterable[str]) -> str:
    first, *others = names
    return f"{first!r} and {len(others)} more" if others else repr(first)


WEIGHT_FORMATS: Registry[Callable[[Architecture], dict[str, str]]] = Registry(
    "compound_nas.weight_formats", {"torchvision": _torchvision}
)
"""Our module -> theirs, for every module of an architecture that has tensors: the extension point."""
