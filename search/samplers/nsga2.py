"""NSGA-II (Deb et al. 2002): accuracy and costs as objectives of their own, none weighed against another.

Steady state: every proposal is bred from the best of all that has finished, so that nobody waits for a
generation, and the history is all there is to know.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import Field

from search.samplers.base import Observation, Sampler
from search.samplers.evolution import drawn
from search.stats.pareto import ordered
from space import Choice, Point


class NSGA2(Sampler):
    """Breeds the front of accuracy against the costs of the reward. The reward itself is not looked at."""

    # Parents become alike, and their children known networks.
    patience: ClassVar[int] = 100

    population: int = Field(default=32, ge=2)
    """How many of the best are parents; as many are drawn at random to begin with."""
    mutation: float | None = Field(default=None, ge=0, le=1)
    """The chance of each choice to change at random; null: that of one in all, on average."""

    @property
    def random_until(self) -> int | None:
        return self.population

    def proposer(self, choices: Sequence[Choice]) -> Breeding:
        options = tuple(len(choice.options) for choice in choices)
        rate = 1 / max(1, len(options)) if self.mutation is None else self.mutation
        return Breeding(options, self.population, rate)

    def compromising(self, choices: Sequence[Choice], objectives: int) -> Breeding:
        return self.proposer(choices)


@dataclass(frozen=True, slots=True)
class Breeding:
    """NSGA-II in a space with so many options in each choice."""

    options: tuple[int, ...]
    population: int
    mutation: float

    def propose(self, history: Sequence[Observation], seed: int) -> Point:
        """See `Proposer`."""
        rng = random.Random(seed)
        finished = [trial for trial in history if trial.objectives]
        if len(finished) < self.population:
            return drawn(self.options, rng)
        parents = survivors(finished, self.population)
        # The lower place wins a tournament of two: a better rank, or fewer neighbours in the same.
        mother, father = (
            parents[min(rng.randrange(len(parents)), rng.randrange(len(parents)))].point for _ in range(2)
        )
        child = [rng.choice(genes) for genes in zip(mother, father, strict=True)]
        return tuple(
            (gene + rng.randrange(1, count)) % count if rng.random() < self.mutation else gene
            for gene, count in zip(child, self.options, strict=True)
        )


def survivors(trials: Sequence[Observation], count: int) -> list[Observation]:
    """The best `count` of the trials, the best first: by rank, in a rank those with most room around them."""
    return [trials[index] for index in ordered([trial.objectives for trial in trials])[:count]]
