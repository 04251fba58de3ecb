"""How far a run is, and how long it will take."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search.pruners.gate import RungGate
from search.pruners.rungs import RemainingWork
from search.settings.run_settings import RunSettings
from search.trials.finals import OFF, Finals, agenda
from search.trials.trial import Trial, best
from space import Architecture


@dataclass(frozen=True, slots=True)
class Status:
    """A run at one moment.

    running: the trials at work, each with the epochs behind it. running_finals: the same of trainings with fresh seeds;
    finals: of these, how many are over and how many there are to be, None before they have begun. rungs: what the
    first trials say of shorter trainings, None where none are asked. pruned: trials that rest after one.
    seconds: worked so far; left: an estimate until the end, None if unknown. why_stopped: what ended the run before
    its time, "" if nothing did; exhausted: it was that nothing is left that is worth training.
    """

    complete: int
    failed: int
    duplicate: int
    imported: int
    total: int | None
    running: tuple[tuple[Trial, int], ...]
    best: Trial | None
    seconds: float
    left: float | None
    why_stopped: str
    exhausted: bool
    running_finals: tuple[tuple[Trial, int], ...] = ()
    finals: tuple[int, int] | None = None
    pruned: int = 0
    rungs: RungGate | None = None

    @classmethod
    def of(cls, trials: Sequence[Trial], epochs: Mapping[int, int], **rest: Any) -> Status:
        """The status of a search with these trials. epochs: behind each that runs, by number. rest: other fields."""
        states = Counter(trial.state for trial in trials)
        return cls(
            complete=states["complete"],
            failed=states["failed"],
            pruned=states["pruned"],
            duplicate=states["duplicate"],
            imported=states["imported"],
            running=tuple((t, epochs.get(t.number, 0)) for t in trials if t.state == "running"),
            best=best(trials),
            **rest,
        )


def tried(network: Architecture | None, trials: Sequence[Trial]) -> bool:
    """Whether `network` is that of a trial."""
    return any(trial.architecture == network for trial in trials)


def typical(trials: Sequence[Trial]) -> float | None:
    """Seconds of a trial, in the median; None before the first."""
    spent = [trial.result.seconds for trial in trials if trial.result and trial.state == "complete"]
    return statistics.median(spent) if spent else None


def late(
    trials: Sequence[Trial],
    budget: float | None,
    seconds: float,
    finals: Finals = OFF,
    parallel: int = 1,
    base: Architecture | None = None,
) -> bool:
    """Whether a training that begins after so many seconds, and these finals after it, would not end in time.

    The finals are those of all trials that will be complete by then: with it and with what runs now.
    """
    if budget is None:
        return False
    states = Counter(trial.state for trial in trials)
    complete = states["complete"] + states["running"] + 1
    kept = finals.trainings(complete, tried(base, trials), states["imported"])
    return seconds + (typical(trials) or 0.0) * (1 + math.ceil(kept / parallel)) > budget


def left(
    trials: Sequence[Trial],
    finals: Finals,
    settings: RunSettings,
    ahead: RemainingWork | None,
    seconds: float,
    parallel: int,
    base: Architecture,
) -> float | None:
    """Seconds to the end: by the trainings that are missing or by the budget, whichever is reached first.

    ahead: what the search has before it; None where no number of trials ends it.
    """
    each = typical(trials)
    ends = [] if settings.budget is None else [max(0.0, settings.budget - seconds)]
    if ahead and each is not None:
        if ahead.work:
            earlier = sum(trial.state == "imported" for trial in trials)
            again = finals.trainings(ahead.complete, tried(base, trials), earlier)
        else:
            again = agenda(trials, finals, settings.seed, base).left
        ends.append(each * (math.ceil(ahead.work / parallel) + math.ceil(again / parallel)))
    return min(ends, default=None)
