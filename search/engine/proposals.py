"""What a search trains next: the sampler's proposals, less what was tried before or is over a limit."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from search.config import Config
from search.pruners.calibration import expectations
from search.samplers import Exhausted, Observation
from search.samplers.nearest import nearest
from search.trials.estimated import estimated_accuracies
from search.trials.trial import Trial
from space import Architecture, Point, decode


@dataclass(frozen=True, slots=True)
class Proposal:
    """A network to train with a seed; `point` is its place among all that could have been proposed.

    known: a network that was proposed before it, and that has its result already.
    """

    point: Point
    architecture: Architecture
    seed: int
    known: tuple[Point, Architecture] | None = None


class Proposals(Protocol):
    """Decides what an engine trains next."""

    @property
    def total(self) -> int | None:
        """How many trials there will be in all, None if nobody knows."""

    def next(self, trials: Sequence[Trial]) -> Proposal | None:
        """A new proposal, given all trials so far; None: nothing now. Raises `Exhausted`."""

    def over(self, trials: Sequence[Trial]) -> bool:
        """Whether a run that ends with these trials, by its budget perhaps, has done what it was for."""


class Sampled:
    """The proposals of a search: depend on its configuration and on the trials so far alone."""

    def __init__(self, config: Config) -> None:
        self._config, self._space, self._sampler = config, config.space, config.sampler
        self._seed, self._first = config.settings.seed, tuple(map(decode, config.settings.first))
        objectives = 1 + len(config.reward.costs) if config.reward.multi_objective else 1
        config.sampler.check_objectives(objectives)
        self._proposer = config.sampler.proposer(
            config.space, self._permits, config.settings.trials, objectives
        )
        self.total = config.settings.trials
        self._trials: list[Trial] = []
        self._networks: set[Architecture] = set()
        self._history: dict[int, Observation] = {}
        self._earlier = 0
        """Trials of earlier runs, which count in no total."""
        self._duplicates: dict[int, Observation] = {}
        """By trial number. The sampler sees them after all other trials, as rejected proposals."""

    def next(self, trials: Sequence[Trial]) -> Proposal | None:
        """See `Proposals`."""
        self._follow(trials)
        networks, tried = self._networks, len(trials) - len(self._duplicates)
        if self.total is not None and tried - self._earlier >= self.total:
            return None
        for network in self._first:
            if network not in networks:
                return Proposal(self._space.find(network) or (), network, self._seed)
        history = [*self._observed(trials), *self._duplicates.values()]
        known = None
        point: Point = ()
        for again in range(self._sampler.attempts(tried)):
            point = self._proposer.propose(history, _seed(self._seed, tried, again))
            network = self._space.at(point)
            if network in networks:
                known = known or (point, network)
            elif self._permits(network):
                return Proposal(point, network, self._seed, known)
            history.append(_rejected(len(trials), point))
        rng = random.Random(_seed(self._seed, tried, -1))
        found = nearest(self._space, point, lambda a: a not in networks and self._permits(a), rng)
        if found is None:
            raise Exhausted
        return Proposal(found, self._space.at(found), self._seed, known)

    def over(self, trials: Sequence[Trial]) -> bool:
        """See `Proposals`. A search is for the best that its time allows."""
        return True

    def _observed(self, trials: Sequence[Trial]) -> Iterator[Observation]:
        """The trials inside the space, with what shorter trainings let expect of those that had no whole one."""
        partials, estimates = expectations(trials), self._estimated(trials)
        for number, seen in self._history.items():
            seen = estimates.get(number, seen)
            yield replace(seen, partial=partials[number]) if number in partials else seen

    def _estimated(self, trials: Sequence[Trial]) -> dict[int, Observation]:
        """Return the observations of complete trials with the reward of their estimated accuracy."""
        complete = [
            trial for trial in trials if trial.number in self._history and trial.terms and trial.result
        ]
        estimates = estimated_accuracies([trial.result for trial in complete if trial.result])
        score, reference = self._config.reward.score, self._config.reference
        observations = {}
        for trial, accuracy in zip(complete, estimates, strict=True):
            if trial.result and accuracy != trial.result.accuracy:
                terms = score(accuracy, trial.step_ratio, trial.architecture, reference)
                observations[trial.number] = _observation(replace(trial, terms=terms))
        return observations

    def _follow(self, trials: Sequence[Trial]) -> None:
        """Looks at the trials that are new or have changed: with thousands, all are too many for a proposal."""
        for place, trial in enumerate(trials):
            if place < len(self._trials) and trial is self._trials[place]:
                continue
            self._networks.add(trial.architecture)
            self._earlier += trial.state == "imported"
            # What was tried first and is outside the space has no point.
            inside = len(trial.point) == len(self._space.choices)
            if trial.state == "duplicate":
                self._duplicates[trial.number] = _rejected(trial.number, trial.point)
            elif inside:
                self._history[trial.number] = _observation(trial)
        self._trials = list(trials)

    def _permits(self, network: Architecture) -> bool:
        return not self._config.exceeded(network)


def _observation(trial: Trial) -> Observation:
    terms = trial.terms
    finished = trial.state in ("complete", "failed", "pruned", "imported")
    if terms is None:
        return Observation(trial.number, trial.point, None, finished)
    return Observation(
        trial.number,
        trial.point,
        terms.reward,
        finished,
        terms.objectives,
        imported=trial.state == "imported",
    )


def _rejected(number: int, point: Point) -> Observation:
    return Observation(number, point, None, finished=True, rejected=True)


def _seed(*parts: int) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4])
