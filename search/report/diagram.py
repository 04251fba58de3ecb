"""Diagrams of networks: one box for each stage, whose height shows the depth and whose width the channels."""

from __future__ import annotations

import math
from dataclasses import dataclass

from search.report.palette import GREY, colour
from search.tables.units import si
from space import Architecture, Stage, cost, parts
from space.blocks import BLOCKS
from space.cost.cost import Part

WIDTH = 190
"""The width of the widest box, in units of the drawing. The texts next to the boxes take as much again."""
_MIN_WIDTH = 60
"""The width that the text in a box needs."""
_HEIGHT, _BLOCK, _GAP = 24.0, 7.0, 5.0
"""The height of a box with one block, the height that each further block adds, and the gap between boxes."""


@dataclass(frozen=True, slots=True)
class Box:
    """The box of a part of the network, in units of the drawing.

    colour: an index in the palette, equal for all stages of the same kind of block. inside: the text in the box.
    beside, further: the two lines next to the box. tooltip: all figures of the part.
    """

    top: float
    height: float
    width: float
    colour: int
    inside: str
    beside: str
    further: str
    tooltip: str


@dataclass(frozen=True, slots=True)
class Diagram:
    """A diagram of a network. height: the height of the drawing, in the units of its boxes."""

    title: str
    subtitle: str
    boxes: tuple[Box, ...]
    height: float
    architecture: str


def diagram(title: str, architecture: Architecture) -> Diagram:
    """Return the diagram of a network with its exact costs."""
    every = parts(architecture)
    total = cost(architecture)
    widest = max(part.width for part in every)
    boxes: list[Box] = []
    top = 0.0
    for part in every:
        height = _HEIGHT + _BLOCK * ((part.part.depth if isinstance(part.part, Stage) else 1) - 1)
        width = _MIN_WIDTH + (WIDTH - _MIN_WIDTH) * math.sqrt(part.width / widest)
        share = part.cost.macs / total.macs if total.macs else 0.0
        beside = f"{part.size} px, {part.width} ch, {share:.0%} of MACs"
        boxes.append(
            Box(top, height, width, _colour(part), _inside(part), _shape(part), beside, _tooltip(part))
        )
        top += height + _GAP
    subtitle = (
        f"{si(total.params)} params, {si(total.macs)} MACs, {si(total.activations)} activations, "
        f"{architecture.resolution} px, {architecture.depth} blocks"
    )
    return Diagram(title, subtitle, tuple(boxes), top, str(architecture))


def _colour(part: Part) -> int:
    return colour(list(BLOCKS).index(part.part.op)) if isinstance(part.part, Stage) else GREY


def _inside(part: Part) -> str:
    stage = part.part
    return f"{stage.depth} x {stage.op}" if isinstance(stage, Stage) else part.name


def _shape(part: Part) -> str:
    """Return the kernel, expansion and squeeze-excitation of a stage in words; "" for the stem and the head."""
    stage = part.part
    if not isinstance(stage, Stage):
        return ""
    squeezed = f", se {stage.se:g}" if stage.se else ""
    return f"kernel {stage.kernel}, expand {stage.expand:g}{squeezed}"


def _tooltip(part: Part) -> str:
    """Return a text on the shape and the costs of a stage, the stem or the head, which its box shows on hovering."""
    stage, spent = part.part, part.cost
    figures = f"{spent.params:,} params, {spent.macs:,} MACs, {spent.activations:,} activations"
    maps = f"{part.size_in} -> {part.size} px, {part.width_in} -> {part.width} channels"
    if not isinstance(stage, Stage):
        return f"{part.name}: {maps}; {figures}"
    return (
        f"{part.name}: {stage.depth} x {stage.op}, {_shape(part)}, stride {stage.stride}; {maps}; {figures}"
    )
