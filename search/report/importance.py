"""The importance of each choice of a space for the reward, and the options that the best networks share."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from search.runs.run import Run
from search.trials.trial import RANKED, Trial

if TYPE_CHECKING:
    import optuna

MIN_TRIALS = 50
"""The number of trials below which no importance is estimated: with fewer, PED-ANOVA ranks noise."""
_MAX_TRIALS = {"PED-ANOVA": 500, "fANOVA": 200}
"""The maximum number of trials for each evaluator, which takes 1 or 2 s. They are spread evenly over the run."""


@dataclass(frozen=True, slots=True)
class Importance:
    """The importance of each choice by an evaluator of Optuna, as shares of 1. trials: the number of trials used."""

    evaluator: str
    shares: tuple[tuple[str, float], ...]
    trials: int


@dataclass(frozen=True, slots=True)
class Common:
    """An option of a choice. top, all: the shares of the best trials and of all trials that have it, 0 to 1."""

    choice: str
    option: str
    top: float
    all: float


def importances(run: Run) -> list[Importance]:
    """Return importances by PED-ANOVA and, with scikit-learn, fANOVA.

    The list is empty with fewer than `MIN_TRIALS` trials, without choices, and if all rewards are equal.
    """
    trials = _inside(run)
    if len(trials) < MIN_TRIALS or not run.config.space.choices or len({_reward(t) for t in trials}) < 2:
        return []
    results = []
    with warnings.catch_warnings():
        # Optuna warns of experimental features here, about which a reader can do nothing.
        warnings.simplefilter("ignore")
        for name, limit in _MAX_TRIALS.items():
            used = _thinned(trials, limit)
            shares = _shares(run, name, used)
            if shares:
                results.append(Importance(name, shares, len(used)))
    return results


def _shares(run: Run, name: str, trials: Sequence[Trial]) -> tuple[tuple[str, float], ...]:
    from optuna.importance import (
        FanovaImportanceEvaluator,
        PedAnovaImportanceEvaluator,
        get_param_importances,
    )

    try:
        evaluator = (
            PedAnovaImportanceEvaluator() if name == "PED-ANOVA" else FanovaImportanceEvaluator(seed=0)
        )
    except ImportError:  # fANOVA needs scikit-learn.
        return ()
    return tuple(get_param_importances(_study(run, trials), evaluator=evaluator).items())


def common(run: Run) -> list[Common]:
    """Return the most frequent option of each choice among the best networks, with its shares (see `Common`).

    The list is empty without complete trials.
    """
    trials = _inside(run)
    best = sorted(trials, key=lambda trial: -_reward(trial))[: top(len(trials))]
    rows = []
    for place, choice in enumerate(run.config.space.choices if best else ()):
        (index, count), *_ = Counter(trial.point[place] for trial in best).most_common(1)
        everywhere = sum(trial.point[place] == index for trial in trials)
        rows.append(
            Common(choice.name, str(choice.options[index]), count / len(best), everywhere / len(trials))
        )
    return rows


def top(count: int) -> int:
    """Return the number of trials that count as the best of `count`: a tenth, at least five, at most all of them."""
    return min(count, max(5, count // 10))


def _inside(run: Run) -> list[Trial]:
    """Return the complete trials of networks of the space."""
    width = len(run.config.space.choices)
    return [t for t in run.trials if t.state in RANKED and t.terms and len(t.point) == width]


def _reward(trial: Trial) -> float:
    assert trial.terms
    return trial.terms.reward


def _thinned(trials: Sequence[Trial], limit: int) -> Sequence[Trial]:
    step = -(-len(trials) // limit)
    return trials[::step]


def _study(run: Run, trials: Sequence[Trial]) -> optuna.Study:
    """Return a study in memory with the choices as parameters and the rewards as values."""
    import optuna

    from search.samplers.optuna import distribution

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    distributions = {choice.name: distribution(choice) for choice in run.config.space.choices}
    study = optuna.create_study(direction="maximize")
    study.add_trials(
        [
            optuna.trial.create_trial(
                params=dict(zip(distributions, trial.point, strict=True)),
                distributions=distributions,
                value=_reward(trial),
            )
            for trial in trials
        ]
    )
    return study
