"""Which choices of the space decided the reward, and what the best networks have in common."""

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

LEAST = 10
"""Trials, below which no importance is told."""
_MOST = {"PED-ANOVA": 500, "fANOVA": 200}
"""Trials that an evaluator is given at most, spread evenly over the run: a second or two of work."""


@dataclass(frozen=True, slots=True)
class Importance:
    """The share of each choice, by one of Optuna's evaluators; all shares add up to 1. trials: it was made from."""

    evaluator: str
    shares: tuple[tuple[str, float], ...]
    trials: int


@dataclass(frozen=True, slots=True)
class Common:
    """What one option of a choice is among the best. top, all: its share among those, and among all, 0..1."""

    choice: str
    option: str
    top: float
    all: float


def importances(run: Run) -> list[Importance]:
    """By PED-ANOVA and, where scikit-learn is installed, fANOVA; [] with too few trials or nothing to choose."""
    trials = _inside(run)
    if len(trials) < LEAST or not run.config.space.choices or len({_reward(t) for t in trials}) < 2:
        return []
    found = []
    with warnings.catch_warnings():
        # Optuna announces there what is experimental in it; nothing for a reader of ours to act on.
        warnings.simplefilter("ignore")
        for name, most in _MOST.items():
            used = _thinned(trials, most)
            shares = _shares(run, name, used)
            if shares:
                found.append(Importance(name, shares, len(used)))
    return found


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
    except ImportError:  # fANOVA grows scikit-learn's forest.
        return ()
    return tuple(get_param_importances(_study(run, trials), evaluator=evaluator).items())


def common(run: Run) -> list[Common]:
    """For each choice, the option that most of the best networks have, beside its share among all."""
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
    """How many of so many trials count as the best: a tenth, and five at least if there are as many."""
    return min(count, max(5, count // 10))


def _inside(run: Run) -> list[Trial]:
    """The complete trials of networks of the space."""
    width = len(run.config.space.choices)
    return [t for t in run.trials if t.state in RANKED and t.terms and len(t.point) == width]


def _reward(trial: Trial) -> float:
    assert trial.terms
    return trial.terms.reward


def _thinned(trials: Sequence[Trial], most: int) -> Sequence[Trial]:
    step = -(-len(trials) // most)
    return trials[::step]


def _study(run: Run, trials: Sequence[Trial]) -> optuna.Study:
    """In memory, with the choices by their names and the rewards as values."""
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
