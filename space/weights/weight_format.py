"""The interface of a weight format: a library's module names, and the conventions of its weights."""

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

    modules: a function from an architecture to a mapping of our module names to the library's, for every module that
        has tensors. It raises `UserError` for an architecture that the library cannot express.
    styles: a mapping of names to functions from an architecture to the conventions of its weights. There are several
        if the library uses the same tensor names with different conventions.
    usual: a function of (architecture, file path or "") to the default style, or to None for the first of `styles`.
    stems: further modules of the library by which the format is recognised, one for each kind of network whose stem
        is named differently. The stem of EfficientNet-B0 is always among them if `modules` can express B0.
    linear: the names of our 1x1 convolutions that are linear layers in the library, with weights of two dimensions.
    unused: the prefixes of the library's tensors that our networks lack, and that do not influence logits.
    """

    modules: Callable[[Architecture], Mapping[str, str]]
    styles: Mapping[str, Callable[[Architecture], Conventions]]
    usual: Callable[[Architecture, str], str | None] = _first
    stems: tuple[str, ...] = ()
    linear: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    def style(self, architecture: Architecture, file: str = "", wanted: str | None = None) -> str:
        """Return the style `wanted`, or the usual one if it is None. Raises `UserError` for an unknown style."""
        style = wanted or self.usual(architecture, file) or next(iter(self.styles))
        if style not in self.styles:
            raise unknown_name("style of weights", style, self.styles)
        return style


def pair(ours: str, convolution: str, norm: str) -> dict[str, str]:
    """Return a mapping of the names of convolution and normalisation in our layer `ours` to the two given names."""
    return {f"{ours}.conv": convolution, f"{ours}.norm": norm}


def expect(architecture: Architecture, library: str, objection: Callable[[Stage], str]) -> None:
    """Raise `UserError` if `architecture` has a feature that `library` lacks.

    objection: a function from a stage to the name of such a feature, "" if it has none. Stems of another kind than
    "conv", and heads other than a convolution and a classifier with a bias, are refused too. A format with other
    stems or heads must check these itself, and pass an architecture with permitted ones.
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
