"""What a run found: its winner, how far it is ahead of random draws and of the base network, and how sure that is."""

from __future__ import annotations

import json
import math
import statistics
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from search.proxy.evaluate import Result
from search.pruners.rungs import NOT_TRAINED_HERE
from search.report.baseline import (
    LEAST,
    Proposed,
    best_of,
    chosen_by_rungs,
    proposals,
    proposed,
    random_draws,
)
from search.runs.run import ENVIRONMENT, Run
from search.stats.confidence import image_deviation
from search.trials.finals import Verdict
from search.trials.trial import RANKED, Trial
from space import Architecture, UserError

TWO_SIDED = 1.96
"""Standard deviations of a 95 % interval."""


@dataclass(frozen=True, slots=True)
class Noise:
    """How uncertain accuracies are. images: validated on, None where the run does not tell.

    accuracy, reward: the standard deviation of the winner's by the choice of images (`image_deviation`).
    rivals: complete trials whose accuracy is within the interval of its difference to the winner's; trials: all of
    them, the winner not counted.
    """

    images: int | None
    accuracy: float | None
    reward: float | None
    rivals: int | None
    trials: int


@dataclass(frozen=True, slots=True)
class Lead:
    """How far the winner is ahead, with an interval of 95 %; None where n does not allow one.

    n: what the interval is made of, said in words by who shows it.
    """

    mean: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Findings:
    """What a page says of a run. state: "finished", "running", "stopped" or "empty".

    winner: of the finals, else of the search; None where no trial is complete. verdict: of the finals, None where
    there are none, or not yet. base: the network that the winner stands beside, base_trial its trial if it was
    trained. drawn: the trials that were drawn at random, of `baseline` if it is not this run. over_random: in reward,
    over the best of as many draws as there are, or as there are complete trials if these are fewer; None with too
    few draws, and where the run is nothing but draws. proposed: the other trials beside them. over_base: in accuracy,
    of the means of trainings with fresh seeds where both have some.
    """

    run: Run
    environment: dict[str, Any]
    state: str
    winner: Trial | None
    base: Architecture
    base_name: str
    base_trial: Trial | None
    noise: Noise | None
    baseline: Run
    drawn: tuple[Trial, ...]
    over_random: Lead | None
    proposed: Proposed | None
    over_base: Lead | None
    verdict: Verdict | None

    @property
    def complete(self) -> int:
        """Trials that were trained to the end."""
        return _complete(self.run)

    @property
    def trainings(self) -> list[Result]:
        """What this run trained to the end: its complete trials, its shorter trainings, and the finals."""
        own = [trial for trial in self.run.trials if trial.state not in NOT_TRAINED_HERE]
        whole = [trial.result for trial in own if trial.state == "complete"]
        short = [rung.result for trial in own for rung in trial.rungs]
        again = [repeat.result for trial in own for repeat in trial.final_trainings]
        return [result for result in (*whole, *short, *again) if result]

    @property
    def worked(self) -> float:
        """Seconds of all evaluations together, of all workers."""
        return math.fsum(result.seconds for result in self.trainings)


def findings(run: Run, baseline: Run | None = None) -> Findings:
    """What `run` found so far. baseline: the run whose random draws it is measured by, if not its own.

    Raises `UserError` where rewards of the two do not compare.
    """
    environment = _environment(run)
    winner = run.best if run.ranked else None
    base, name, trial = _base(run)
    images = validated(run, environment)
    noise = _noise(run, winner, images) if winner else None
    if baseline:
        _comparable(run, baseline)
    drawn = tuple(random_draws(baseline or run))
    others = [trial for trial in run.ranked if trial not in drawn]
    guided = [] if chosen_by_rungs(run) else proposals(run)
    verdict = run.verdict
    return Findings(
        run,
        environment,
        _state(run),
        winner,
        base,
        name,
        trial,
        noise,
        baseline or run,
        drawn,
        _over_random(winner, others, drawn, _complete(run)) if winner else None,
        proposed([reward(t) for t in guided], [reward(t) for t in drawn]),
        _over_base(winner, trial, images, verdict) if winner and trial else None,
        verdict,
    )


def _complete(run: Run) -> int:
    return sum(trial.state == "complete" for trial in run.trials)


def reward(trial: Trial) -> float:
    """Of a complete trial, as the search saw it."""
    assert trial.terms
    return trial.terms.reward


def unbiased(trial: Trial) -> float:
    """Of the mean of trainings that had no part in choosing it, where there are any; else as the search saw it."""
    return trial.final_terms.reward if trial.final_terms else reward(trial)


def _comparable(run: Run, baseline: Run) -> None:
    ours, theirs = run.config.document(), baseline.config.document()
    for group in ("space", "data", "proxy", "reward"):
        if ours[group] != theirs[group]:
            raise UserError(
                f"The runs {run.name} and {baseline.name} differ in {group}; their rewards do not compare."
            )


def validated(run: Run, environment: dict[str, Any]) -> int | None:
    """How many images an accuracy was measured on; None where the run was begun by a version that kept no count."""
    there = environment.get("data", {}).get("validation")
    most = run.config.proxy.validation_images
    return min(there, most or there) if there else None


def _environment(run: Run) -> dict[str, Any]:
    """What the run was made on; {} where the file is not there or is none."""
    with suppress(OSError, ValueError):
        found = json.loads((run.path / ENVIRONMENT).read_text("utf-8"))
        return found if isinstance(found, dict) else {}
    return {}


def _state(run: Run) -> str:
    if run.driver:
        return "running"
    if not run.trials:
        return "empty"
    return "finished" if run.over else "stopped"


def _base(run: Run) -> tuple[Architecture, str, Trial | None]:
    """The network that winners are measured by, what it is called, and its trial, if any."""
    base, named = run.config.base, run.config.settings.first
    name = "the first network that was named (seed=...)" if named else run.config.reward.reference
    trained = (t for t in run.trials if t.state in RANKED and t.architecture == base)
    return base, name, next(trained, None)


def _noise(run: Run, winner: Trial, images: int | None) -> Noise:
    result, terms = winner.result, winner.terms
    assert result and terms
    others = [t for t in run.ranked if t is not winner and t.result]
    if images is None:
        return Noise(None, None, None, None, len(others))
    uncertain = image_deviation(result.accuracy, images)
    # What an accuracy is multiplied by, if it is.
    factor = terms.reward / terms.accuracy if terms.sign == "x" and terms.accuracy else 1.0
    rivals = sum(
        winner.result.accuracy - t.result.accuracy
        <= TWO_SIDED * math.hypot(uncertain, image_deviation(t.result.accuracy, images))
        for t in others
        if t.result and winner.result
    )
    return Noise(images, uncertain, uncertain * factor, rivals, len(others))


def _over_random(winner: Trial, others: list[Trial], drawn: tuple[Trial, ...], complete: int) -> Lead | None:
    if len(drawn) < LEAST or not others:
        return None
    best = best_of([reward(trial) for trial in drawn], min(len(drawn), complete), 0.95)
    ours = unbiased(winner)
    return Lead(ours - best.mean, ours - best.high, ours - best.low, len(drawn))


def _over_base(winner: Trial, base: Trial, images: int | None, verdict: Verdict | None) -> Lead:
    assert winner.result and base.result
    if verdict and winner.final_accuracies and base.final_accuracies and winner is not base:
        difference = statistics.fmean(winner.final_accuracies) - statistics.fmean(base.final_accuracies)
        counts = len(winner.final_accuracies), len(base.final_accuracies)
        half = verdict.noise.half(*counts) if verdict.noise else None
        low, high = (None, None) if half is None else (difference - half, difference + half)
        return Lead(difference, low, high, min(counts))
    difference = winner.result.accuracy - base.result.accuracy
    if images is None or winner is base:
        return Lead(difference, None, None, 1)
    # As if each had been validated on images of its own: the same ones make it no wider.
    half = TWO_SIDED * math.hypot(
        image_deviation(winner.result.accuracy, images), image_deviation(base.result.accuracy, images)
    )
    return Lead(difference, difference - half, difference + half, 1)
