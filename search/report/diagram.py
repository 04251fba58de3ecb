"""A network as boxes, one for each stage: the higher the deeper, the wider the more channels."""

from __future__ import annotations

import math
from dataclasses import dataclass

from search.tables.units import si
from space import Architecture, Stage, cost, parts
from space.blocks import BLOCKS
from space.cost.cost import Part

WIDTH = 190
"""Of the widest box, in the drawing's units; the texts beside the boxes take as much again."""
_NARROWEST = 60
"""What the text in a box needs."""
_LEAST, _BLOCK, _GAP = 24.0, 7.0, 5.0
"""Height of a part of one block, of each further block, and between parts."""

_GREY = 6
"""The colour of stem and head; families of blocks have those before it."""


@dataclass(frozen=True, slots=True)
class Box:
    """A part of the network: where it is drawn, and what stands in it and beside it, in two lines.

    colour: its place in the palette, the same for all stages of a family of blocks. told: all of its figures.
    """

    top: float
    height: float
    width: float
    colour: int
    inside: str
    beside: str
    further: str
    told: str


@dataclass(frozen=True, slots=True)
class Diagram:
    """A drawn network. height: of the drawing, in its units."""

    title: str
    subtitle: str
    boxes: tuple[Box, ...]
    height: float
    architecture: str


def diagram(title: str, architecture: Architecture) -> Diagram:
    """The drawing of a network, with its exact costs."""
    found = parts(architecture)
    total = cost(architecture)
    widest = max(part.width for part in found)
    boxes: list[Box] = []
    top = 0.0
    for part in found:
        height = _LEAST + _BLOCK * ((part.part.depth if isinstance(part.part, Stage) else 1) - 1)
        width = _NARROWEST + (WIDTH - _NARROWEST) * math.sqrt(part.width / widest)
        share = part.cost.macs / total.macs if total.macs else 0.0
        beside = f"{part.size} px, {part.width} ch, {share:.0%} of MACs"
        boxes.append(Box(top, height, width, _colour(part), _inside(part), _shape(part), beside, _told(part)))
        top += height + _GAP
    subtitle = (
        f"{si(total.params)} params, {si(total.macs)} MACs, {si(total.activations)} activations, "
        f"{architecture.resolution} px, {architecture.depth} blocks"
    )
    return Diagram(title, subtitle, tuple(boxes), top, str(architecture))


def _colour(part: Part) -> int:
    return list(BLOCKS).index(part.part.op) % _GREY if isinstance(part.part, Stage) else _GREY


def _inside(part: Part) -> str:
    stage = part.part
    return f"{stage.depth} x {stage.op}" if isinstance(stage, Stage) else part.name


def _shape(part: Part) -> str:
    """What was chosen of a stage."""
    stage = part.part
    if not isinstance(stage, Stage):
        return ""
    squeezed = f", se {stage.se:g}" if stage.se else ""
    return f"kernel {stage.kernel}, expand {stage.expand:g}{squeezed}"


def _told(part: Part) -> str:
    """All about a part, for who points at it."""
    stage, spent = part.part, part.cost
    figures = f"{spent.params:,} params, {spent.macs:,} MACs, {spent.activations:,} activations"
    maps = f"{part.size_in} -> {part.size} px, {part.width_in} -> {part.width} channels"
    if not isinstance(stage, Stage):
        return f"{part.name}: {maps}; {figures}"
    return (
        f"{part.name}: {stage.depth} x {stage.op}, {_shape(part)}, stride {stage.stride}; {maps}; {figures}"
    )
