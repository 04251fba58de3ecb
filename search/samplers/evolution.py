"""Regularized evolution (Real et al. 2019, "Regularized Evolution for Image Classifier Architecture Search").

It is asynchronous: running trials are not yet in the population, and no proposal waits for them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import Field

from search.samplers.base import Observation, Permits, Proposer, Sampler, every_network
from space import Point, Space

MIN_TRIALS_TO_FINISH = 200
"""The smallest number of trials of a search that ends with a local search. In shorter searches evolution has barely
begun."""


class RegularizedEvolution(Sampler):
    """A sampler that draws some of the latest trials and mutates one choice of the best. It suits many workers."""

    # A change that gives a known network is drawn again.
    max_attempts: ClassVar[int] = 100

    population: int = Field(default=32, ge=1)
    """The number of latest trials that can be parents: the oldest leaves, however good it is. As many first trials
    are drawn at random."""
    tournament: int = Field(default=8, ge=1)
    """The number of trials drawn from the population, of which the best is the parent."""
    finish: float = Field(default=0.2, ge=0, le=1)
    """The last share of a search of MIN_TRIALS_TO_FINISH trials or more, which is a local search: first among
    networks that differ in one choice from the best, then among neighbours of the second best, and so on."""

    @property
    def random_until(self) -> int | None:
        return self.population

    def proposer(
        self,
        space: Space,
        permits: Permits = every_network,
        trials: int | None = None,
        objectives: int = 1,
    ) -> Proposer:
        evolving = Evolving(option_counts(space), self.population, self.tournament)
        if trials is None or trials < MIN_TRIALS_TO_FINISH:
            return evolving
        return Finishing(evolving, trials - round(self.finish * trials))


@dataclass(frozen=True, slots=True)
class Evolving:
    """A proposer that evolves networks in a space.

    options: the number of options of each choice. population, tournament: see `RegularizedEvolution`.
    """

    options: tuple[int, ...]
    population: int
    tournament: int

    def propose(self, history: Sequence[Observation], seed: int) -> Point:
        """Return the next point to try, see `Proposer.propose`."""
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
    """A proposer that evolves networks, and then searches locally around the best trials.

    after: the number of trials of this search (neither rejected nor imported) before the local search begins. If all
    neighbours of all trials with a reward are known, evolution goes on.
    """

    evolving: Evolving
    after: int

    def propose(self, history: Sequence[Observation], seed: int) -> Point:
        """Return the next point to try, see `Proposer.propose`."""
        if sum(not (trial.rejected or trial.imported) for trial in history) < self.after:
            return self.evolving.propose(history, seed)
        known = {trial.point for trial in history}
        rng = random.Random(seed)
        rewarded = [trial for trial in history if trial.reward is not None]
        for trial in sorted(rewarded, key=lambda trial: -(trial.reward or 0.0)):
            around = [point for point in neighbours(trial.point, self.evolving.options) if point not in known]
            if around:
                return rng.choice(around)
        return self.evolving.propose(history, seed)


def option_counts(space: Space) -> tuple[int, ...]:
    """Return the number of options of each choice of `space`."""
    return tuple(len(choice.options) for choice in space.choices)


def neighbours(point: Point, options: Sequence[int]) -> Iterator[Point]:
    """Yield all points that differ from `point` in one choice.

    options: the number of options of each choice.
    """
    for choice, count in enumerate(options):
        for option in range(count):
            if option != point[choice]:
                yield (*point[:choice], option, *point[choice + 1 :])


def drawn(options: Sequence[int], rng: random.Random) -> Point:
    """Draw a point uniformly. The draws equal those of `rng.randrange` for each choice, but take a third of the time.

    options: the number of options of each choice.
    """
    bits, point = rng.getrandbits, []
    for count in options:
        length = count.bit_length()
        option = bits(length)
        while option >= count:
            option = bits(length)
        point.append(option)
    return tuple(point)


def mutated(point: Point, options: Sequence[int], rng: random.Random) -> Point:
    """Return `point` with another option in one of its choices, every choice and other option equally likely.

    Neighbouring options of an ordered choice are not preferred, since most choices have only two or three options.
    """
    which = rng.randrange(len(options))
    other = (point[which] + rng.randrange(1, options[which])) % options[which]
    return (*point[:which], other, *point[which + 1 :])
