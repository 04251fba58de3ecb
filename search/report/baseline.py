"""Random draws: the baseline that a search has to beat.

A search draws its first networks at random before its sampler proposes any; with `sampler=random` it draws all. The
reward of the best of k draws is estimated by resampling (Dodge et al. 2019, "Show Your Work: Improved Reporting of
Experimental Results", section 3.1): the largest of k rewards drawn with replacement from n is at most the i-th
smallest with probability (i/n)^k. The estimate ends at k = n.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from search.runs.run import Run
from search.trials.trial import Trial
from space import CATALOG, Architecture, decode

MIN_DRAWS = 3
"""The minimum number of draws for a baseline."""
COVERED = 0.9
"""The share of cases that the band of a chart covers. Intervals in sentences cover 95 %."""


@dataclass(frozen=True, slots=True)
class Band:
    """The best reward of a number of random draws: its mean, and an interval that holds it in most cases.

    draws: the number of draws. low, high: the bounds of the interval, which is central. See `best_of` for the share
    of cases that it holds.
    """

    draws: int
    low: float
    mean: float
    high: float


@dataclass(frozen=True, slots=True)
class Proposals:
    """The sampler's proposals compared with random draws.

    beats: the share of pairs in which the proposal has the higher reward. p: the p-value of the Mann-Whitney test
    that the share is a half. proposals, draws: the numbers of both.
    """

    beats: float
    p: float
    proposals: int
    draws: int


def random_draws(run: Run) -> list[Trial]:
    """Return the complete trials whose networks were drawn at random, in the order of their proposal.

    These are the trials before the sampler's first proposal from results. Excluded are networks that the user named,
    published networks at a stratified start, and networks that low-fidelity trainings selected.
    """
    from search.samplers.ordinal_gp.proposer import MIN_RESULTS

    until, named = run.config.sampler.random_until, _named(run)
    complete = [trial for trial in run.trials if trial.state == "complete" and trial.terms]
    if chosen_by_rungs(run):
        pilots = {trial.number for trial in run.config.ladder.pilot_trials(run.trials)}
        complete = [trial for trial in complete if trial.number in pilots]
    # Samplers learn from imported results too.
    results = (trial.finished_at for trial in run.ranked if trial.point)
    ended = sorted(time for time in results if time is not None)
    if until is None:
        drawn = complete
    elif _stratified(run):
        # With many workers, further trials are drawn at random until there are results for a model.
        few = min(MIN_RESULTS, until)
        drawn = [t for t in complete if t.number < until or bisect_right(ended, t.proposed_at) < few]
    else:
        drawn = [t for t in complete if bisect_right(ended, t.proposed_at) < until]
    return [trial for trial in drawn if trial.architecture not in named]


def proposals(run: Run) -> list[Trial]:
    """Return the complete trials that the sampler proposed from results: neither drawn at random nor named.

    Random networks that low-fidelity trainings selected are among them.
    """
    drawn, named = {trial.number for trial in random_draws(run)}, _named(run)
    own = (trial for trial in run.trials if trial.state == "complete" and trial.terms)
    return [trial for trial in own if trial.number not in drawn and trial.architecture not in named]


def _named(run: Run) -> set[Architecture]:
    """Return the networks that are not random draws: those named by `first=` and, if stratified, published ones.

    A stratified start tries published networks before random ones.
    """
    named = {decode(text) for text in run.config.settings.first}
    if _stratified(run):
        named |= {run.config.space.adapt(row.architecture) for row in CATALOG.values()}
    return named


def chosen_by_rungs(run: Run) -> bool:
    """Return True if low-fidelity trainings selected the complete trials, which are then better than random ones."""
    return len(run.config.ladder.used(run.trials)) > 1


def drew(run: Run) -> str:
    """Return how a run drew its networks, in words that continue "the networks that it": "drew at random"."""
    return "drew at random, evenly over sizes" if _stratified(run) else "drew at random"


def _stratified(run: Run) -> bool:
    """Return True if draws are stratified by size. Multi-objective searches are not: there, Optuna draws."""
    return run.config.sampler.stratified and not run.config.reward.multi_objective


def best_of(rewards: Sequence[float], count: int, covered: float = COVERED) -> Band:
    """Return the band of the best reward of `count` draws, 1 or more, estimated from `rewards`.

    covered: the share of cases in the band.
    """
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
    """Return the band (mean and interval) of the best reward of k draws, for each k of `counts`.

    Values of k above the number of `rewards` are left out. Returns [] for fewer than `MIN_DRAWS` rewards.
    """
    return [best_of(rewards, count) for count in counts if MIN_DRAWS <= len(rewards) >= count]


def compare_with_draws(rewards: Sequence[float], draws: Sequence[float]) -> Proposals | None:
    """Return the comparison of the proposals' rewards with the rewards of random draws.

    Returns None if there are fewer than `MIN_DRAWS` proposals or draws.
    """
    if min(len(rewards), len(draws)) < MIN_DRAWS:
        return None
    from scipy.stats import mannwhitneyu

    test = mannwhitneyu(rewards, draws)
    share = float(test.statistic) / (len(rewards) * len(draws))
    return Proposals(share, float(test.pvalue), len(rewards), len(draws))
