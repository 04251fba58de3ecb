"""What drawing networks at random would have found: the baseline that a search has to beat.

A search draws its first networks at random before its sampler proposes any, or all of them (`sampler=random`).
Their rewards are taken as a sample of a normal distribution with unknown mean and deviation. What the best of
k further draws would be, follows: the deviation has a scaled inverse chi distribution, the mean a normal one
around the sample's (the usual uninformative prior, whose posterior predictive is Student's t), and the best of k
has the k-th power of the distribution of one. With few draws the band is wide, as it should be.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from search.run import Run
from search.trial import Trial
from space import decode

LEAST = 3
"""Draws that a band is made of, at least."""
_WORLDS = 4000
"""Simulated means and deviations. Always the same: equal runs have equal pages."""


@dataclass(frozen=True, slots=True)
class Band:
    """The best reward of so many random draws: its mean, and the limits that `COVERED` of all cases lie within."""

    draws: int
    low: float
    mean: float
    high: float


COVERED = 0.9
"""Of the band that is drawn; what is said in words has an interval of 95 %."""


def random_draws(run: Run) -> list[Trial]:
    """The complete trials whose networks were drawn uniformly, in the order they were proposed.

    Those that the sampler drew before it had results enough to propose anything else; networks that the user
    named are none of them.
    """
    until = run.config.sampler.random_until
    named = {decode(text) for text in run.config.limits.first}
    complete = [trial for trial in run.trials if trial.state == "complete" and trial.terms]
    ended = sorted(trial.told for trial in complete if trial.told is not None)
    return [
        trial
        for trial in complete
        if trial.architecture not in named and (until is None or bisect_right(ended, trial.asked) < until)
    ]


def best_of(rewards: Sequence[float], counts: Sequence[int]) -> list[Band]:
    """For each of `counts`, the band of the best reward of so many random draws; [] where `LEAST` are missing.

    rewards: of the networks that were drawn.
    """
    if len(rewards) < LEAST:
        return []
    import numpy as np

    bands = []
    for count in counts:
        low, high = np.quantile(best := _best(rewards, count), [(1 - COVERED) / 2, (1 + COVERED) / 2])
        bands.append(Band(count, float(low), float(best.mean()), float(high)))
    return bands


def lead(reward: float, deviation: float, rewards: Sequence[float], count: int) -> tuple[float, float, float]:
    """How far `reward` is ahead of the best of `count` random draws: the mean, and its interval of 95 %.

    deviation: of the reward, by the images it was measured on. rewards: of the draws, `LEAST` or more.
    """
    import numpy as np

    noise = np.random.default_rng(1).normal(0.0, deviation, _WORLDS)
    ahead = reward + noise - _best(rewards, count)
    low, high = np.quantile(ahead, [0.025, 0.975])
    return float(ahead.mean()), float(low), float(high)


def _best(rewards: Sequence[float], count: int):
    """The best of `count` further draws in each world (`_WORLDS`,)."""
    import numpy as np
    from scipy.special import ndtri

    rng = np.random.default_rng(0)
    sample, n = np.asarray(rewards), len(rewards)
    deviation = sample.std(ddof=1) * np.sqrt((n - 1) / rng.chisquare(n - 1, _WORLDS))
    mean = rng.normal(sample.mean(), deviation / np.sqrt(n))
    # The largest of k uniform numbers is one to the power 1/k.
    return mean + deviation * ndtri(rng.random(_WORLDS) ** (1 / count))
