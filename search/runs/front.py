"""The Pareto front of a search: the trials that no other beats in all objectives, and its growth over the trials."""

from __future__ import annotations

import math
from collections.abc import Sequence

from search.stats.pareto import Objectives, front, hypervolume
from search.trials.trial import RANKED, Trial

_STEPS = 6
"""The default number of moments at which the growth of the front is given."""


def on_front(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials on the Pareto front of accuracy and the costs of the reward, the most accurate first."""
    scored = _scored(trials)
    front_trials = [scored[index] for index in front([_objectives(trial) for trial in scored])]
    return sorted(front_trials, key=lambda trial: _objectives(trial))


def growth(trials: Sequence[Trial], steps: int = _STEPS) -> list[tuple[int, float]]:
    """Return pairs of a number of finished trials and the hypervolume of their front, at up to `steps` moments.

    The hypervolume is the share (0 to 1) that the front dominates of the box between the best and the worst values of
    the run, with costs on a logarithmic scale. It shows the progress of one run, and cannot compare runs. Without
    finished trials the list is empty.
    """
    finished = sorted(_scored(trials), key=lambda trial: (trial.finished_at or 0.0, trial.number))
    if not finished:
        return []
    points = [_objectives(trial) for trial in finished]
    lowest, highest = ([pick(values) for values in zip(*points, strict=True)] for pick in (min, max))
    # An objective that is the same for all trials would have a box of width 0.
    varied = [place for place, (low, high) in enumerate(zip(lowest, highest, strict=True)) if high > low]
    if not varied:
        return [(len(finished), 1.0)]
    unit = [tuple((point[p] - lowest[p]) / (highest[p] - lowest[p]) for p in varied) for point in points]
    moments = sorted({max(1, round(len(finished) * step / steps)) for step in range(1, steps + 1)})
    return [(count, hypervolume(unit[:count], (1.0,) * len(varied))) for count in moments]


def _scored(trials: Sequence[Trial]) -> list[Trial]:
    return [trial for trial in trials if trial.state in RANKED and trial.terms]


def _objectives(trial: Trial) -> Objectives:
    assert trial.terms
    error, *costs = trial.terms.objectives
    return error, *map(math.log, costs)
