"""NSGA-II (Deb et al. 2002): accuracy and costs as separate objectives, without weights.

The variant is steady-state: every proposal is bred from the best finished trials, so that no worker waits for a
generation, and all state is in the history.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import Field

from search.samplers.base import Observation, Permits, Sampler, every_network
from search.samplers.evolution import drawn, option_counts
from search.stats.pareto import ordered
from space import Point, Space


class NSGA2(Sampler):
    """A sampler that breeds the Pareto front of accuracy against the costs of the reward.

    The reward itself is not used.
    """

    # Parents become alike, and their children duplicates of known networks.
    max_attempts: ClassVar[int] = 100
    multi_objective: ClassVar[bool] = True

    population: int = Field(default=32, ge=2)
    """The number of best trials that are parents. As many first trials are drawn at random."""
    mutation: float | None = Field(default=None, ge=0, le=1)
    """The probability that a choice changes at random; null: 1 / number of choices."""

    @property
    def random_until(self) -> int | None:
        return self.population

    def proposer(
        self,
        space: Space,
        permits: Permits = every_network,
        trials: int | None = None,
        objectives: int = 1,
    ) -> Breeding:
        options = option_counts(space)
        rate = 1 / max(1, len(options)) if self.mutation is None else self.mutation
        return Breeding(options, self.population, rate)


@dataclass(frozen=True, slots=True)
class Breeding:
    """A proposer that applies NSGA-II in a space.

    options: the number of options of each choice. population: the number of parents. mutation: the probability that
    a choice changes.
    """

    options: tuple[int, ...]
    population: int
    mutation: float

    def propose(self, history: Sequence[Observation], seed: int) -> Point:
        """Return the next point to try, see `Proposer.propose`."""
        rng = random.Random(seed)
        finished = [trial for trial in history if trial.objectives]
        if len(finished) < self.population:
            return drawn(self.options, rng)
        parents = survivors(finished, self.population)
        # The lower index wins a tournament of two: it has a better rank, or a larger crowding distance in that rank.
        mother, father = (
            parents[min(rng.randrange(len(parents)), rng.randrange(len(parents)))].point for _ in range(2)
        )
        child = [rng.choice(genes) for genes in zip(mother, father, strict=True)]
        return tuple(
            (gene + rng.randrange(1, count)) % count if rng.random() < self.mutation else gene
            for gene, count in zip(child, self.options, strict=True)
        )


def survivors(trials: Sequence[Observation], count: int) -> list[Observation]:
    """Return the best `count` trials, the best first: by Pareto rank, and within a rank by crowding distance."""
    return [trials[index] for index in ordered([trial.objectives for trial in trials])[:count]]
