"""The compromises that a search found: which trials nothing beats in everything, and how the front moved on."""

from __future__ import annotations

import math
from collections.abc import Sequence

from search.stats.pareto import Objectives, front, hypervolume
from search.trials.trial import RANKED, Trial

_STEPS = 6
"""Moments of a run at which its front is told, if not otherwise asked."""


def on_front(trials: Sequence[Trial]) -> list[Trial]:
    """The trials with a result that no other beats in accuracy and in every cost of the reward, by accuracy."""
    found = _scored(trials)
    kept = [found[index] for index in front([_objectives(trial) for trial in found])]
    return sorted(kept, key=lambda trial: _objectives(trial))


def growth(trials: Sequence[Trial], steps: int = _STEPS) -> list[tuple[int, float]]:
    """How the front moved on: the number of trials finished by some moments, and the hypervolume then.

    0 to 1: the part of the box between the best and the worst that the run has seen of each objective, costs on
    a logarithmic scale. It says how a run went on, and does not compare runs.
    """
    found = sorted(_scored(trials), key=lambda trial: (trial.finished_at or 0.0, trial.number))
    if not found:
        return []
    points = [_objectives(trial) for trial in found]
    least, most = ([pick(values) for values in zip(*points, strict=True)] for pick in (min, max))
    # What all have alike is no objective.
    varied = [place for place, (low, high) in enumerate(zip(least, most, strict=True)) if high > low]
    if not varied:
        return [(len(found), 1.0)]
    unit = [tuple((point[p] - least[p]) / (most[p] - least[p]) for p in varied) for point in points]
    moments = sorted({max(1, round(len(found) * step / steps)) for step in range(1, steps + 1)})
    return [(count, hypervolume(unit[:count], (1.0,) * len(varied))) for count in moments]


def _scored(trials: Sequence[Trial]) -> list[Trial]:
    return [trial for trial in trials if trial.state in RANKED and trial.terms]


def _objectives(trial: Trial) -> Objectives:
    assert trial.terms
    error, *costs = trial.terms.objectives
    return error, *map(math.log, costs)
