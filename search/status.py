"""How far a run is, and how long it will take."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from search.finals import OFF, Finals, agenda
from search.limits import Limits
from search.trial import Trial


@dataclass(frozen=True, slots=True)
class Status:
    """A run at one moment.

    running: the trials at work, each with the epochs behind it. again: the same of trainings with fresh seeds;
    finals: of these, how many are over and how many there are to be, None before they have begun. seconds: worked
    so far; left: an estimate until the end, None if unknown. why_stopped: what ended the run before its time, ""
    if nothing did; exhausted: it was that nothing is left that is worth training.
    """

    complete: int
    failed: int
    duplicate: int
    earlier: int
    total: int | None
    running: tuple[tuple[Trial, int], ...]
    best: Trial | None
    seconds: float
    left: float | None
    why_stopped: str
    exhausted: bool
    again: tuple[tuple[Trial, int], ...] = ()
    finals: tuple[int, int] | None = None


def typical(trials: Sequence[Trial]) -> float | None:
    """Seconds of a trial, in the median; None before the first."""
    spent = [trial.result.seconds for trial in trials if trial.result and trial.state == "complete"]
    return statistics.median(spent) if spent else None


def late(
    trials: Sequence[Trial], budget: float | None, seconds: float, finals: Finals = OFF, parallel: int = 1
) -> bool:
    """Whether a training that begins after so many seconds, and these finals after it, would not end in time."""
    if budget is None:
        return False
    kept = finals.trainings(sum(trial.state == "complete" for trial in trials))
    return seconds + (typical(trials) or 0.0) * (1 + math.ceil(kept / parallel)) > budget


def left(
    trials: Sequence[Trial], finals: Finals, limits: Limits, total: int | None, seconds: float, parallel: int
) -> float | None:
    """Seconds to the end: by the trainings that are missing or by the budget, whichever is reached first."""
    each = typical(trials)
    ends = [] if limits.budget is None else [max(0.0, limits.budget - seconds)]
    if total is not None and each is not None:
        finished = sum(trial.state in ("complete", "failed") for trial in trials)
        again = finals.trainings(total) if finished < total else agenda(trials, finals, limits.seed).left
        ends.append(each * (math.ceil(max(0, total - finished) / parallel) + math.ceil(again / parallel)))
    return min(ends, default=None)
