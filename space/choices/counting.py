"""The number of networks in a space and the ranges of their costs, computed without visiting each network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from space.architecture import Architecture, Stage, canonical_block
from space.cost.cost import Cost, head_cost, stage_cost, stem_cost
from space.cost.memory import head_saved, memory, stage_saved, stem_saved
from space.cost.table import BATCH

Alternatives = Sequence[Sequence[Stage]]
"""The alternatives of each stage of a space."""


@dataclass(frozen=True, slots=True)
class Range:
    """The (smallest, largest) value of each cost in a space. Different costs can be extreme in different networks.

    saved_activations: see `space.cost.memory.saved_activations`.
    """

    params: tuple[int, int]
    macs: tuple[int, int]
    activations: tuple[int, int]
    size: tuple[int, int]
    saved_activations: tuple[int, int]

    def bounds(self, name: str, batch: int = BATCH) -> tuple[int, int]:
        """Return (lower, upper) bounds of the cost `name`: a field, or "memory" for the bytes in training.

        batch: the number of images, for memory. The bounds of memory may be wider than its extremes, since the
        extremes of parameters and saved activations are added.
        """
        if name == "memory":
            low, high = zip(self.params, self.saved_activations, strict=True)
            return memory(*low, batch), memory(*high, batch)
        extremes: tuple[int, int] = getattr(self, name)
        return extremes


_State = tuple[int, Stage | None, int, int]
"""A position in a sequence of stages. (n, block, left, width) is in stage n, before `left` more copies of `block`.
(n, None, 0, width) is before stage n. width: the number of channels at this position."""


def count_networks(frames: Sequence[Architecture], stages: Alternatives) -> int:
    """Return the number of distinct networks: the number of distinct sequences of blocks, summed over `frames`.

    frames: the distinct alternatives of everything but the stages. Several choices can give one sequence (a stage of
    depth 0, two equal stages that merge, or a `skip` without effect). Therefore the sequences are counted as the
    words of an automaton, which is made deterministic on the way: its state is the set of all positions (`_State`)
    that the blocks read so far can lead to.
    """
    automaton, ended = _Automaton(stages), 0
    # The number of words of one length by the state that they reach. Frames of equal stem width share their states.
    words: Counter[frozenset[int]] = Counter()
    for frame in frames:
        words[automaton.reached((0, None, 0, frame.stem.width))] += 1
    while words:
        longer: Counter[frozenset[int]] = Counter()
        for reached, count in words.items():
            ended += count * automaton.ends(reached)
            for after in automaton.read(reached):
                longer[after] += count
        words = longer
    return ended


class _Automaton:
    """The automaton that reads sequences of blocks. Blocks and positions are numbered, as numbers compare faster."""

    def __init__(self, stages: Alternatives) -> None:
        self._stages = stages
        self._blocks: dict[Stage, int] = {}
        self._numbers: dict[_State, int] = {}
        self._states: list[_State] = []
        self.read, self._after = cache(self._read), cache(self._steps)

    def number(self, state: _State) -> int:
        if state not in self._numbers:
            self._numbers[state] = len(self._states)
            self._states.append(state)
        return self._numbers[state]

    def reached(self, state: _State) -> frozenset[int]:
        """Return the numbers of `state` and of all states reached from it by leaving out stages of depth 0."""
        return frozenset(map(self.number, _skip_absent(state, self._stages)))

    def ends(self, reached: frozenset[int]) -> bool:
        """Return True if one of the states in `reached` is after the last stage."""
        return any(self._states[state][0] == len(self._stages) for state in reached)

    def _read(self, reached: frozenset[int]) -> tuple[frozenset[int], ...]:
        """Return, for each block that can follow a state in `reached`, the set of states after it."""
        following: dict[int, frozenset[int]] = {}
        for state in reached:
            for block, after in self._after(state).items():
                following[block] = following[block] | after if block in following else after
        return tuple(following.values())

    def _steps(self, state: int) -> dict[int, frozenset[int]]:
        """Return a mapping of each block that can follow `state` to the set of states after it."""
        following: dict[int, frozenset[int]] = {}
        for block, state_after in _steps(self._states[state], self._stages):
            number = self._blocks.setdefault(block, len(self._blocks))
            following[number] = following.get(number, frozenset()) | self.reached(state_after)
        return following


def _steps(state: _State, stages: Alternatives) -> Iterator[tuple[Stage, _State]]:
    """Yield (block, state after it) for every block that can follow `state`."""
    number, block, left, width = state
    if block:
        yield block, _state(number, block, left - 1)
    elif number < len(stages):
        for stage in stages[number]:
            if stage.depth:
                first = replace(stage, depth=1)
                after = _state(number, replace(first, stride=1), stage.depth - 1)
                yield canonical_block(first, width), after


def _state(number: int, block: Stage, left: int) -> _State:
    return (number, block, left, block.width) if left else (number + 1, None, 0, block.width)


def _skip_absent(state: _State, stages: Alternatives) -> Iterator[_State]:
    """Yield `state` and, if the next stage may be absent, the states that follow without it."""
    yield state
    number, block, _, width = state
    if not block and number < len(stages) and not all(stage.depth for stage in stages[number]):
        yield from _skip_absent((number + 1, None, 0, width), stages)


def cost_range(frames: Sequence[Architecture], stages: Alternatives) -> Range:
    """Return the exact extremes of every cost over the networks of all frames and stage alternatives.

    The cost of a stage depends on the stages before it only through the width and size of its input. Therefore the
    extremes up to a stage are kept for each (width, size) of its output. Raises `UserError` if the images are too
    small for one of the networks, or one of its blocks has too few channels.
    """
    ended: list[_Extremes] = []
    for frame in frames:
        stem, size = stem_cost(frame.stem, frame.channels, frame.resolution)
        spent = _figures(stem, stem_saved(frame.stem, frame.channels, frame.resolution)[0])
        reached = {(frame.stem.width, size): (spent, spent)}
        for alternatives in stages:
            reached = _extremes(reached, alternatives)
        for (width, size), extremes in reached.items():
            head = head_cost(frame.head, width, frame.classes, size)
            saved = head_saved(frame.head, width, frame.classes, size)
            ended.append(_added(extremes, _figures(head, saved)))
    return Range(*zip(*_widest(ended), strict=True))


_Figures = tuple[int, ...]
"""The costs of a part of a network, in the order of the fields of `Range`."""
_Extremes = tuple[_Figures, _Figures]
"""The minimum and the maximum of each cost."""
_Reached = dict[tuple[int, int], _Extremes]
"""A mapping of the (width, size) of a map to the extremes of the costs up to it."""


def _extremes(reached: _Reached, alternatives: Sequence[Stage]) -> _Reached:
    collected: dict[tuple[int, int], list[_Extremes]] = {}
    for (width, size), extremes in reached.items():
        for stage in alternatives:
            spent, size_out = stage_cost(stage, width, size)
            key = (stage.width, size_out) if stage.depth else (width, size)
            figures = _figures(spent, stage_saved(stage, width, size)[0])
            collected.setdefault(key, []).append(_added(extremes, figures))
    return {key: _widest(several) for key, several in collected.items()}


def _figures(spent: Cost, saved: int) -> _Figures:
    return spent.params, spent.macs, spent.activations, spent.size, saved


def _added(extremes: _Extremes, figures: _Figures) -> _Extremes:
    low, high = (tuple(a + b for a, b in zip(extreme, figures, strict=True)) for extreme in extremes)
    return low, high


def _widest(several: Sequence[_Extremes]) -> _Extremes:
    lows, highs = zip(*several, strict=True)
    return tuple(map(min, zip(*lows, strict=True))), tuple(map(max, zip(*highs, strict=True)))
