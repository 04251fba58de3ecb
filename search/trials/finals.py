"""The finals of a search: its best networks are trained again with fresh seeds, and the means decide.

The best of many single trainings is partly the luckiest, so its accuracy overestimates the network. The means of
trainings that had no part in the selection do not.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice

from pydantic import BaseModel, ConfigDict, Field

from search.settings.limits import NONE, Limits
from search.trials.answers import exceeds
from search.trials.trial import Trial, ranked
from space import Architecture

NOISY = 0.5
"""The reliability below which chance explains more of the differences in accuracy than the networks do."""
RELIABLE = 0.9
"""The reliability from which on neighbours in the ranking can be compared."""
_SIZES = ((45, 5, 3), (18, 3, 2))
"""The default sizes of finals. Each row holds the smallest number of complete trials for which it is used, the number
of networks and the number of seeds. So there are at most a third as many final trainings as trials, not counting the
base network's. With fewer trials than in the last row there are no finals, since their share would be larger."""


class Finals(BaseModel):
    """The YAML group `finals`: the networks that are trained again at the end, and the number of their seeds."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    top: int | None = Field(default=None, ge=0, le=1000)
    """The number of networks, the leaders under the reward and under accuracy alone. None: in proportion to the
    search."""
    seeds: int | None = Field(default=None, ge=1, le=1000)
    """The number of fresh seeds for each network. None: in proportion to the search."""
    base: bool = True
    """True if the base network is trained again too, provided that it is a trial of the search."""

    def size(self, complete: int) -> tuple[int, int]:
        """Return the largest number of leaders in the finals, and the number of seeds for each network.

        The base network can be in the finals too. complete: the number of complete trials of the search.
        """
        _, top, _ = next((size for size in _SIZES if complete >= size[0]), (0, 0, 0))
        seeds = _SIZES[0][2] if complete >= _SIZES[0][0] else _SIZES[-1][2]
        return top if self.top is None else self.top, seeds if self.seeds is None else self.seeds

    def trainings(self, complete: int, base: bool = False, imported: int = 0) -> int:
        """Return the largest number of trainings in the finals.

        complete: the number of complete trials. base: True if the base network is a trial of the search. imported:
        the number of trials of earlier runs, which can be finalists too.
        """
        top, seeds = self.size(complete)
        return min(top + (base and self.base), complete + imported) * seeds if top else 0


OFF = Finals(top=0)
"""The settings of a search without finals."""


@dataclass(frozen=True, slots=True)
class Agenda:
    """The finals of a search.

    finalists: the leaders, the highest reward first, and after them the base network's trial if it is not one of
    them and `Finals.base` is True. trainings: the pairs of a finalist and a fresh seed in the order of training.
    Every finalist is trained with one seed before any is trained with the next seed.
    """

    finalists: tuple[Trial, ...]
    trainings: tuple[tuple[Trial, int], ...]

    @property
    def missing(self) -> Iterator[tuple[Trial, int]]:
        """The trainings that are not over, including the running ones."""
        for trial, seed in self.trainings:
            if not any(training.seed == seed and training.over for training in trial.final_trainings):
                yield trial, seed

    @property
    def left(self) -> int:
        """The number of missing trainings."""
        return sum(1 for _ in self.missing)


def agenda(
    trials: Sequence[Trial], finals: Finals, seed: int, base: Architecture, limits: Limits = NONE
) -> Agenda:
    """Return the finals of a search with these trials.

    seed: the seed of the search; the fresh seeds are the next numbers. base: the base network. A trial with a
    measured latency over the limit is not a leader, unless it was trained again before it was measured. Without
    leaders there are no finalists and no trainings.
    """

    def fast(trial: Trial) -> bool:
        # The base network is trained again however slow it is, so its final trainings do not make it a leader.
        return not exceeds(trial, limits) or bool(trial.final_trainings and trial.architecture != base)

    # Imported trials do not enlarge the finals, which are in proportion to the trainings of this search.
    top, seeds = finals.size(sum(trial.state == "complete" for trial in trials))
    best = leaders(list(filter(fast, trials)), top)
    numbers = {trial.number for trial in best}
    others = (t for t in ranked(trials) if finals.base and t.architecture == base and t.number not in numbers)
    finalists = (*best, *islice(others, min(top, 1)))
    fresh = [list(islice((s % 2**32 for s in count(seed + 1) if s != t.seed), seeds)) for t in finalists]
    rounds = zip(*fresh, strict=True)
    return Agenda(finalists, tuple(pair for row in rounds for pair in zip(finalists, row, strict=True)))


def leaders(trials: Sequence[Trial], top: int) -> list[Trial]:
    """Return the `top` leaders, half by reward and half by accuracy alone, sorted by reward, the highest first.

    Leaders are taken alternately from both rankings, the reward's first. Under a reward without costs both rankings
    are the same.
    """
    by_reward = ranked(trials)
    by_accuracy = sorted(by_reward, key=lambda trial: -trial.result.accuracy if trial.result else 0.0)
    turns = (trial for pair in zip(by_reward, by_accuracy, strict=True) for trial in pair)
    numbers = list(dict.fromkeys(trial.number for trial in turns))[:top]
    return [trial for trial in by_reward if trial.number in numbers]


@dataclass(frozen=True, slots=True)
class Noise:
    """The share of chance in the differences between the accuracies of a search.

    seed: the standard deviation of the accuracy of one network from seed to seed, pooled over the networks that
    were trained again. freedom: the degrees of freedom of `seed`. networks: the standard deviation of accuracy over
    the trials of the search, which includes chance.
    """

    seed: float
    freedom: int
    networks: float

    @property
    def reliability(self) -> float | None:
        """The share of the trials' variance that the networks explain: 1 - (seed / networks)^2, at least 0.

        None if the trials have no variance.
        """
        if not self.networks:
            return None
        ratio = self.seed / self.networks
        return max(0.0, (1 - ratio) * (1 + ratio))


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of the finals.

    standing: the trials that were trained again, the best first. Trials with a result for every seed come before
    trials with fewer results; each group is ordered by the reward of the mean accuracy. Trials with a measured
    latency over the limit come last. noise: the noise from seed to seed, as `noise_of` returns it.
    `search.stats.differences` says which trials differ significantly.
    """

    standing: tuple[Trial, ...]
    noise: Noise | None

    @property
    def winner(self) -> Trial:
        """The trial that wins the finals: the first one of `standing`."""
        return self.standing[0]


def verdict(
    trials: Sequence[Trial], finals: Finals, seed: int, base: Architecture, limits: Limits = NONE
) -> Verdict | None:
    """Return the result of the finals; None if there are none, if they are not over or if all their trainings failed.

    Trials with a measured latency over the limit come last.
    """
    wanted = agenda(trials, finals, seed, base, limits)
    if not wanted.finalists or wanted.left:
        return None
    _, asked = finals.size(sum(trial.state == "complete" for trial in trials))
    # An imported trial can have more results than this search asks for, which must not put it first.
    standing = tuple(
        sorted(
            (t for t in ranked(trials) if t.final_terms),
            key=lambda t: (exceeds(t, limits), -min(len(t.final_accuracies), asked), -_reward(t)),
        )
    )
    if not standing:
        return None
    return Verdict(standing, noise_of(trials))


def noise_of(trials: Sequence[Trial]) -> Noise | None:
    """Return the noise from seed to seed.

    Returns None if no network was trained again with two seeds, and for fewer than two trials with a result.
    """
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
