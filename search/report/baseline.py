"""What drawing networks at random would have found: the baseline that a search has to beat.

A search draws its first networks at random before its sampler proposes any, or all of them (`sampler=random`).
What the best of k such draws has, is told from them by resampling (Dodge et al. 2019, "Show Your Work: Improved
Reporting of Experimental Results", section 3.1): the largest of k rewards drawn from the n with replacement is at
most the i-th smallest with probability (i/n)^k. No further than k = n: what more draws would find, n cannot tell.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from search.runs.run import Run
from search.trials.trial import Trial
from space import CATALOG, Architecture, decode

LEAST = 3
"""Draws that a baseline is made of, at least."""
COVERED = 0.9
"""Of the cases, by the band that is drawn; what is said in words has an interval of 95 %."""


@dataclass(frozen=True, slots=True)
class Band:
    """The best reward of so many random draws: its mean, and the limits of the middle part of all cases."""

    draws: int
    low: float
    mean: float
    high: float


@dataclass(frozen=True, slots=True)
class Proposed:
    """What the sampler proposed, beside what was drawn. beats: in which part of all pairs the proposal is the better.

    p: of such a part or a further one from a half by chance (Mann-Whitney). proposals, draws: how many there are.
    """

    beats: float
    p: float
    proposals: int
    draws: int


def random_draws(run: Run) -> list[Trial]:
    """The complete trials whose networks were drawn at random, in the order they were proposed; see `drew`.

    Those that the sampler drew before it proposed anything else; networks that the user named, and the published
    ones that a stratified start begins with, are none of them; nor are those that shorter trainings chose.
    """
    until, named = run.config.sampler.random_until, _named(run)
    complete = [trial for trial in run.trials if trial.state == "complete" and trial.terms]
    if chosen_by_rungs(run):
        pilots = {trial.number for trial in run.config.ladder.pilot_trials(run.trials)}
        complete = [trial for trial in complete if trial.number in pilots]
    if _stratified(run) and until is not None:
        drawn = [trial for trial in complete if trial.number < until]
    else:
        # Results of earlier searches teach a sampler as well.
        results = (trial.finished_at for trial in run.ranked if trial.point)
        ended = sorted(told for told in results if told is not None)
        drawn = [t for t in complete if until is None or bisect_right(ended, t.proposed_at) < until]
    return [trial for trial in drawn if trial.architecture not in named]


def proposals(run: Run) -> list[Trial]:
    """What the sampler has learnt to try: complete trials that were neither drawn at random nor named by anybody."""
    drawn, named = {trial.number for trial in random_draws(run)}, _named(run)
    own = (trial for trial in run.trials if trial.state == "complete" and trial.terms)
    return [trial for trial in own if trial.number not in drawn and trial.architecture not in named]


def _named(run: Run) -> set[Architecture]:
    """The networks that a search begins with because somebody named them: its user, or who published them."""
    named = {decode(text) for text in run.config.settings.first}
    if _stratified(run):
        named |= {run.config.space.adapt(row.architecture) for row in CATALOG.values()}
    return named


def chosen_by_rungs(run: Run) -> bool:
    """Whether shorter trainings decide which networks have the whole one, so that those are better than all are."""
    return len(run.config.ladder.used(run.trials)) > 1


def drew(run: Run) -> str:
    """How `run` came by its random draws, as in "the networks that it drew at random"."""
    return "drew at random, evenly over sizes" if _stratified(run) else "drew at random"


def _stratified(run: Run) -> bool:
    """Whether its draws were. Where compromises are searched, Optuna's samplers draw."""
    return run.config.sampler.stratified and not run.config.reward.multi_objective


def best_of(rewards: Sequence[float], count: int, covered: float = COVERED) -> Band:
    """The best of `count` draws, from the `rewards` of those that were made. covered: of all cases, by the band."""
    ascending, n = sorted(rewards), len(rewards)
    below = [(place / n) ** count for place in range(n + 1)]
    mean = sum(
        reward * (after - before) for reward, before, after in zip(ascending, below, below[1:], strict=False)
    )
    low, high = (
        next(reward for reward, part in zip(ascending, below[1:], strict=True) if part >= quantile)
        for quantile in ((1 - covered) / 2, (1 + covered) / 2)
    )
    return Band(count, low, mean, high)


def bands(rewards: Sequence[float], counts: Iterable[int]) -> list[Band]:
    """The band for each of `counts` that the draws can tell; none where `LEAST` of them are missing."""
    return [best_of(rewards, count) for count in counts if LEAST <= len(rewards) >= count]


def proposed(rewards: Sequence[float], draws: Sequence[float]) -> Proposed | None:
    """How the rewards of proposals stand beside those of draws; None with fewer than `LEAST` of either."""
    if min(len(rewards), len(draws)) < LEAST:
        return None
    from scipy.stats import mannwhitneyu

    found = mannwhitneyu(rewards, draws)
    return Proposed(
        float(found.statistic) / (len(rewards) * len(draws)), float(found.pvalue), len(rewards), len(draws)
    )
