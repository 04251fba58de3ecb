"""What a search trains next: the sampler's proposals, less what was tried before or is over a limit."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from search.config import Config
from search.novelty import nearest
from search.samplers import Observation
from search.trial import Trial
from space import Architecture, Point, cost


class Exhausted(Exception):
    """There is nothing left to train: why, in one line."""


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


class Sampled:
    """The proposals of a search: depend on its configuration and on the trials so far alone."""

    def __init__(self, config: Config) -> None:
        self._space, self._sampler, self._reward = config.space, config.sampler, config.reward
        self._seed = config.limits.seed
        self._proposer = config.sampler.proposer(config.space.choices)
        self.total = config.limits.trials
        self._trials: list[Trial] = []
        self._history: dict[int, Observation] = {}
        self._networks: set[Architecture] = set()

    def next(self, trials: Sequence[Trial]) -> Proposal | None:
        """See `Proposals`."""
        self._follow(trials)
        history, networks = list(self._history.values()), self._networks
        if self.total is not None and len(history) >= self.total:
            return None
        known = None
        point: Point = ()
        for again in range(self._sampler.patience):
            point = self._proposer.propose(history, _seed(self._seed, len(history), again))
            network = self._space.at(point)
            if network in networks:
                known = known or (point, network)
            elif self._permits(network):
                return Proposal(point, network, self._seed, known)
        rng = random.Random(_seed(self._seed, len(history), -1))
        found = nearest(self._space, point, lambda a: a not in networks and self._permits(a), rng)
        if found is None:
            raise Exhausted("every network of the space that keeps the limits has been tried")
        return Proposal(found, self._space.at(found), self._seed, known)

    def _follow(self, trials: Sequence[Trial]) -> None:
        """Looks at the trials that are new or have changed: with thousands, all are too many for a proposal."""
        for place, trial in enumerate(trials):
            known = self._trials[place] if place < len(self._trials) else None
            if trial is known or trial.state == "duplicate":
                continue
            if known is None:
                self._networks.add(trial.architecture)
            self._history[trial.number] = _observation(trial)
        self._trials = list(trials)

    def _permits(self, network: Architecture) -> bool:
        return not self._reward.exceeds(cost(network))


def _observation(trial: Trial) -> Observation:
    reward = trial.terms.reward if trial.terms else None
    return Observation(trial.number, trial.point, reward, trial.state in ("complete", "failed"))


def _seed(*parts: int) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4])
