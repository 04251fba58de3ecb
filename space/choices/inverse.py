"""Where a network stands in a space: the inverse of `Space.at`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import TypeVar

from space.architecture import Architecture, Stage

Chosen = dict[int, int]
"""The options of some choices of a space: index of the choice -> index of the option."""
T = TypeVar("T")
Settled = tuple[Chosen, T]
"""What a part of a space is when those are chosen."""


def find(
    architecture: Architecture,
    frames: Iterable[Settled[Architecture]],
    stages: Sequence[Sequence[Settled[Stage]]],
) -> Chosen | None:
    """What to choose to get `architecture`, None if nothing gives it.

    frames: all that is not a stage, around the stages of `architecture`. stages: what each stage of the space can
    be; one of depth 0 is absent, and two alike that follow one another are one, so stages of the space are laid
    along the blocks of the network and not along its stages.
    """
    frame = next((chosen for chosen, frame in frames if frame == architecture), None)
    blocks = [block for stage in architecture.stages for block in _blocks(stage)]

    @cache
    def laid(number: int, reached: int) -> tuple[Chosen, ...] | None:
        """What to choose from stage `number` on to get the blocks from `reached` on."""
        if number == len(stages):
            return () if reached == len(blocks) else None
        for chosen, stage in stages[number]:
            end = reached + stage.depth
            if blocks[reached:end] == _blocks(stage):
                rest = laid(number + 1, end)
                if rest is not None:
                    return (chosen, *rest)
        return None

    found = None if frame is None else laid(0, 0)
    if found is None or frame is None:
        return None
    return {choice: option for chosen in (frame, *found) for choice, option in chosen.items()}


def _blocks(stage: Stage) -> list[Stage]:
    """The blocks of a stage, each as a stage of depth 1."""
    first = replace(stage, depth=1)
    return [first, *[replace(first, stride=1)] * (stage.depth - 1)] if stage.depth else []
