"""The inverse of `Space.at`: the options that give a network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import TypeVar

from space.architecture import Architecture, Stage, canonical_block

Chosen = dict[int, int]
"""The options of some choices of a space: a mapping of the index of a choice to the index of its option."""
T = TypeVar("T")
Settled = tuple[Chosen, T]
"""A part of a space with the options that give it."""


def find(
    architecture: Architecture,
    frames: Iterable[Settled[Architecture]],
    stages: Sequence[Sequence[Settled[Stage]]],
) -> Chosen | None:
    """Return the options that give `architecture`, or None if there are none.

    frames: the alternatives of everything but the stages, each with the stages of `architecture`. stages: the
    alternatives of each stage of the space. An architecture drops stages of depth 0 and merges equal stages in
    sequence, so the stages of the space are matched with its blocks and not with its stages.
    """
    frame = next((chosen for chosen, frame in frames if frame == architecture), None)
    entry = architecture.stem.width
    blocks = blocks_of(architecture.stages, entry)

    @cache
    def match(number: int, reached: int) -> tuple[Chosen, ...] | None:
        """Return options for the stages from index `number` on that give exactly the blocks from index `reached` on.

        Returns None if there are none.
        """
        if number == len(stages):
            return () if reached == len(blocks) else None
        width_in = blocks[reached - 1].width if reached else entry
        for chosen, stage in stages[number]:
            end = reached + stage.depth
            if blocks[reached:end] == blocks_of([stage], width_in):
                rest = match(number + 1, end)
                if rest is not None:
                    return (chosen, *rest)
        return None

    stage_options = None if frame is None else match(0, 0)
    if stage_options is None or frame is None:
        return None
    return {choice: option for chosen in (frame, *stage_options) for choice, option in chosen.items()}


def blocks_of(stages: Iterable[Stage], width_in: int) -> list[Stage]:
    """Return the blocks of `stages`, the first of which reads `width_in` channels, each as a stage of depth 1.

    `skip` is True where it has no effect, so that equal sequences of blocks have equal lists.
    """
    blocks: list[Stage] = []
    for stage in stages:
        if stage.depth:
            first = replace(stage, depth=1)
            blocks += [canonical_block(first, width_in), *[replace(first, stride=1)] * (stage.depth - 1)]
            width_in = stage.width
    return blocks
