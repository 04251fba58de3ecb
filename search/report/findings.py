"""The results of a run that its page states, as numbers: answers, differences, margins, and their uncertainty."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from search.proxy.evaluate import Result
from search.pruners.rungs import NOT_TRAINED_HERE
from search.report.baseline import (
    MIN_DRAWS,
    Proposals,
    best_of,
    chosen_by_rungs,
    compare_with_draws,
    proposals,
    random_draws,
)
from search.runs.comparable import require_comparable
from search.runs.run import ENVIRONMENT, Run
from search.stats.confidence import CONFIDENCE
from search.stats.differences import Differences, Estimate, Spread
from search.stats.hits import networks_hits
from search.trials.finals import Verdict
from search.trials.trial import RANKED, Trial
from space import Architecture
from space.catalog import name_of

ANSWERS = {"best": "Best", "most-accurate": "Most accurate", "cheapest": "Cheapest"}
"""The answers of a search by name, with their titles."""


@dataclass(frozen=True)
class Comparison:
    """A comparison of trials by their accuracies.

    fresh: True if the accuracies are from trainings with fresh seeds after the search, False if they are from the
    search's single trainings. differences: the differences of accuracy, in the order of the trials.
    """

    trials: tuple[Trial, ...]
    differences: Differences
    fresh: bool

    def place(self, trial: Trial) -> int | None:
        """Return the index of a trial in `trials`, None if it is not compared."""
        numbers = [each.number for each in self.trials]
        return numbers.index(trial.number) if trial.number in numbers else None

    def difference(self, one: Trial, other: Trial) -> Estimate | None:
        """Return the accuracy of `one` minus the accuracy of `other`, with a 95 % interval.

        Returns None if one of the trials is not compared.
        """
        a, b = self.place(one), self.place(other)
        return None if a is None or b is None else self.differences.difference(a, b)

    def accuracy(self, trial: Trial) -> Estimate | None:
        """Return the mean accuracy of a trial, 0 to 1, with its 95 % interval; None if it is not compared."""
        place = self.place(trial)
        return None if place is None else self.differences.mean(place)


@dataclass(frozen=True, slots=True)
class Margin:
    """The winner's reward minus the expected best of random draws, with a 95 % interval.

    draws: the number of draws from which the expected best is estimated.
    """

    mean: float
    low: float
    high: float
    draws: int


@dataclass(frozen=True)
class Findings:
    """The results of a run. state: "finished", "running", "stopped" or "empty".

    environment: the recorded environment of the run, {} if unknown. answers: trials by the names in `ANSWERS`; empty
    if no trial is complete. verdict: the verdict of the finals; None before their end, and without finals. base: the
    network that answers are compared with. base_trial: the trial of the base, None if it was not trained. images: the
    number of validation images, None if unknown. comparison: the trials that were trained again with fresh seeds,
    compared by these trainings; if there are none, the answers and the base, compared by their single trainings.
    searched: all complete trials, compared by the accuracies that the search saw. comparison and searched are None
    without an answer. baseline: the run that supplies random draws, by default this run. drawn: the trials of
    `baseline` that were drawn at random. over_random: the margin of the winner's reward over the expected best of
    draws, at most as many as this run has complete trials; None with too few draws, and if all trials are draws.
    proposals: the sampler's proposals compared with the draws; None with too few of either.
    """

    run: Run
    environment: dict[str, Any]
    state: str
    answers: Mapping[str, Trial]
    verdict: Verdict | None
    base: Architecture
    base_name: str
    base_trial: Trial | None
    images: int | None
    comparison: Comparison | None
    searched: Comparison | None
    baseline: Run
    drawn: tuple[Trial, ...]
    over_random: Margin | None
    proposals: Proposals | None

    @property
    def winner(self) -> Trial | None:
        """The best answer; None where no trial is complete."""
        return self.answers.get("best")

    @property
    def untrained(self) -> bool:
        """True if the accuracies are those of inherited weights, without training and without finals."""
        return not self.run.config.proxy.epochs and not (self.comparison and self.comparison.fresh)

    @property
    def complete(self) -> int:
        """The number of trials of this run that were trained to the end."""
        return _complete(self.run)

    @property
    def trainings(self) -> list[Result]:
        """The results of the trainings of this run's own trials: complete trials, low-fidelity trainings and finals.

        Failed trainings and the finals of imported trials are left out.
        """
        own = [trial for trial in self.run.trials if trial.state not in NOT_TRAINED_HERE]
        full = [trial.result for trial in own if trial.state == "complete"]
        low = [rung.result for trial in own for rung in trial.rungs]
        finals = [training.result for trial in own for training in trial.final_trainings]
        return [result for result in (*full, *low, *finals) if result]

    @property
    def worked(self) -> float:
        """The seconds of all `trainings`, summed over all workers."""
        return math.fsum(result.seconds for result in self.trainings)

    def values(self) -> dict[str, Any]:
        """Return the answers and the compared networks as plain values, as `search report --json` prints them.

        Each sentence of the page about two networks follows from the accuracies of "compared" by
        `search.stats.differences.Differences`, whose results are in "differences".
        """
        comparison = self.comparison or Comparison((), Differences(()), fresh=False)
        trials, tested = comparison.trials, comparison.differences
        pairs = []
        for one, other in combinations(range(len(trials)), 2):
            a, b = (one, other) if tested.means[one] >= tested.means[other] else (other, one)
            estimate = tested.difference(a, b)
            numbers = {"more": trials[a].number, "less": trials[b].number}
            pairs.append(
                {**numbers, "mean": estimate.mean, "half": estimate.half, "significant": estimate.significant}
            )
        return {
            "paired_images": tested.hits is not None,
            "answers": {name: trial.number for name, trial in self.answers.items()},
            "validation_images": self.images,
            "effective_images": tested.images,
            "fresh_seeds": comparison.fresh,
            "confidence": CONFIDENCE,
            "compared": [
                {
                    "trial": trial.number,
                    "accuracies": list(row),
                    "params": trial.cost.params,
                    "macs": trial.cost.macs,
                }
                for trial, row in zip(trials, tested.accuracies, strict=True)
            ],
            "differences": pairs,
        }


def findings(run: Run, baseline: Run | None = None) -> Findings:
    """Return the results of `run`.

    baseline: another run, with whose random draws `run` is compared; None for the draws of `run` itself. Raises
    `UserError` if the rewards of the two runs cannot be compared.
    """
    environment = _environment(run)
    answers = answers_of(run)
    base, name, base_trial = _base(run)
    if baseline:
        require_comparable(run, baseline)
    drawn = tuple(random_draws(baseline or run))
    others = [trial for trial in run.ranked if trial not in drawn]
    guided = [] if chosen_by_rungs(run) else proposals(run)
    verdict, winner = run.verdict, answers.get("best")
    return Findings(
        run=run,
        environment=environment,
        state=_state(run),
        answers=answers,
        verdict=verdict,
        base=base,
        base_name=name,
        base_trial=base_trial,
        images=run.validation_images,
        comparison=_comparison(run, answers, base_trial) if winner else None,
        searched=_searched(run, verdict) if winner else None,
        baseline=baseline or run,
        drawn=drawn,
        over_random=_over_random(winner, others, drawn, _complete(run)) if winner else None,
        proposals=compare_with_draws([reward(t) for t in guided], [reward(t) for t in drawn]),
    )


def answers_of(run: Run) -> Mapping[str, Trial]:
    """Return a mapping of "best", "most-accurate" and "cheapest" to trials of `run`; {} if no trial is complete."""
    return {name: run.pick(name) for name in ANSWERS} if run.ranked else {}


def _comparison(run: Run, answers: Mapping[str, Trial], base: Trial | None) -> Comparison:
    finalists = tuple(trial for trial in run.ranked if trial.final_accuracies)
    if finalists:
        return Comparison(finalists, finals_differences(run, finalists), fresh=True)
    chosen = {trial.number: trial for trial in (*answers.values(), *((base,) if base else ()))}
    trials = tuple(chosen.values())
    tested = Differences([(accuracy(t),) for t in trials], images=run.effective_images)
    return Comparison(trials, tested, fresh=False)


def _searched(run: Run, verdict: Verdict | None) -> Comparison:
    """Return the comparison of all complete trials by their accuracies in the search. Finals give their spread."""
    trials = tuple(run.ranked)
    texts = [[trial.result.hits if trial.result else ""] for trial in trials]
    hits = networks_hits(texts, run.validation_images)
    noise = verdict.noise if verdict else None
    spread = Spread(noise.seed, noise.freedom) if noise else None
    accuracies = [(trial.terms.accuracy if trial.terms else 0.0,) for trial in trials]
    tested = Differences(accuracies, images=run.effective_images, hits=hits, spread=spread)
    return Comparison(trials, tested, fresh=False)


def finals_differences(run: Run, finalists: Sequence[Trial]) -> Differences:
    """Return the differences of accuracy among `finalists`, trials of `run` with fresh seeds."""
    texts = [[each.result.hits for each in trial.final_trainings if each.result] for trial in finalists]
    accuracies = [trial.final_accuracies for trial in finalists]
    hits = networks_hits(texts, run.validation_images)
    return Differences(accuracies, images=run.effective_images, hits=hits)


def _complete(run: Run) -> int:
    return sum(trial.state == "complete" for trial in run.trials)


def reward(trial: Trial) -> float:
    """Return the reward of a complete trial in the search."""
    assert trial.terms
    return trial.terms.reward


def unbiased(trial: Trial) -> float:
    """Return the reward of the mean of trainings with fresh seeds if there are any, else the reward in the search."""
    return trial.final_terms.reward if trial.final_terms else reward(trial)


def accuracy(trial: Trial) -> float:
    """Return the mean accuracy of trainings with fresh seeds if there are any, else the accuracy in the search."""
    terms = trial.final_terms or trial.terms
    assert terms
    return terms.accuracy


def _environment(run: Run) -> dict[str, Any]:
    """Return the recorded environment of the run; {} where the file is missing or invalid."""
    with suppress(OSError, ValueError):
        document = json.loads((run.path / ENVIRONMENT).read_text("utf-8"))
        return document if isinstance(document, dict) else {}
    return {}


def _state(run: Run) -> str:
    if run.driver:
        return "running"
    if not run.trials:
        return "empty"
    return "finished" if run.over else "stopped"


def _base(run: Run) -> tuple[Architecture, str, Trial | None]:
    """Return the network that answers are compared with, its name, and its trial if it was trained."""
    base, named = run.config.base, run.config.settings.first
    name = "the first network named by first=" if named else name_of(base) or "the reference network"
    trained = (t for t in run.trials if t.state in RANKED and t.architecture == base)
    return base, name, next(trained, None)


def _over_random(
    winner: Trial, others: list[Trial], drawn: tuple[Trial, ...], complete: int
) -> Margin | None:
    if len(drawn) < MIN_DRAWS or not others:
        return None
    best = best_of([reward(trial) for trial in drawn], min(len(drawn), complete), 0.95)
    ours = unbiased(winner)
    return Margin(ours - best.mean, ours - best.high, ours - best.low, len(drawn))
