"""The progress of a run, and the time it still needs."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from search.config import Config
from search.pruners.gate import RungGate
from search.pruners.rungs import NOT_TRAINED_HERE, remaining_work
from search.trials.finals import OFF, Finals, agenda
from search.trials.trial import Trial, best
from space import Architecture


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a run at one moment.

    running: the trials that are being trained, each with its number of finished epochs. running_finals: the final
    trainings that are running, each with its number of finished epochs. finals: the number of final trainings that
    are over and the number of all, None before they begin. rungs: the decision of the pilot trials about shorter
    trainings, None without pilot trials. pruned: the number of trials that were only trained for a rung below
    the last. seconds: the seconds worked so far. left: the estimated seconds to the end, None if unknown.
    why_stopped: the reason why the run stopped before its end, "" if it did not. exhausted: True if it stopped
    because no network is left that is worth training.
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
    goals: Mapping[int, int] = field(default_factory=dict)
    """The epochs of the current training of each running trial, by number."""

    @property
    def finished(self) -> int:
        """The number of trials that are over, see `search.runs.run.Run.finished`."""
        return self.complete + self.failed + self.pruned

    @classmethod
    def of(cls, trials: Sequence[Trial], epochs: Mapping[int, int], **rest: Any) -> Status:
        """Return the status of a search.

        epochs: the finished epochs of each running trial, by number. rest: the other fields.
        """
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
    """Return True if `network` is the network of one of the trials."""
    return any(trial.architecture == network for trial in trials)


def typical(trials: Sequence[Trial]) -> float | None:
    """Return the median seconds of the complete trials, None before the first."""
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
    """Return True if a training that begins now, and the finals after it, would end after the budget.

    budget: the largest number of seconds of work on the run, None for no limit. seconds: the seconds worked so far.
    parallel: the number of trainings at a time. base: the base network, which is in the finals if it is a trial. The
    finals are sized for all trials that will be complete by then, including the new one and the running ones.
    """
    if budget is None:
        return False
    states = Counter(trial.state for trial in trials)
    complete = states["complete"] + states["running"] + 1
    reserved = finals.trainings(complete, tried(base, trials), states["imported"])
    return seconds + (typical(trials) or 0.0) * (1 + math.ceil(reserved / parallel)) > budget


def parallel_trials(config: Config, trials: Sequence[Trial]) -> int:
    """Return the number of trials that run at a time.

    If the executor does not know it, it is the number of trials that run now, or 1 if none runs.
    """
    running = sum(trial.state == "running" for trial in trials)
    return config.executor.parallel or max(1, running)


def seconds_left(
    config: Config, trials: Sequence[Trial], seconds: float, total: int | None, exhausted: bool = False
) -> float | None:
    """Return the estimated seconds until all trainings are over or the budget is spent, whichever comes first.

    seconds: the seconds worked so far. total: the number of trials of the search, None if only the budget ends it.
    exhausted: True if nothing more is proposed. Returns None if nothing is known yet.
    """
    settings, base, each = config.settings, config.base, typical(trials)
    ends = [] if settings.budget is None else [max(0.0, settings.budget - seconds)]
    if exhausted:
        total = sum(trial.state not in NOT_TRAINED_HERE for trial in trials)
    if total and each is not None:
        parallel, ahead = parallel_trials(config, trials), remaining_work(config.ladder, trials, total)
        finals = agenda(trials, config.finals, settings.seed, base, config.limit).left
        if ahead.work:
            imported = sum(trial.state == "imported" for trial in trials)
            finals = config.finals.trainings(ahead.complete, tried(base, trials), imported)
        ends.append(each * (math.ceil(ahead.work / parallel) + math.ceil(finals / parallel)))
    return min(ends, default=None)
