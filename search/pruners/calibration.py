"""The prediction of the reward after the full training from the reward after a shorter one.

It is calibrated on the networks that had both trainings.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from search.samplers.base import Partial
from search.trials.trial import Rung, Trial

MIN_NETWORKS = 8
"""The number of networks with both trainings below which no reward is predicted."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A straight line from the reward at a rung to the reward after the full training.

    If all rewards are positive, the line is between their logarithms (`logarithms` is True). std: the standard
    deviation of single networks around the line, which includes the noise of both trainings.
    """

    slope: float
    intercept: float
    std: float
    logarithms: bool

    @classmethod
    def of(cls, pairs: Sequence[tuple[float, float]]) -> Calibration | None:
        """Return the line through pairs (reward at the rung, reward after the full training), by least squares.

        Returns None if there are too few networks or all had the same reward at the rung.
        """
        if len(pairs) < MIN_NETWORKS:
            return None
        logarithms = all(min(pair) > 0 for pair in pairs)
        short, full = zip(*([*map(math.log, pair)] if logarithms else pair for pair in pairs), strict=True)
        try:
            slope, intercept = statistics.linear_regression(short, full)
        except statistics.StatisticsError:
            return None
        squares = ((y - intercept - slope * x) ** 2 for x, y in zip(short, full, strict=True))
        std = math.sqrt(math.fsum(squares) / (len(pairs) - 2))
        return cls(slope, intercept, std, logarithms)

    def __call__(self, rung: Rung) -> Partial:
        """Return the result at `rung` with the predicted reward after the full training.

        The prediction is missing if the line is between logarithms and the reward is not positive.
        """
        reward, epochs = rung.terms.reward, rung.result.epochs
        if not self.logarithms:
            return Partial(epochs, reward, self.intercept + self.slope * reward, self.std)
        if reward <= 0:
            return Partial(epochs, reward)
        expected = math.exp(self.intercept + self.slope * math.log(reward))
        return Partial(epochs, reward, expected, expected * self.std)


def expectations(trials: Sequence[Trial]) -> dict[int, Partial]:
    """Return the longest low-fidelity training of each incomplete trial, with its prediction if any, by trial number.

    Failed trials and those without such a training are left out.
    """
    climbing = [trial for trial in trials if trial.rungs and trial.state in ("pruned", "running", "waiting")]
    if not climbing:
        return {}
    pairs: dict[int, list[tuple[float, float]]] = {}
    for trial in trials:
        if trial.state == "complete" and trial.terms:
            for rung in trial.rungs:
                pairs.setdefault(rung.result.epochs, []).append((rung.terms.reward, trial.terms.reward))
    lines = {epochs: Calibration.of(rewards) for epochs, rewards in pairs.items()}
    partials: dict[int, Partial] = {}
    for trial in climbing:
        rung = trial.rungs[-1]
        line = lines.get(rung.result.epochs)
        partials[trial.number] = line(rung) if line else Partial(rung.result.epochs, rung.terms.reward)
    return partials
