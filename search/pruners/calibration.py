"""What a short training lets expect of the whole one, by the networks that had both."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from search.samplers.base import Partial
from search.trials.trial import Rung, Trial

FEWEST = 8
"""Networks that had both, below which nothing is expected."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A straight line from the reward at a rung to that of the whole training, of logarithms where all are positive.

    deviation: of single networks from the line, training noise of both included.
    """

    slope: float
    intercept: float
    deviation: float
    logarithms: bool

    @classmethod
    def of(cls, pairs: Sequence[tuple[float, float]]) -> Calibration | None:
        """By least squares; None for too few networks, or where all did equally well at the rung."""
        if len(pairs) < FEWEST:
            return None
        logarithms = all(min(pair) > 0 for pair in pairs)
        short, whole = zip(*([*map(math.log, pair)] if logarithms else pair for pair in pairs), strict=True)
        try:
            slope, intercept = statistics.linear_regression(short, whole)
        except statistics.StatisticsError:
            return None
        squares = ((y - intercept - slope * x) ** 2 for x, y in zip(short, whole, strict=True))
        deviation = math.sqrt(math.fsum(squares) / (len(pairs) - 2))
        return cls(slope, intercept, deviation, logarithms)

    def __call__(self, rung: Rung) -> Partial:
        """What is expected of a network with this result."""
        seen, epochs = rung.terms.reward, rung.result.epochs
        if not self.logarithms:
            return Partial(epochs, seen, self.intercept + self.slope * seen, self.deviation)
        if seen <= 0:
            return Partial(epochs, seen)
        expected = math.exp(self.intercept + self.slope * math.log(seen))
        return Partial(epochs, seen, expected, expected * self.deviation)


def expectations(trials: Sequence[Trial]) -> dict[int, Partial]:
    """By number, what the longest training so far told of each trial that had a shorter one and is not over."""
    climbing = [trial for trial in trials if trial.rungs and trial.state in ("pruned", "running", "waiting")]
    if not climbing:
        return {}
    pairs: dict[int, list[tuple[float, float]]] = {}
    for trial in trials:
        if trial.state == "complete" and trial.terms:
            for rung in trial.rungs:
                pairs.setdefault(rung.result.epochs, []).append((rung.terms.reward, trial.terms.reward))
    lines = {epochs: Calibration.of(own) for epochs, own in pairs.items()}
    found: dict[int, Partial] = {}
    for trial in climbing:
        rung = trial.rungs[-1]
        line = lines.get(rung.result.epochs)
        found[trial.number] = line(rung) if line else Partial(rung.result.epochs, rung.terms.reward)
    return found
