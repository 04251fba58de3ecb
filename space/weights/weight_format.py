"""The interface of a weight format: module names, and the conventions of its weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from space.architecture import Architecture, Stage, encode_stage
from space.refusal import UserError, unknown_name
from space.weights.conventions import Conventions


def _first(architecture: Architecture, file: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class WeightFormat:
    """The names that a library gives to the tensors of our networks.

    modules: a function from an architecture to a mapping of our modules to theirs, for every module that has tensors.
    Raises `UserError` for architectures that the library cannot express.
    styles: the functions from an architecture to the conventions of its weights, by the name of the style. There are
    several if the names of tensors do not show the conventions. usual: a function of (architecture, file name or "")
    that returns the default style; None: the first style.
    stems: the modules by which the format is recognised, in addition to EfficientNet's stem, one for each kind of
    network whose stem has another name.
    linear: the names of our 1x1 convolutions that are linear layers in the library; their weights have two
    dimensions.
    unused: the prefixes of tensors that our networks lack, and that do not influence logits.
    """

    modules: Callable[[Architecture], Mapping[str, str]]
    styles: Mapping[str, Callable[[Architecture], Conventions]]
    usual: Callable[[Architecture, str], str | None] = _first
    stems: tuple[str, ...] = ()
    linear: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    def style(self, architecture: Architecture, file: str = "", wanted: str | None = None) -> str:
        """Return `wanted` if given, else the usual style. Raises `UserError` for an unknown one, with the nearest."""
        style = wanted or self.usual(architecture, file) or next(iter(self.styles))
        if style not in self.styles:
            raise unknown_name("style of weights", style, self.styles)
        return style


def pair(ours: str, convolution: str, norm: str) -> dict[str, str]:
    """Return the library's names of one of our convolutions and of its normalisation."""
    return {f"{ours}.conv": convolution, f"{ours}.norm": norm}


def expect(architecture: Architecture, library: str, objection: Callable[[Stage], str]) -> None:
    """Raise `UserError` for the first stage for which `objection` returns a text: a feature that the library lacks.

    Raises it also for a stem that is not a single convolution, and for a head that is not a convolution and a
    classifier with a bias. A library with other heads must check them before.
    """
    if architecture.stem.op != "conv":
        raise UserError(f"{library} has no stem of kind {architecture.stem.op}.")
    head = architecture.head
    if not head.bias or head.hidden or not head.width:
        raise UserError(f"{library} has no such head: {str(architecture).rpartition('/')[2]}.")
    for number, stage in enumerate(architecture.stages):
        lacking = objection(stage)
        if lacking:
            raise UserError(f"{library} has no {lacking}; stages.{number} is {encode_stage(stage)}.")
