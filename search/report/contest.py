"""Searches side by side: which are the same but for their seed, and how sure it is that others differ."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

from search.report.charts import best_so_far
from search.runs.run import Run
from search.stats.confidence import t_quantile
from search.trials.trial import Trial

_ALIKE = ("run", "seed", "trials", "budget", "max_failures", "force_step", "executor")
"""Settings that make no other search of it."""

Quantity = Literal["reward", "accuracy"]


@dataclass(frozen=True, slots=True)
class Group:
    """Searches that differ in nothing but their seed, their length and where they ran. name: what sets them apart."""

    name: str
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """Between the means of two groups after as many trials. low, high: the interval; p: of no difference.

    None where n, of searches in the smaller group, does not allow one. paired: seed by seed.
    """

    one: str
    other: str
    mean: float
    low: float | None
    high: float | None
    p: float | None
    n: int
    paired: bool


def groups(runs: Sequence[Run]) -> list[Group]:
    """The runs in groups, in the order they are given."""
    settings = {run.path: _flat(run.config.document()) for run in runs}
    found: dict[tuple[tuple[str, str], ...], list[Run]] = defaultdict(list)
    for run in runs:
        found[tuple(sorted(settings[run.path].items()))].append(run)
    keys = sorted({key for known in settings.values() for key in known})
    told = [key for key in keys if len({known.get(key) for known in settings.values()}) > 1]
    return [Group(_name(dict(known), told, members), tuple(members)) for known, members in found.items()]


def quantity(runs: Sequence[Run]) -> Quantity:
    """What can be compared: the reward, if it is the same of all, else the accuracy."""
    documents = [run.config.reward.model_dump(mode="json") for run in runs]
    return "reward" if all(document == documents[0] for document in documents) else "accuracy"


def curve(run: Run, of: Quantity) -> list[float]:
    """The best so far after each complete trial, in the order they finished."""
    done = sorted(run.ranked, key=lambda trial: (trial.finished_at or 0.0, trial.number))
    return best_so_far([value(trial, of) for trial in done])


def value(trial: Trial, of: Quantity) -> float:
    """Of a complete trial."""
    assert trial.terms
    return float(getattr(trial.terms, of))


def differences(found: Sequence[Group], of: Quantity) -> tuple[int, list[Difference]]:
    """Each pair of groups, after as many complete trials as every run has: how many, and the differences there.

    None where shorter trainings chose which trials are complete in some and not in others: they cost unlike amounts.
    """
    if not alike(run for group in found for run in group.runs):
        return 0, []
    compared = min((len(run.ranked) for group in found for run in group.runs), default=0)
    if not compared:
        return 0, []
    pairs = list(combinations(found, 2))
    return compared, [_difference(one, other, of, compared, len(pairs)) for one, other in pairs]


def alike(runs: Iterable[Run]) -> bool:
    """Whether a complete trial cost as much in one of them as in another."""
    return len({run.config.ladder.used(run.trials)[:-1] for run in runs}) < 2


def _difference(one: Group, other: Group, of: Quantity, compared: int, comparisons: int) -> Difference:
    ours, theirs = (
        {run.config.settings.seed: curve(run, of)[compared - 1] for run in group.runs}
        for group in (one, other)
    )
    seeds = [set(ours), set(theirs)]
    alone = all(len(group.runs) == len(known) for group, known in zip((one, other), seeds, strict=True))
    paired = alone and seeds[0] == seeds[1] and len(ours) > 1
    a = [curve(run, of)[compared - 1] for run in one.runs]
    b = [curve(run, of)[compared - 1] for run in other.runs]
    if paired:
        apart = [ours[seed] - theirs[seed] for seed in sorted(ours)]
        mean, error, freedom = statistics.fmean(apart), _error(apart), float(len(apart) - 1)
    else:
        mean = statistics.fmean(a) - statistics.fmean(b)
        error, freedom = _welch(a, b)
    n = min(len(a), len(b))
    return Difference(one.name, other.name, mean, *_tested(mean, error, freedom, comparisons), n, paired)


def _tested(
    mean: float, error: float, freedom: float, comparisons: int
) -> tuple[float | None, float | None, float | None]:
    """The interval and p of a mean, by Student's t; None where there is no spread to tell it from."""
    if not freedom or not error:
        return None, None, None
    from scipy.special import stdtr

    half = t_quantile(freedom, comparisons) * error
    p = min(1.0, comparisons * 2 * float(stdtr(freedom, -abs(mean) / error)))
    return mean - half, mean + half, p


def _error(values: Sequence[float]) -> float:
    return statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0


def _welch(a: Sequence[float], b: Sequence[float]) -> tuple[float, float]:
    """The standard error of a difference of means, and its degrees of freedom (Welch 1947); 0 where there is none."""
    if min(len(a), len(b)) < 2:
        return 0.0, 0.0
    one, other = _error(a) ** 2, _error(b) ** 2
    if not one + other:
        return 0.0, 0.0
    return math.sqrt(one + other), (one + other) ** 2 / (one**2 / (len(a) - 1) + other**2 / (len(b) - 1))


def _flat(document: Any, place: str = "") -> dict[str, str]:
    """Settings by their place, "proxy.epochs", without those that make no other search of it."""
    if not isinstance(document, dict):
        return {place: str(document)}
    inside = f"{place}." if place else ""
    kept = ((key, inner) for key, inner in document.items() if place or key not in _ALIKE)
    return {name: text for key, inner in kept for name, text in _flat(inner, f"{inside}{key}").items()}


def _name(settings: dict[str, str], told: Iterable[str], members: Sequence[Run]) -> str:
    """The first few settings that set a group apart; the names of its runs if none does."""
    words = []
    for key in told:
        group, _, last = key.rpartition(".")
        # "sampler.sampler" is what `sampler=` chooses, and the other settings of that group follow from it.
        if key in settings and (last == group or not any(f"{group}.{group}" == other for other in told)):
            words.append(f"{group if last == group else key}={settings[key][:40]}")
    return " ".join(words[:3]) or ", ".join(run.name for run in members)
