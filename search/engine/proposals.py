"""The networks that a search trains next: the sampler's proposals, without duplicates and networks over a limit."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from search.config import Config
from search.pruners.calibration import expectations
from search.reward import Accuracy, Reward
from search.samplers import Exhausted, Observation, Proposer
from search.samplers.nearest import enumerable, nearest
from search.trials.estimated import estimated_accuracies
from search.trials.trial import Trial, with_reward
from space import Architecture, Point, decode

ACCURACY_SHARE = 0.25
"""The share of proposals that maximise accuracy alone, under a reward with cost terms.

In 8 searches of 40 trials on the table effv2_mini with sampler=auto, the most accurate network tried was 0.0009 below
the best of the table (standard error 0.0009). Without the share, it was 0.0049 below (0.0022). The regret of the best
network under the reward was 0.0038 (0.0019) in both cases."""
ACCURACY_FROM = 8
"""The number of first trials of a search that are never proposed for accuracy alone: both objectives have the same
initial trials."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A network to train with a seed.

    point: the index of an option for each choice of the space, () for a network outside the space. known: the first
    point that the sampler proposed for this trial although an earlier trial has its network, with that network; None
    if there was no such point.
    """

    point: Point
    architecture: Architecture
    seed: int
    known: tuple[Point, Architecture] | None = None


class Proposals(Protocol):
    """The source of an engine's trials."""

    @property
    def total(self) -> int | None:
        """The number of trials in all, None if unknown."""

    def next(self, trials: Sequence[Trial]) -> Proposal | None:
        """Return a new proposal, given all trials so far, or None if no more trials are to be proposed now.

        Raises `Exhausted` if no network is left that is worth a trial.
        """

    def over(self, trials: Sequence[Trial]) -> bool:
        """Return True if a run that stops after these trials, perhaps because its budget is spent, is complete."""


class _Objective:
    """An objective of the proposals: the observations of the trials under it, and the proposer that uses them."""

    def __init__(self, proposer: Proposer, choices: int, reward: Reward, reference: Architecture) -> None:
        """Begin without observations.

        choices: the number of choices of the space. reward: the reward of this objective, relative to `reference`.
        """
        self.proposer, self._choices = proposer, choices
        self._reward, self._reference = reward, reference
        self._trials: dict[int, Trial] = {}
        self._observations: dict[int, Observation] = {}

    def follow(self, trial: Trial) -> None:
        """Add a trial that is new, or update a trial that has changed."""
        self._trials[trial.number] = scored = with_reward(trial, self._reward, self._reference)
        # A network outside the space, which a user can name to be trained first, has no point.
        if trial.state != "duplicate" and len(trial.point) == self._choices:
            self._observations[trial.number] = _observation(scored)

    def history(self) -> Iterator[Observation]:
        """Yield the observations of the trials inside the space.

        The observation of a trial that only had shorter trainings holds the reward expected after the full one.
        """
        partials, estimates = expectations(list(self._trials.values())), self._estimated()
        for number, observation in self._observations.items():
            seen = estimates.get(number, observation)
            yield replace(seen, partial=partials[number]) if number in partials else seen

    def _estimated(self) -> dict[int, Observation]:
        """Return the observations of complete trials with the reward of their estimated accuracy, by number.

        Trials whose estimate equals their accuracy are left out.
        """
        inside = (trial for number, trial in self._trials.items() if number in self._observations)
        complete = [(trial, trial.result) for trial in inside if trial.terms and trial.result]
        estimates = estimated_accuracies([result for _, result in complete])
        observations = {}
        for (trial, result), accuracy in zip(complete, estimates, strict=True):
            if accuracy != result.accuracy:
                terms = self._reward.score(
                    accuracy, trial.step_ratio, trial.architecture, self._reference, trial.latency
                )
                observations[trial.number] = _observation(replace(trial, terms=terms))
        return observations


class Sampled:
    """The proposals of a search. They depend only on the configuration of the search and on the trials so far."""

    def __init__(self, config: Config, accuracy_share: float = ACCURACY_SHARE) -> None:
        """Prepare the proposals.

        accuracy_share: the share of proposals that maximise accuracy alone, under a reward with cost terms.
        """
        self._config, self._space, self._sampler = config, config.space, config.sampler
        self._seed, self._first = config.settings.seed, tuple(map(decode, config.settings.first))
        costs, many = config.reward.costs, config.reward.multi_objective
        objectives = 1 + len(costs) if many else 1
        self._reward = self._objective(objectives, config.reward)
        self._share = accuracy_share if costs and not many else 0.0
        self._accuracy = self._objective(1, Accuracy(reward="accuracy")) if self._share else self._reward
        self.total = config.settings.trials
        self._trials: list[Trial] = []
        self._networks: set[Architecture] = set()
        self._imported = 0
        """The number of trials from earlier runs, which do not count as trials of this search."""
        self._duplicates: dict[int, Observation] = {}
        """The observations of duplicates by trial number. The sampler sees them after all other trials, as rejected
        proposals."""

    def next(self, trials: Sequence[Trial]) -> Proposal | None:
        """Return the next network of the setting `first`, or else a network that the sampler proposes.

        Returns None if all trials are proposed. Raises `Exhausted` if no network is left that is worth a trial.
        """
        self._follow(trials)
        tried = len(trials) - len(self._duplicates)
        if self.total is not None and tried - self._imported >= self.total:
            return None
        for network in self._first:
            if network not in self._networks:
                return Proposal(self._space.find(network) or (), network, self._seed)
        if self._by_accuracy(tried):
            try:
                return self._proposed(self._accuracy, tried, len(trials))
            except Exhausted:
                pass  # The reward decides when a search ends.
        try:
            return self._proposed(self._reward, tried, len(trials))
        except Exhausted:
            if self._networks:
                raise
            raise Exhausted("no network was found that keeps all limits together") from None

    def over(self, trials: Sequence[Trial]) -> bool:
        """Return True.

        A search that stops early is complete, since it looks for the best network that its time allows.
        """
        return True

    def _objective(self, objectives: int, reward: Reward) -> _Objective:
        config = self._config
        proposer = config.sampler.proposer(config.space, self._permits, config.settings.trials, objectives)
        return _Objective(proposer, len(config.space.choices), reward, config.reference)

    def _by_accuracy(self, tried: int) -> bool:
        """Return True if the next proposal maximises accuracy alone: for a share of 1/4, every fourth one.

        The first `ACCURACY_FROM` proposals do not. tried: the number of earlier proposals.
        """
        number = tried - ACCURACY_FROM
        return number >= 0 and math.floor((number + 1) * self._share) > math.floor(number * self._share)

    def _proposed(self, objective: _Objective, tried: int, count: int) -> Proposal:
        """Return the next proposal under one objective.

        Raises `Exhausted` if the sampler finds no network that is worth a trial, or if all permitted ones were tried.
        """
        history = [*objective.history(), *self._duplicates.values()]
        known = None
        point: Point = ()
        for attempt in range(self._sampler.attempts(tried)):
            point = objective.proposer.propose(history, _seed(self._seed, tried, attempt))
            network = self._space.at(point)
            if network in self._networks:
                known = known or (point, network)
            elif self._permits(network):
                return Proposal(point, network, self._seed, known)
            history.append(_rejected(count, point))
        rng = random.Random(_seed(self._seed, tried, -1))
        neighbour = nearest(self._space, point, self._is_new, rng)
        if neighbour is None:
            if enumerable(self._space):
                raise Exhausted
            raise Exhausted("random draws found no other network that keeps the limits")
        return Proposal(neighbour, self._space.at(neighbour), self._seed, known)

    def _follow(self, trials: Sequence[Trial]) -> None:
        """Add the trials that are new and update those that have changed.

        With thousands of trials, it would take too long to read all of them again for each proposal.
        """
        for place, trial in enumerate(trials):
            if place < len(self._trials) and trial is self._trials[place]:
                continue
            self._networks.add(trial.architecture)
            self._imported += trial.state == "imported"
            if trial.state == "duplicate":
                self._duplicates[trial.number] = _rejected(trial.number, trial.point)
            self._reward.follow(trial)
            if self._share:
                self._accuracy.follow(trial)
        self._trials = list(trials)

    def _is_new(self, network: Architecture) -> bool:
        return network not in self._networks and self._permits(network)

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
