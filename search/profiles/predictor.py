"""Step time or latency of a network, predicted as the sum of the times of its blocks and other layers.

This module does not import torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from search.profiles import blocks
from search.profiles.blocks import PlacedBlock
from search.profiles.profile import Profile
from space import Architecture, Space
from space.architecture import Stage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Prediction:
    """The predicted time of a training step or an inference on the profile's device.

    ms: the time in milliseconds. unmeasured: the share of the time, 0 to 1, that a model estimates for blocks that
    the profile lacks.
    """

    ms: float
    unmeasured: float

    @property
    def flagged(self) -> bool:
        """True if any block of the network was never measured."""
        return self.unmeasured > 0


class Predictor:
    """A predictor of times from `profile`. It caches stages, so that a prediction takes microseconds."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._stages: dict[tuple[Stage, int, int], tuple[float, float, int]] = {}
        self._ends: dict[object, tuple[float, float]] = {}
        self._starts: dict[object, tuple[int, int]] = {}

    def __call__(self, architecture: Architecture) -> Prediction:
        """Predict the time of `architecture`, of any space, width and resolution."""
        ms, unmeasured = self._sum(architecture)
        return Prediction(ms, unmeasured / ms)

    def all(self, architectures: Sequence[Architecture]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return two arrays: the `ms` and the `unmeasured` of the predictions for `architectures`."""
        import numpy as np

        times = np.array([self._sum(architecture) for architecture in architectures]).reshape(-1, 2)
        return times[:, 0], times[:, 1] / times[:, 0]

    def range(self, space: Space) -> tuple[float, float]:
        """Return the exact shortest and longest predicted time of all networks of `space`, in milliseconds.

        A stage's time depends on earlier stages only through the width and size of its input.
        """
        shortest: list[float] = []
        longest: list[float] = []
        for frame in space.frames:
            reached = {self._start(frame): (0.0, 0.0)}
            for alternatives in space.stages:
                reached = self._beyond(reached, alternatives)
            for (width, size), (low, high) in reached.items():
                ends = self._of_ends(frame, width, size)[0]
                shortest.append(low + ends)
                longest.append(high + ends)
        return min(shortest), max(longest)

    def _beyond(
        self, reached: Mapping[tuple[int, int], tuple[float, float]], alternatives: Sequence[Stage]
    ) -> dict[tuple[int, int], tuple[float, float]]:
        """Return the shortest and longest time up to the end of the next stage, by the (width, size) of its output.

        reached: the same for the stage before. alternatives: the stages that can come next.
        """
        sums: dict[tuple[int, int], list[tuple[float, float]]] = {}
        for (width, size), (low, high) in reached.items():
            for stage in alternatives:
                ms, _, size_out = self._stage(stage, width, size)
                end = (stage.width if stage.depth else width, size_out)
                sums.setdefault(end, []).append((low + ms, high + ms))
        return {end: (min(low for low, _ in own), max(high for _, high in own)) for end, own in sums.items()}

    def _sum(self, architecture: Architecture) -> tuple[float, float]:
        """Return the milliseconds of the whole network, and of its blocks that were not measured."""
        width, size = self._start(architecture)
        total = unmeasured = 0.0
        for stage in architecture.stages:
            ms, guessed, size = self._stage(stage, width, size)
            width, total, unmeasured = stage.width, total + ms, unmeasured + guessed
        ms, guessed = self._of_ends(architecture, width, size)
        return total + ms, unmeasured + guessed

    def _stage(self, stage: Stage, width: int, size: int) -> tuple[float, float, int]:
        """Return the milliseconds of a stage, of its unmeasured blocks, and the side of its output in pixels."""
        key = (stage, width, size)
        if key not in self._stages:
            (_, size_out), inside = blocks.through(stage, width, size)
            times = [(self._block(part), count) for part, count in inside]
            ms = sum(time * count for (time, _), count in times)
            guessed = sum(time * count for (time, measured), count in times if not measured)
            self._stages[key] = (ms, guessed, size_out)
        return self._stages[key]

    def _start(self, architecture: Architecture) -> tuple[int, int]:
        """Return the channels and the side of the stem's output."""
        key = (architecture.stem, architecture.channels, architecture.resolution)
        if key not in self._starts:
            self._starts[key] = (architecture.stem.width, blocks.stem_part(architecture).size_out)
        return self._starts[key]

    def _of_ends(self, architecture: Architecture, width: int, size: int) -> tuple[float, float]:
        """Return the milliseconds of all layers outside the stages, and the milliseconds of those not measured."""
        frame = (architecture.resolution, architecture.stem, architecture.channels, architecture.head)
        key = (*frame, architecture.classes, width, size)
        if key not in self._ends:
            ends = (blocks.stem_part(architecture), blocks.head_part(architecture, width, size))
            times = [self._block(part) for part in ends if part.layers]
            rest = self._linear(
                self.profile.rest, blocks.work_of_classifier(architecture, width, size, self.profile.cost)
            )
            guessed = sum(time for time, measured in times if not measured)
            self._ends[key] = (sum(time for time, _ in times) + rest, guessed)
        return self._ends[key]

    def _block(self, part: PlacedBlock) -> tuple[float, bool]:
        """Return the milliseconds of a block, with its optimizer step in a training, and True if it was measured."""
        measured = self.profile.blocks.get(part.key)
        ms = measured.ms if measured else self._linear(self.profile.work, blocks.work(part))
        if self.profile.cost == "step":
            ms += self._linear(self.profile.rest, blocks.work_of_optimizer(part.layers))
        return ms, bool(measured)

    @staticmethod
    def _linear(rates: Mapping[str, float], work: Mapping[str, float]) -> float:
        return sum(rates.get(kind, 0.0) * amount for kind, amount in work.items())
