"""The step time of a network, from a profile: the sum of its blocks and of what belongs to none. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from search.profiles import blocks
from search.profiles.blocks import Part
from search.profiles.profile import Profile
from space import Architecture, Space
from space.architecture import Stage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Prediction:
    """The time of a training step, in milliseconds of the profile's device.

    unmeasured: the part of it that is a model's estimate, since the profile has no such blocks, 0 to 1.
    """

    ms: float
    unmeasured: float

    @property
    def flagged(self) -> bool:
        """Whether a block of it was never measured."""
        return self.unmeasured > 0


class Predictor:
    """Predicts step times from `profile`, in microseconds each: what it has seen of stages it remembers."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._stages: dict[tuple[Stage, int, int], tuple[float, float, int]] = {}
        self._ends: dict[object, tuple[float, float]] = {}
        self._starts: dict[object, tuple[int, int]] = {}

    def __call__(self, architecture: Architecture) -> Prediction:
        """The step time of `architecture`, of whatever space, width and resolution."""
        ms, unmeasured = self._sum(architecture)
        return Prediction(ms, unmeasured / ms)

    def all(self, architectures: Sequence[Architecture]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The `ms` and `unmeasured` of `architectures`, as two arrays."""
        import numpy as np

        found = np.array([self._sum(architecture) for architecture in architectures]).reshape(-1, 2)
        return found[:, 0], found[:, 1] / found[:, 0]

    def range(self, space: Space) -> tuple[float, float]:
        """The shortest and the longest predicted step of all networks of `space`, in milliseconds: exact.

        A stage's time depends on those before it only through the width and size that reach it.
        """
        least: list[float] = []
        most: list[float] = []
        for frame in space.frames:
            reached = {self._start(frame): (0.0, 0.0)}
            for alternatives in space.stages:
                reached = self._beyond(reached, alternatives)
            for (width, size), (low, high) in reached.items():
                ends = self._of_ends(frame, width, size)[0]
                least.append(low + ends)
                most.append(high + ends)
        return min(least), max(most)

    def _beyond(
        self, reached: Mapping[tuple[int, int], tuple[float, float]], alternatives: Sequence[Stage]
    ) -> dict[tuple[int, int], tuple[float, float]]:
        found: dict[tuple[int, int], list[tuple[float, float]]] = {}
        for (width, size), (low, high) in reached.items():
            for stage in alternatives:
                ms, _, size_out = self._stage(stage, width, size)
                end = (stage.width if stage.depth else width, size_out)
                found.setdefault(end, []).append((low + ms, high + ms))
        return {
            end: (min(low for low, _ in sums), max(high for _, high in sums)) for end, sums in found.items()
        }

    def _sum(self, architecture: Architecture) -> tuple[float, float]:
        """Milliseconds of the whole, and of the blocks that were not measured."""
        width, size = self._start(architecture)
        total = unmeasured = 0.0
        for stage in architecture.stages:
            ms, guessed, size = self._stage(stage, width, size)
            width, total, unmeasured = stage.width, total + ms, unmeasured + guessed
        ms, guessed = self._of_ends(architecture, width, size)
        return total + ms, unmeasured + guessed

    def _stage(self, stage: Stage, width: int, size: int) -> tuple[float, float, int]:
        """Of a stage: milliseconds, those that were not measured, and the side of its output."""
        key = (stage, width, size)
        if key not in self._stages:
            (_, size_out), inside = blocks.through(stage, width, size)
            counts = (1, stage.depth - 1)
            times = [(self._block(part), count) for part, count in zip(inside, counts, strict=False)]
            ms = sum(time * count for (time, _), count in times)
            guessed = sum(time * count for (time, measured), count in times if not measured)
            self._stages[key] = (ms, guessed, size_out)
        return self._stages[key]

    def _start(self, architecture: Architecture) -> tuple[int, int]:
        """Channels and side of the stem's output."""
        key = (architecture.stem, architecture.channels, architecture.resolution)
        if key not in self._starts:
            self._starts[key] = (architecture.stem.width, blocks.stem_part(architecture).size_out)
        return self._starts[key]

    def _of_ends(self, architecture: Architecture, width: int, size: int) -> tuple[float, float]:
        """Of all that is no stage, the same."""
        frame = (architecture.resolution, architecture.stem, architecture.channels, architecture.head)
        key = (*frame, architecture.classes, width, size)
        if key not in self._ends:
            ends = (blocks.stem_part(architecture), blocks.head_part(architecture, width, size))
            times = [self._block(part) for part in ends if part.layers]
            rest = self._linear(self.profile.rest, blocks.work_of_classifier(architecture, width, size))
            guessed = sum(time for time, measured in times if not measured)
            self._ends[key] = (sum(time for time, _ in times) + rest, guessed)
        return self._ends[key]

    def _block(self, part: Part) -> tuple[float, bool]:
        """The milliseconds of a block and of its optimiser's steps, and whether it was measured."""
        measured = self.profile.blocks.get(part.key)
        ms = measured.ms if measured else self._linear(self.profile.work, blocks.work(part))
        return ms + self._linear(self.profile.rest, blocks.work_of_optimiser(part.layers)), bool(measured)

    @staticmethod
    def _linear(rates: Mapping[str, float], work: Mapping[str, float]) -> float:
        return sum(rates.get(kind, 0.0) * amount for kind, amount in work.items())
