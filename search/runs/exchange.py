"""The exchange rate between accuracy and costs: the rate that a reward asks for, and the rate that a search found.

With an exponent of -0.07, a network of twice the step time has an equal reward only if its accuracy is 5% higher. For
twice the parameters and an exponent of -0.05, it is 3.5%. MnasNet (Tan et al. 2019, section 3.1) chose its exponent
so that networks along the Pareto front have equal rewards. On other images, twice the cost may gain far less
accuracy. Then the smallest network wins, whatever the search does.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from search.config import Config
from search.profiles import Predictor
from search.reward import Reward
from search.runs.front import on_front
from search.runs.run import Run
from search.trials.answers import accuracy
from search.trials.trial import Trial, ranked
from space.cost.table import COSTS, EXACT, CostName

MIN_TRIALS = 6
"""The number of non-dominated trials below which no rate is given."""
CONFIDENCE = 0.95
"""The confidence of the bootstrap interval of a rate."""
_RESAMPLES = 1000
_LEADERS, _EDGE = 5, 1.2
"""The number of leading trials that are compared with the edges of the space, its smallest and largest cost, and the
largest ratio between a trial's cost and an edge for which the trial is near the edge."""


@dataclass(frozen=True, slots=True)
class Span:
    """The range of a cost over a space, and the ratio of accuracies that compensates for it in the reward.

    low, high: the smallest and the largest value of `cost` in the space, in its unit. ratio: the accuracy at `high`
    divided by the accuracy at `low` for which both rewards are equal.
    """

    cost: CostName
    low: float
    high: float
    ratio: float

    def __str__(self) -> str:
        """Return the range and the ratio in one line of text."""
        row = COSTS[self.cost]
        return (
            f"{row.title.lower() if row.title.islower() else row.title}: {row.text(self.low)} to "
            f"{row.text(self.high)} over the space; the dearest network wins only if its accuracy is "
            f"{self.ratio:.2f} times the cheapest's"
        )


@dataclass(frozen=True, slots=True)
class Rate:
    """The slope of log accuracy on log cost over the non-dominated trials.

    cost: the name of the cost. slope: the change of log accuracy for each unit of log cost. low, high: the 95 %
    bootstrap interval of `slope`. asked: the slope along which the reward is constant. trials: the number of
    non-dominated trials.
    """

    cost: str
    slope: float
    low: float
    high: float
    asked: float
    trials: int

    def __str__(self) -> str:
        """Return the slopes in one line of text, each as the change of accuracy for a doubled cost."""
        found, asked = 2**self.slope - 1, 2**self.asked - 1
        low, high = 2**self.low - 1, 2**self.high - 1
        return (
            f"doubled {self.cost} bought {found:+.1%} accuracy ({low:+.1%} to {high:+.1%}; n = {self.trials} "
            f"non-dominated trials); the reward asks for {asked:+.1%}"
        )


@dataclass(frozen=True, slots=True)
class Exchange:
    """The exchange rates of a search.

    scale: the factor, 0 or more, by which the reward's exponents must be multiplied to fit the trials. neutral: the
    trial that wins if all exponents are multiplied by `scale`.
    """

    rates: tuple[Rate, ...]
    scale: float
    neutral: Trial

    def sentences(self, best: Trial) -> Iterator[str]:
        """Yield a sentence for each rate, and one that says whether `best` also wins under the neutral exponents."""
        for rate in self.rates:
            yield f"exchange rate: {rate}"
        same = "still wins" if self.neutral.number == best.number else "would win"
        yield (
            f"with exponents that fit these trials ({self.scale:.2f} times the reward's), "
            f"trial {self.neutral.number} {same}"
        )


def spans(config: Config) -> Iterator[Span]:
    """Yield a `Span` for each cost of the reward by whose term the accuracy is multiplied.

    Its `low` and `high` are absolute (counts, bytes or ms), not relative to the reference. Costs whose terms are
    added to the accuracy are left out, as are step times and latencies without a profile.
    """
    reward = config.reward
    for name in reward.costs:
        if name in EXACT:
            low, high = map(float, config.space.range.bounds(name, reward.batch))
            unit = float(reward.unit(name, config.reference))
        elif forecast := (config.latencies if name == "latency" else config.forecast):
            low, high = Predictor(forecast.profile).range(config.space)
            ms = forecast.step(config.reference).ms
            # The unit of step times is 1, the reference's step time, which takes `ms`.
            unit = reward.unit(name, config.reference, ms) * (ms if name == "step" else 1.0)
        else:
            continue
        terms = [_term(reward, name, amount / unit) for amount in (low, high)]
        if None not in terms:
            cheap, dear = (float(term or 1) for term in terms)
            yield Span(name, low, high, cheap / dear)


def exchange(trials: Sequence[Trial], reward: Reward) -> Exchange | None:
    """Return the exchange rates of a search.

    Returns None if there are fewer than `MIN_TRIALS` non-dominated trials, if the reward has no costs or adds them,
    or if a slope cannot be estimated.
    """
    front = [trial for trial in on_front(trials) if trial.terms and accuracy(trial) > 0]
    if len(front) < MIN_TRIALS or not reward.costs or any(t.terms and t.terms.sign == "+" for t in front):
        return None
    errors = [math.log(accuracy(trial)) for trial in front]
    rates = []
    for place, name in enumerate(reward.costs):
        asked = _asked(reward, name)
        logs = [math.log(trial.terms.costs[place].ratio) for trial in front if trial.terms]
        slopes = _slope(logs, errors)
        if asked is None or slopes is None:
            return None
        rates.append(Rate(name, *slopes, asked, len(front)))
    scale = _slope([-_log_term(trial) for trial in front], errors)
    if scale is None:
        return None
    # Exponents above 0 would prefer dearer networks of equal accuracy.
    share = max(0.0, scale[0])
    neutral = max(ranked(trials), key=lambda t: math.log(max(accuracy(t), 1e-9)) + share * _log_term(t))
    return Exchange(tuple(rates), share, neutral)


def edges(trials: Sequence[Trial], config: Config) -> Iterator[str]:
    """Yield a warning if the costs of all leading trials are near the smallest or the largest cost of the space.

    At most one warning is yielded, for params or else for multiply-adds. Under a reward without costs, only the
    largest cost is checked. Nothing is yielded if there are fewer than `_LEADERS` trials with a result.
    """
    leaders = ranked(trials)[:_LEADERS]
    if len(leaders) < _LEADERS:
        return
    for name in ("params", "macs"):
        low, high = config.space.range.bounds(name)
        amounts = [getattr(trial.cost, name) for trial in leaders]
        if high <= _EDGE**2 * low:
            continue
        if max(amounts) <= _EDGE * low and config.reward.costs:
            yield (
                f"warning: the {_LEADERS} best are within 20% of the smallest network of the space ({name}): "
                "the objective, not the search, decides. Compare reward=accuracy with a limit."
            )
            return
        if min(amounts) >= high / _EDGE:
            yield (
                f"warning: the {_LEADERS} best are within 20% of the largest network of the space ({name}): "
                "a space with larger networks may have better ones."
            )
            return


def conclusions(run: Run) -> Iterator[str]:
    """Yield sentences on the exchange rates of a run, and a warning if its best trials are near an edge of the space.

    There are no exchange rates under several objectives, nor where `exchange` returns None. Nothing is yielded before
    the first result.
    """
    if not run.ranked:
        return
    rates = exchange(run.trials, run.config.reward)
    if rates and not run.config.reward.multi_objective:
        yield from rates.sentences(run.best)
    yield from edges(run.trials, run.config)


def _term(reward: Reward, name: CostName, ratio: float) -> float | None:
    """Return the factor by which a cost of `ratio` units multiplies the reward.

    Returns None if the cost enters the reward in another way than by a positive factor.
    """
    terms = reward.terms(1.0, {cost: ratio if cost == name else 1.0 for cost in reward.costs})
    value = next(term.value for term in terms.costs if term.cost == name)
    return value if terms.sign == "x" and value > 0 else None


def _asked(reward: Reward, name: CostName) -> float | None:
    """Return the slope of log accuracy on log cost along which the reward is constant, for costs above their unit.

    Returns None if the reward is a sum.
    """
    one, two = _term(reward, name, 1.0), _term(reward, name, 2.0)
    return None if one is None or two is None else math.log2(one / two)


def _log_term(trial: Trial) -> float:
    """Return the logarithm of the product of a trial's cost terms."""
    return sum(math.log(term.value) for term in trial.terms.costs) if trial.terms else 0.0


def _slope(x: Sequence[float], y: Sequence[float]) -> tuple[float, float, float] | None:
    """Return (slope, low, high): the least-squares slope and its 95 % bootstrap interval; None if `x` is constant."""
    if max(x) - min(x) < 1e-12:
        return None
    rng, slopes = random.Random(0), []
    for _ in range(_RESAMPLES):
        places = rng.choices(range(len(x)), k=len(x))
        drawn = [x[place] for place in places]
        if max(drawn) - min(drawn) >= 1e-12:
            slopes.append(statistics.linear_regression(drawn, [y[place] for place in places]).slope)
    slopes.sort()
    tail = round((1 - CONFIDENCE) / 2 * (len(slopes) - 1))
    return statistics.linear_regression(x, y).slope, slopes[tail], slopes[-1 - tail]
