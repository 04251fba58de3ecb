"""How many networks a space holds, and from what to what they cost, without visiting each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from space.architecture import Architecture, Stage
from space.cost.cost import Cost, head_cost, stage_cost, stem_cost
from space.cost.memory import head_saved, memory, stage_saved, stem_saved
from space.cost.table import BATCH

Alternatives = Sequence[Sequence[Stage]]
"""For each stage of a space, what it can be."""


@dataclass(frozen=True, slots=True)
class Range:
    """The smallest and the largest value of each cost in a space. The extremes may be of different networks.

    saved_activations: see `space.cost.memory.saved_activations`.
    """

    params: tuple[int, int]
    macs: tuple[int, int]
    activations: tuple[int, int]
    size: tuple[int, int]
    saved_activations: tuple[int, int]

    def bounds(self, name: str, batch: int = BATCH) -> tuple[int, int]:
        """Return bounds of the exact cost `name` in the unit of its row; for memory, of `batch` images.

        The bounds of memory may be wider than the extremes, since those of its two parts are added.
        """
        if name == "memory":
            low, high = zip(self.params, self.saved_activations, strict=True)
            return memory(*low, batch), memory(*high, batch)
        extremes: tuple[int, int] = getattr(self, name)
        return extremes


_State = tuple[int, Stage | None, int]
"""(n, block, left): inside stage n, `left` more such blocks follow; (n, None, 0): before stage n."""


def count_networks(frames: Sequence[Architecture], stages: Alternatives) -> int:
    """The number of distinct networks: for each frame (all that is not a stage) the distinct block sequences.

    Several ways to choose can give one sequence (a stage of depth 0, or two alike stages that merge), so
    sequences are counted as the words of an automaton, made deterministic on the way: what is reached by
    the blocks read so far is the set of all places in the space that they can have led to.
    """
    automaton = _Automaton(stages)
    ended, end = 0, automaton.number((len(stages), None, 0))
    words = Counter({automaton.reached((0, None, 0)): 1})
    while words:  # All of one length, by what they lead to.
        ended += sum(count for reached, count in words.items() if end in reached)
        longer: Counter[frozenset[int]] = Counter()
        for reached, count in words.items():
            for after in automaton.read(reached):
                longer[after] += count
        words = longer
    return len(frames) * ended


class _Automaton:
    """What block sequences lead to. Blocks and states go by numbers, which are faster to compare."""

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
        """`state` and what absent stages let one pass on to."""
        return frozenset(map(self.number, _skip_absent(state, self._stages)))

    def _read(self, reached: frozenset[int]) -> tuple[frozenset[int], ...]:
        """What each block that can come next leads to, from all the places that may have been reached."""
        following: dict[int, frozenset[int]] = {}
        for state in reached:
            for block, after in self._after(state).items():
                following[block] = following[block] | after if block in following else after
        return tuple(following.values())

    def _steps(self, state: int) -> dict[int, frozenset[int]]:
        """The same from one place."""
        following: dict[int, frozenset[int]] = {}
        for block, state_after in _steps(self._states[state], self._stages):
            number = self._blocks.setdefault(block, len(self._blocks))
            following[number] = following.get(number, frozenset()) | self.reached(state_after)
        return following


def _steps(state: _State, stages: Alternatives) -> Iterator[tuple[Stage, _State]]:
    """The blocks that can come next, each with the state after it."""
    number, block, left = state
    if block:
        yield block, _state(number, block, left - 1)
    elif number < len(stages):
        for stage in stages[number]:
            if stage.depth:
                first = replace(stage, depth=1)
                yield first, _state(number, replace(first, stride=1), stage.depth - 1)


def _state(number: int, block: Stage, left: int) -> _State:
    return (number, block, left) if left else (number + 1, None, 0)


def _skip_absent(state: _State, stages: Alternatives) -> Iterator[_State]:
    """`state`, and where it stands before a stage that may be absent, the state behind that."""
    yield state
    number, block, _ = state
    if not block and number < len(stages) and not all(stage.depth for stage in stages[number]):
        yield from _skip_absent((number + 1, None, 0), stages)


def cost_range(frames: Sequence[Architecture], stages: Alternatives) -> Range:
    """The exact extremes of every cost.

    What a stage costs depends on the stages before it only through the width and size that reach it, so
    the extremes are carried from stage to stage for each (width, size).
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
"""What a part of a network costs, as the fields of `Range` have it."""
_Extremes = tuple[_Figures, _Figures]
"""The least, and the most."""
_Reached = dict[tuple[int, int], _Extremes]
"""By (width, size)."""


def _extremes(reached: _Reached, alternatives: Sequence[Stage]) -> _Reached:
    found: dict[tuple[int, int], list[_Extremes]] = {}
    for (width, size), extremes in reached.items():
        for stage in alternatives:
            spent, size_out = stage_cost(stage, width, size)
            key = (stage.width, size_out) if stage.depth else (width, size)
            figures = _figures(spent, stage_saved(stage, width, size)[0])
            found.setdefault(key, []).append(_added(extremes, figures))
    return {key: _widest(several) for key, several in found.items()}


def _figures(spent: Cost, saved: int) -> _Figures:
    return spent.params, spent.macs, spent.activations, spent.size, saved


def _added(extremes: _Extremes, figures: _Figures) -> _Extremes:
    least, most = (tuple(a + b for a, b in zip(extreme, figures, strict=True)) for extreme in extremes)
    return least, most


def _widest(several: Sequence[_Extremes]) -> _Extremes:
    least, most = zip(*several, strict=True)
    return tuple(map(min, zip(*least, strict=True))), tuple(map(max, zip(*most, strict=True)))
