"""Regularised evolution (Real et al. 2019, "Regularized Evolution for Image Classifier Architecture Search").

Asynchronous by nature: what still runs is not in the population yet, and nobody waits for it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import Field

from search.samplers.base import Observation, Proposer, Sampler
from space import Architecture, Choice, Point, Space

FINISHING = 200
"""Trials of a search from which on it has a finish: before, evolution has hardly begun."""


class RegularisedEvolution(Sampler):
    """The best of some of the youngest networks, one choice of it changed. For many workers at once."""

    # A change that gives a known network is drawn again.
    patience: ClassVar[int] = 100

    population: int = Field(default=32, ge=1)
    """The latest trials that can be parents, however bad an older one is: age, not reward, decides who leaves.
    As many are drawn at random to begin with."""
    tournament: int = Field(default=8, ge=1)
    """Of these, how many are drawn, of which the best is the parent."""
    finish: float = Field(default=0.0, ge=0, le=1)
    """The last part of a search of FINISHING trials or more: networks that differ in one choice from the best one of
    all, then from the second best, and so on."""

    @property
    def random_until(self) -> int | None:
        return self.population

    def proposer(self, choices: Sequence[Choice]) -> Evolving:
        return Evolving(tuple(len(choice.options) for choice in choices), self.population, self.tournament)

    def lasting(self, space: Space, permits: Callable[[Architecture], bool], trials: int | None) -> Proposer:
        evolving = self.proposer(space.choices)
        if trials is None or trials < FINISHING:
            return evolving
        return Finishing(evolving, trials - round(self.finish * trials))


@dataclass(frozen=True, slots=True)
class Evolving:
    """Evolution in a space with so many options in each choice."""

    options: tuple[int, ...]
    population: int
    tournament: int

    def propose(self, history: Sequence[Observation], seed: int) -> Point:
        """See `Proposer`."""
        rng = random.Random(seed)
        expected = ((trial.expected, trial.point) for trial in history)
        rewards = [(reward, point) for reward, point in expected if reward is not None]
        if len(rewards) < self.population:
            return drawn(self.options, rng)
        young = rewards[-self.population :]
        _, parent = max(rng.sample(young, min(self.tournament, len(young))))
        return mutated(parent, self.options, rng) if parent else parent


@dataclass(frozen=True, slots=True)
class Finishing:
    """Evolution, and after so many trials local search from the best of them."""

    evolving: Evolving
    after: int

    def propose(self, history: Sequence[Observation], seed: int) -> Point:
        """See `Proposer`."""
        if sum(trial.number >= 0 and not trial.earlier for trial in history) < self.after:
            return self.evolving.propose(history, seed)
        known = {trial.point for trial in history}
        rng = random.Random(seed)
        rewarded = [trial for trial in history if trial.reward is not None]
        for trial in sorted(rewarded, key=lambda trial: -(trial.reward or 0.0)):
            around = [point for point in neighbours(trial.point, self.evolving.options) if point not in known]
            if around:
                return rng.choice(around)
        return self.evolving.propose(history, seed)


def neighbours(point: Point, options: Sequence[int]) -> Iterator[Point]:
    """All points that differ from `point` in one choice. options: how many there are in each."""
    for choice, count in enumerate(options):
        for option in range(count):
            if option != point[choice]:
                yield (*point[:choice], option, *point[choice + 1 :])


def drawn(options: Sequence[int], rng: random.Random) -> Point:
    """A point drawn uniformly. options: how many there are in each choice."""
    return tuple(map(rng.randrange, options))


def mutated(point: Point, options: Sequence[int], rng: random.Random) -> Point:
    """`point` with another option in one of its choices, each choice and each other option equally likely.

    Where options have an order neighbours are not preferred: most choices have two or three.
    """
    which = rng.randrange(len(options))
    other = (point[which] + rng.randrange(1, options[which])) % options[which]
    return (*point[:which], other, *point[which + 1 :])
