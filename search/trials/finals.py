"""The end of a search: its best networks trained again with fresh seeds, what the means say, and how much is chance.

The best of many single trainings is partly the luckiest, so its own accuracy is no estimate of what the network
does. What decides are the means of trainings that had no part in choosing.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice

from pydantic import BaseModel, ConfigDict, Field

from search.stats.confidence import t_quantile
from search.trials.trial import Trial, ranked
from space import Architecture

NOISY = 0.5
"""The rank reliability below which chance has more part in what sets accuracies apart than the networks have."""
RELIABLE = 0.9
"""The one from which comparisons of neighbours mean something."""
_SIZES = ((45, 5, 3), (18, 3, 2))
"""From so many complete trials on, so many networks and seeds: a third of the trials or less, a quarter of the
trainings. Below the last, an interval would cost more than the search."""


class Finals(BaseModel):
    """The YAML group `finals`: which networks are trained again at the end, and how often."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    top: int | None = Field(default=None, ge=0, le=1000)
    """How many of the best by the search; None: in proportion to the search."""
    seeds: int | None = Field(default=None, ge=1, le=1000)
    """How often each; None: in proportion to the search."""
    base: bool = True
    """Whether the base network, where it is a trial of the search, is trained again with them."""

    def size(self, complete: int) -> tuple[int, int]:
        """How many networks at most, and with how many seeds each, after so many complete trials."""
        _, top, _ = next((size for size in _SIZES if complete >= size[0]), (0, 0, 0))
        seeds = _SIZES[0][2] if complete >= _SIZES[0][0] else _SIZES[-1][2]
        return top if self.top is None else self.top, seeds if self.seeds is None else self.seeds

    def trainings(self, complete: int, base: bool = False, earlier: int = 0) -> int:
        """How many trainings that are at most. base: whether the base network is a trial of the search.

        earlier: trials of earlier runs, which can be finalists too.
        """
        top, seeds = self.size(complete)
        return min(top + (base and self.base), complete + earlier) * seeds if top else 0


OFF = Finals(top=0)
"""No finals."""


@dataclass(frozen=True, slots=True)
class Agenda:
    """What the finals of a search consist of.

    finalists: its best trials, the best first, and after them the base network's if it isn't one of them.
    trainings: every finalist with every fresh seed, in the order in which they are trained: all finalists with one
    seed before any with the next.
    """

    finalists: tuple[Trial, ...]
    trainings: tuple[tuple[Trial, int], ...]

    @property
    def missing(self) -> Iterator[tuple[Trial, int]]:
        """The trainings that are not over, those at work among them."""
        for trial, seed in self.trainings:
            if not any(training.seed == seed and training.over for training in trial.final_trainings):
                yield trial, seed

    @property
    def left(self) -> int:
        """How many are missing."""
        return sum(1 for _ in self.missing)


def agenda(trials: Sequence[Trial], finals: Finals, seed: int, base: Architecture) -> Agenda:
    """The finals of a search with these trials. seed: the search's, after which the fresh ones begin."""
    # In proportion to this search, whatever others it has taken up.
    top, seeds = finals.size(sum(trial.state == "complete" for trial in trials))
    best = ranked(trials)
    compared = (t for t in best[top:] if finals.base and t.architecture == base)
    finalists = (*best[:top], *islice(compared, min(top, 1)))
    fresh = [list(islice((s % 2**32 for s in count(seed + 1) if s != t.seed), seeds)) for t in finalists]
    rounds = zip(*fresh, strict=True)
    return Agenda(finalists, tuple(pair for row in rounds for pair in zip(finalists, row, strict=True)))


@dataclass(frozen=True, slots=True)
class Noise:
    """How much of what sets the accuracies of a search apart is chance.

    seed: standard deviation of the accuracy of one network from seed to seed, pooled over the networks that were
    trained again; freedom: its degrees of freedom. networks: standard deviation over the trials of the search,
    of which chance is a part.
    """

    seed: float
    freedom: int
    networks: float

    @property
    def reliability(self) -> float | None:
        """The part of the trials' variance that is the networks' own: 1 - (seed / networks)^2, 0 at least.

        None where the trials have no variance: of nothing there are no parts.
        """
        if not self.networks:
            return None
        ratio = self.seed / self.networks
        return max(0.0, (1 - ratio) * (1 + ratio))

    def half(self, *counts: int) -> float | None:
        """Half the interval (at 95 %) of a mean of so many trainings; of two counts, of the difference of means.

        Student's t with the degrees of freedom that `seed` was pooled from. None where no training differed from
        another of its network: that a few were alike does not make the next one certain.
        """
        if not self.seed:
            return None
        return t_quantile(self.freedom) * self.seed * math.sqrt(sum(1 / count for count in counts))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the finals say.

    standing: the trials that were trained again, the best first: those with a result of every seed that was asked
    before those with fewer, and then by the reward of their mean accuracy. tied: those of them that the first cannot
    be told from by accuracy.
    half: half the interval of the winner's mean accuracy, None where `noise` gives none. noise: None where one
    training each tells of none.
    """

    standing: tuple[Trial, ...]
    tied: tuple[Trial, ...]
    half: float | None
    noise: Noise | None

    @property
    def winner(self) -> Trial:
        """The first."""
        return self.standing[0]


def verdict(trials: Sequence[Trial], finals: Finals, seed: int, base: Architecture) -> Verdict | None:
    """What the finals of a search with these trials say; None where there are none, or not yet."""
    wanted = agenda(trials, finals, seed, base)
    if not wanted.finalists or wanted.left:
        return None
    _, asked = finals.size(sum(trial.state == "complete" for trial in trials))
    # One from an earlier search can have more, which makes it no better.
    standing = tuple(
        sorted(
            (t for t in ranked(trials) if t.final_terms),
            key=lambda t: (-min(len(t.final_accuracies), asked), -_reward(t)),
        )
    )
    if not standing:
        return None
    noise = noise_of(trials)
    winner = standing[0]
    half = noise.half(len(winner.final_accuracies)) if noise else None
    tied = tuple(trial for trial in standing[1:] if noise and _alike(winner, trial, noise))
    return Verdict(standing, tied, half, noise)


def noise_of(trials: Sequence[Trial]) -> Noise | None:
    """The noise of the proxy as far as it is known; None where no network was trained again twice."""
    best = ranked(trials)
    accuracies = [trial.result.accuracy for trial in best if trial.result]
    groups = [trial.final_accuracies for trial in best if len(trial.final_accuracies) > 1]
    if not groups or len(accuracies) < 2:
        return None
    freedom = sum(len(group) - 1 for group in groups)
    squares = sum(statistics.variance(group) * (len(group) - 1) for group in groups)
    return Noise(math.sqrt(squares / freedom), freedom, statistics.stdev(accuracies))


def _reward(trial: Trial) -> float:
    return trial.final_terms.reward if trial.final_terms else -math.inf


def _alike(one: Trial, other: Trial, noise: Noise) -> bool:
    """Whether the difference of two mean accuracies is within its interval."""
    difference = abs(statistics.fmean(one.final_accuracies) - statistics.fmean(other.final_accuracies))
    return difference <= (noise.half(len(one.final_accuracies), len(other.final_accuracies)) or 0.0)
