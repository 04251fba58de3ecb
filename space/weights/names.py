"""The conversion of state dicts between the names of other libraries and ours.

A format maps names explicitly, so tensors are never matched by their order. It is valid for every architecture that
the other library can express, with any number of classes and any image size.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

import torch
from torch import Tensor

from space.architecture import Architecture
from space.catalog import published
from space.network.network import build
from space.refusal import UserError
from space.weights.formats import WEIGHT_FORMATS, weight_format

StateDict = Mapping[str, Tensor]

# The counter of batch normalisation. Files written before torch 0.4.1 lack it, and logits do not depend on it.
_COUNTER = "num_batches_tracked"


def to_ours(
    state_dict: StateDict, architecture: Architecture, format: str | None = None
) -> dict[str, Tensor]:
    """Return the tensors of `state_dict` under the names of `build(architecture)`, without copying them.

    format: a key of `WEIGHT_FORMATS`, or None to recognise it. Missing batch counters are set to 0; auxiliary
    classifiers are left out. Raises `UserError` naming the first tensor that is missing, unexpected or of another
    shape.
    """
    format = format or format_of(state_dict)
    state_dict = used(state_dict, format)
    shapes = _shapes(architecture)
    names = their_names(architecture, format, shapes)
    linear = _linear(format)
    _check(state_dict, {names[n]: shape[:2] if n in linear else shape for n, shape in shapes.items()}, format)
    tensors = {
        ours: state_dict[theirs] if theirs in state_dict else torch.zeros((), dtype=torch.int64)
        for ours, theirs in names.items()
    }
    return tensors | {ours: tensors[ours][..., None, None] for ours in linear & shapes.keys()}


def from_ours(state_dict: StateDict, architecture: Architecture, format: str) -> dict[str, Tensor]:
    """Return the tensors of `build(architecture)` under the names of `format`: the inverse of `to_ours`.

    Raises `UserError` for tensors of another architecture, and for an architecture that `format` cannot express.
    """
    shapes = _shapes(architecture)
    names = their_names(architecture, format, shapes)
    _check(state_dict, shapes, "ours")
    linear = _linear(format)
    return {
        theirs: state_dict[ours].flatten(1) if ours in linear else state_dict[ours]
        for ours, theirs in names.items()
    }


def used(state_dict: StateDict, format: str) -> StateDict:
    """Return `state_dict` without the tensors that our networks lack (`WeightFormat.unused`)."""
    unused = weight_format(format).unused
    return {name: tensor for name, tensor in state_dict.items() if not name.startswith(unused)}


def format_of(state_dict: StateDict) -> str:
    """Return the key of the weight format whose stem is in `state_dict`. Raises `UserError` if there is none.

    InceptionV3 has the same names in torchvision and timm; it is taken for torchvision's. A format of a package that
    cannot be imported is not recognised.
    """
    stems = {name: found for name in WEIGHT_FORMATS if (found := _stems(name))}
    for name, modules in stems.items():
        if any(f"{module}.weight" in state_dict for module in modules):
            return name
    known = ", ".join(f"{modules[0]}.weight ({name})" for name, modules in stems.items())
    raise UserError(
        f"Weights of an unknown network: they have no stem such as {known}. Their tensors: {_first(state_dict)}."
        if state_dict
        else "No weights: there is no tensor."
    )


def _stems(format: str) -> tuple[str, ...]:
    """Return the modules by which a format is recognised, () if its package cannot be imported."""
    probe = published("b0").architecture
    try:
        known = weight_format(format)
    except UserError:
        return ()
    try:
        return known.modules(probe)["stem.conv.conv"], *known.stems
    except UserError:  # A format of networks unlike b0.
        return known.stems


def their_names(architecture: Architecture, format: str, tensors: Iterable[str]) -> dict[str, str]:
    """Return a mapping of our tensor names `tensors` to the names of `format`.

    Raises `UserError` if the format cannot express the architecture.
    """
    modules = weight_format(format).modules(architecture)
    splits = ((name, *name.rsplit(".", 1)) for name in tensors)
    return {name: f"{modules[module]}.{tensor}" for name, module, tensor in splits}


def whose(format: str) -> str:
    """Return the word for `format` before "weights" or "names" in a message: "our" for ours, else its name."""
    return "our" if format == "ours" else format


def _linear(format: str) -> set[str]:
    return {f"{module}.weight" for module in weight_format(format).linear}


@lru_cache(maxsize=64)
def _shapes(architecture: Architecture) -> Mapping[str, torch.Size]:
    with torch.device("meta"):  # No memory, no initialisation.
        return {name: tensor.shape for name, tensor in build(architecture).state_dict().items()}


def _check(state_dict: StateDict, shapes: Mapping[str, torch.Size], format: str) -> None:
    missing = [name for name in shapes if name not in state_dict and not name.endswith(_COUNTER)]
    if missing:
        raise UserError(
            f"These are not {whose(format)} weights of this architecture: they lack {_first(missing)}."
        )
    unexpected = [name for name in state_dict if name not in shapes]
    if unexpected:
        raise UserError(
            f"This architecture has no place for {_first(unexpected)} of these {whose(format)} weights."
        )
    for name, tensor in state_dict.items():
        if tensor.shape != shapes[name]:
            shape, expected = tuple(tensor.shape), tuple(shapes[name])
            raise UserError(
                f"{name} has shape {shape} in these {whose(format)} weights; it must be {expected}."
            )


def _first(names: Iterable[str]) -> str:
    first, *others = names
    return f"{first!r} and {len(others)} more" if others else repr(first)
