"""The comparison of several searches. Searches that differ only in seed, length and machine form a group, and the
groups are compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

from search.report.charts import best_so_far
from search.runs.run import Run, noted
from search.stats.differences import Differences, Estimate
from search.trials.trial import Trial

_IGNORED = (
    "run",
    "seed",
    "trials",
    "budget",
    "max_failures",
    "force_step",
    "executor",
    "data.cache",
    "proxy.device",
    "proxy.graph",
)
"""The settings in which the searches of a group may differ."""

Quantity = Literal["reward", "accuracy"]


@dataclass(frozen=True, slots=True)
class Group:
    """Searches that differ only in seed, length and machine.

    name: up to three settings in which groups differ, such as "sampler=tpe"; without any, the names of the runs.
    """

    name: str
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference between the means of two groups after the same number of trials.

    one, other: the names of the groups. estimate: the mean of `one` minus the mean of `other`, with an interval that
    holds for all pairs at once. p: the p-value, adjusted for all pairs; None without an interval. n: the number of
    searches of the smaller group. paired: True if searches of the same seed were paired.
    """

    one: str
    other: str
    estimate: Estimate
    p: float | None
    n: int
    paired: bool


def groups(runs: Sequence[Run]) -> list[Group]:
    """Return the runs in groups of equal settings, in the order of their first runs.

    Within a group, the settings in `_IGNORED` may differ, and the path of the same images.
    """
    settings = _settings(runs)
    members: dict[tuple[tuple[str, str], ...], list[Run]] = defaultdict(list)
    for run in runs:
        members[tuple(sorted(settings[run.path].items()))].append(run)
    keys = sorted({key for known in settings.values() for key in known})
    differing = [key for key in keys if len({known.get(key) for known in settings.values()}) > 1]
    return [Group(_name(dict(known), differing, each), tuple(each)) for known, each in members.items()]


def quantity(runs: Sequence[Run]) -> Quantity:
    """Return the quantity to compare: the reward if all runs have the same objective, else the accuracy."""
    documents = [run.config.reward.model_dump(mode="json") for run in runs]
    return "reward" if all(document == documents[0] for document in documents) else "accuracy"


def curve(run: Run, of: Quantity) -> list[float]:
    """Return the best value so far after each complete trial, in the order in which they finished."""
    finished = sorted(run.ranked, key=lambda trial: (trial.finished_at or 0.0, trial.number))
    return best_so_far([value(trial, of) for trial in finished])


def value(trial: Trial, of: Quantity) -> float:
    """Return the reward or the accuracy of a complete trial."""
    assert trial.terms
    return float(getattr(trial.terms, of))


def differences(groups: Sequence[Group], of: Quantity) -> tuple[int, list[Difference]]:
    """Return (trials, the difference of each pair of groups after that number of complete trials).

    trials: the largest number of complete trials that every run has. Returns (0, []) if a run has none, or if
    complete trials of different runs cost different amounts (see `alike`).
    """
    if not alike(run for group in groups for run in group.runs):
        return 0, []
    trials = min((len(run.ranked) for group in groups for run in group.runs), default=0)
    if not trials:
        return 0, []
    # In the order of seeds, so that common seeds are paired.
    ordered = [sorted(group.runs, key=lambda run: run.config.settings.seed) for group in groups]
    seeds = [[run.config.settings.seed for run in runs] for runs in ordered]
    paired = all(each == seeds[0] and len(set(each)) == len(each) > 1 for each in seeds)
    values = [[curve(run, of)[trials - 1] for run in runs] for runs in ordered]
    tested = Differences(values, common_seeds=paired)
    return trials, [
        Difference(
            groups[one].name,
            groups[other].name,
            tested.difference(one, other),
            tested.p(one, other),
            min(len(values[one]), len(values[other])),
            paired,
        )
        for one, other in combinations(range(len(groups)), 2)
    ]


def alike(runs: Iterable[Run]) -> bool:
    """Return True if the same low-fidelity trainings precede a complete trial in all runs.

    Otherwise complete trials of different runs cost different amounts.
    """
    return len({run.config.ladder.used(run.trials)[:-1] for run in runs}) < 2


def _settings(runs: Sequence[Run]) -> dict[Path, dict[str, str]]:
    """Return the settings of each run by its path. Runs on the same images get the `data.path` of the first run."""
    first: dict[str, str] = {}
    found = {run.path: _flat(run.config.document()) for run in runs}
    for path, settings in found.items():
        digest = noted(path, "digest")
        if digest and "data.path" in settings:
            settings["data.path"] = first.setdefault(digest, settings["data.path"])
    return found


def _flat(document: Any, place: str = "") -> dict[str, str]:
    """Return a mapping of dotted names, such as "proxy.epochs", to settings as text, without those in `_IGNORED`."""
    if not isinstance(document, dict):
        return {place: str(document)}
    inside = f"{place}." if place else ""
    items = ((f"{inside}{key}", inner) for key, inner in document.items())
    flat = (_flat(inner, name) for name, inner in items if name not in _IGNORED)
    return {name: text for each in flat for name, text in each.items()}


def _name(settings: dict[str, str], differing: Iterable[str], members: Sequence[Run]) -> str:
    """Return the name of a group: its values of up to three settings in which groups differ, such as "sampler=tpe".

    If groups differ in no setting, the name lists the runs.
    """
    words = []
    for key in differing:
        group, _, last = key.rpartition(".")
        # `sampler=` sets "sampler.sampler", and the other settings of the group follow from it.
        if key in settings and (last == group or not any(f"{group}.{group}" == other for other in differing)):
            words.append(f"{group if last == group else key}={settings[key][:40]}")
    return " ".join(words[:3]) or ", ".join(run.name for run in members)
