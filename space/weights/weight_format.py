"""What a weight format states about itself: its names, and the conventions that come with them."""

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
    """How a library names the tensors of our networks.

    modules: architecture -> our module -> theirs, for every module that has tensors. Raises `UserError` for
        architectures that the library cannot express.
    styles: by name, architecture -> the conventions of its weights. Several where names do not tell them.
    usual: (architecture, name of a file or "") -> the style to take if nobody says; None for the first.
    stems: modules by which the format is recognised, beside EfficientNet's stem: one of each kind of network
        whose stem is called otherwise.
    linear: our 1x1 convolutions that are linear layers there: the weights of those have two dimensions.
    unused: what the names of tensors begin with that no network of ours has, and no logits depend on.
    """

    modules: Callable[[Architecture], Mapping[str, str]]
    styles: Mapping[str, Callable[[Architecture], Conventions]]
    usual: Callable[[Architecture, str], str | None] = _first
    stems: tuple[str, ...] = ()
    linear: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    def style(self, architecture: Architecture, file: str = "", wanted: str | None = None) -> str:
        """The key of `styles` that is `wanted`, else the usual one. Raises `UserError` naming the nearest."""
        style = wanted or self.usual(architecture, file) or next(iter(self.styles))
        if style not in self.styles:
            raise unknown_name("style of weights", style, self.styles)
        return style


def pair(ours: str, convolution: str, norm: str) -> dict[str, str]:
    """Their names of one of our convolutions and of its normalisation."""
    return {f"{ours}.conv": convolution, f"{ours}.norm": norm}


def expect(architecture: Architecture, library: str, objection: Callable[[Stage], str]) -> None:
    """Raises `UserError` for the first stage to which there is an `objection`: what the library lacks.

    So too for a stem of more layers than a convolution, and for a head of other layers than a convolution and a
    classifier with a bias. (`objection` sees no head: who can express more, looks first.)
    """
    if architecture.stem.op != "conv":
        raise UserError(f"{library} has no stem such as {architecture.stem.op}.")
    head = architecture.head
    if not head.bias or head.hidden or not head.width:
        raise UserError(f"{library} has no such head: {str(architecture).rpartition('/')[2]}.")
    for number, stage in enumerate(architecture.stages):
        lacking = objection(stage)
        if lacking:
            raise UserError(f"{library} has no {lacking}, as stages.{number} is: {encode_stage(stage)}.")
