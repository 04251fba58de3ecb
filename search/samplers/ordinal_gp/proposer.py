"""The Gaussian process at work on a space."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, ndtr
from threadpoolctl import threadpool_limits

from search.samplers.base import Exhausted, Observation
from search.samplers.evolution import drawn, mutated
from search.samplers.ordinal_gp.candidates import Terrain
from search.samplers.ordinal_gp.encoding import Encoding
from search.samplers.ordinal_gp.initial import opening
from search.samplers.ordinal_gp.local_search import highest
from search.samplers.ordinal_gp.regression import Hypothesis, Inputs, Posterior, hypotheses
from search.samplers.ordinal_gp.stopping import REASON, Ending
from space import Point

if TYPE_CHECKING:
    from search.samplers.ordinal_gp.sampler import OrdinalProcess

LEAST = 2
"""Results without which there is no model, however many trials have begun."""
RANDOM, MUTATED, PARENTS, CHANGES = 200, 200, 8, 3
"""Points that the search for the best begins from: so many random ones, and so many made from so many of the best by
up to so many changes."""
ALWAYS, STEP, WEIGHED = 32, 8, 200
"""Kernels are weighed anew at every question up to ALWAYS results and every STEP results after that, by at most
WEIGHED of them. All results count in the prediction."""
CLIPPED = 4
"""Robust standard deviations below the median under which all are equally bad: failures must not shape the model."""


class Modelling:
    """A Gaussian process on a terrain, fitted anew at every question."""

    def __init__(self, settings: OrdinalProcess, terrain: Terrain) -> None:
        self._settings, self._terrain = settings, terrain
        self._encoding = Encoding(terrain.choices)
        self._weighed: tuple[object, tuple[Hypothesis, ...]] = None, ()
        """The latest hypotheses, with the results that they were weighed by."""
        self._ending = Ending(self._expected, settings.startup)

    def propose(self, history: Sequence[Observation], seed: int) -> Point:
        """See `Proposer`. Neither a network of the history nor one over a limit, where any other is found."""
        rng, admits = random.Random(seed), self._admitting(history)
        begun = [trial.point for trial in history if trial.number >= 0]
        finished = [trial for trial in history if trial.reward is not None]
        if not self._terrain.choices:
            return ()
        if len(begun) < self._settings.startup or len(finished) < min(LEAST, self._settings.startup):
            return opening(self._terrain, begun, admits, self._settings.startup, rng)
        partial = _partial(history)
        running = [trial.point for trial in history if not trial.finished and trial.expected is None]
        # Small matrices: threads would only get in the way of busy workers.
        with threadpool_limits(limits=1):
            if self._settings.early_stop and self._ending.reached(history):
                raise Exhausted(REASON)
            found, _ = self._improving(finished, partial, running, admits, rng)
        return drawn(self._terrain.options, rng) if found is None else found

    def _admitting(self, history: Sequence[Observation]) -> Callable[[Point], bool]:
        """Whether a point is a network that is not in the history, and is within the limits."""
        network, permits = self._terrain.network, self._terrain.permits
        known = {network(trial.point) for trial in history}
        return lambda point: network(point) not in known and permits(point)

    def _improving(
        self,
        finished: Sequence[Observation],
        partial: Sequence[Observation],
        running: Sequence[Point],
        admits: Callable[[Point], bool],
        rng: random.Random,
    ) -> tuple[Point | None, _Model]:
        """The point of the highest expected improvement, None where no point will do, and the model that has it."""
        finished = _fewer(finished, self._settings.most, rng)
        inputs = self._inputs([trial.point for trial in finished])
        # Kernels are weighed by whole trainings alone, what shorter ones let expect counts in the prediction.
        partial = _fewer(partial, max(0, self._settings.most - len(finished)), rng)
        points = [trial.point for trial in (*finished, *partial)]
        known = told(finished, partial)
        model = _Model(self._hypotheses(finished), inputs, points, running, *known)
        options = self._terrain.options
        starts = [drawn(options, rng) for _ in range(RANDOM)]
        parents = model.best(PARENTS)
        for _ in range(MUTATED):
            point = rng.choice(parents)
            for _ in range(rng.randint(1, CHANGES)):
                point = mutated(point, options, rng)
            starts.append(point)
        return highest(model.improvement, starts, options, admits), model

    def _expected(self, history: Sequence[Observation]) -> float:
        """The greatest expected improvement on a history's best, in standard deviations of the noise."""
        finished = [trial for trial in history if trial.reward is not None]
        rng, admits = random.Random(len(finished)), self._admitting(history)
        found, model = self._improving(finished, _partial(history), (), admits, rng)
        return math.exp(float(model.improvement([found])[0])) / model.noise if found else 0.0

    def _hypotheses(self, finished: Sequence[Observation]) -> tuple[Hypothesis, ...]:
        """The likely kernels. They follow from `finished` alone, whatever was asked before."""
        count = len(finished) if len(finished) <= ALWAYS else len(finished) // STEP * STEP
        spaced = np.unique(np.linspace(0, count - 1, min(count, WEIGHED)).astype(int))
        weighing = [finished[index] for index in spaced]
        if self._weighed[0] != weighing:
            points = [trial.point for trial in weighing]
            self._weighed = weighing, hypotheses(self._inputs(points)(points), targets(weighing))
        return self._weighed[1]

    def _inputs(self, observed: Sequence[Point]) -> Callable[[Sequence[Point]], Inputs]:
        """What makes inputs of points, sizes being relative to those of `observed`."""
        sizes = np.array([self._sizes(point) for point in observed])
        middle, spread = sizes.mean(0), sizes.std(0)
        # Where all are of one size that says nothing, and must not be blown up.
        spread = np.where(spread > 1e-9, spread, np.inf) * math.sqrt(max(1, sizes.shape[1]))

        def inputs(points: Sequence[Point]) -> Inputs:
            own = np.array([self._sizes(point) for point in points]).reshape(len(points), sizes.shape[1])
            return Inputs(self._encoding(points) / math.sqrt(self._encoding.spread), (own - middle) / spread)

        return inputs

    def _sizes(self, point: Point) -> tuple[float, ...]:
        return self._terrain.sizes(point) if self._settings.sizes else ()


def _partial(history: Sequence[Observation]) -> list[Observation]:
    """The trials of which shorter trainings let a reward be expected."""
    return [trial for trial in history if trial.reward is None and trial.expected is not None]


class _Model:
    """What the likely hypotheses say together after what was observed."""

    def __init__(
        self,
        likely: Sequence[Hypothesis],
        inputs: Callable[[Sequence[Point]], Inputs],
        points: Sequence[Point],
        running: Sequence[Point],
        targets: NDArray[np.float64],
        doubts: NDArray[np.float64],
    ) -> None:
        self._inputs, self._points = inputs, points
        known, begun = inputs(points), inputs(running)
        self._posteriors = [Posterior(each, known, targets, begun, doubts) for each in likely]
        self._means = sum(each.weight * each.mean(known) for each in self._posteriors)
        every = inputs([*points, *running])
        self._records = [float(each.mean(every).max()) for each in self._posteriors]
        self.noise = math.sqrt(sum(each.weight * each.noise for each in self._posteriors))
        """The standard deviation from one training of a network to another."""

    def best(self, count: int) -> list[Point]:
        """The observed points of the highest means."""
        return [self._points[index] for index in np.argsort(-self._means, kind="stable")[:count]]

    def improvement(self, points: Sequence[Point]) -> NDArray[np.float64]:
        """The logarithm of the expected improvement on the best, observed or running, of each point."""
        inputs = self._inputs(points)
        parts = [
            math.log(each.weight) + log_improvement(each.mean(inputs) - record, each.deviation(inputs))
            for each, record in zip(self._posteriors, self._records, strict=True)
        ]
        mixed: NDArray[np.float64] = np.logaddexp.reduce(parts, axis=0)
        return mixed


def log_improvement(gain: NDArray[np.float64], deviation: NDArray[np.float64]) -> NDArray[np.float64]:
    """log E[max(0, x)] for x of a normal distribution with the mean `gain`; also where the expectation underflows."""
    z = gain / deviation
    density = np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    with np.errstate(divide="ignore"):
        near = np.log(density + z * ndtr(z))
    low = np.minimum(z, -1.0)
    far = np.maximum(1 + low * math.sqrt(math.pi / 2) * erfcx(-low / math.sqrt(2)), 1e-300)
    below = -0.5 * low**2 - 0.5 * math.log(2 * math.pi) + np.log(far)
    return np.log(deviation) + np.where(z > -1, near, below)


def targets(finished: Sequence[Observation]) -> NDArray[np.float64]:
    """The logarithms of rewards (rewards, where some aren't positive), with the mean 0 and the variance 1.

    What is far below the median is raised to where all are equally bad.
    """
    return told(finished, ())[0]


def told(
    finished: Sequence[Observation], partial: Sequence[Observation]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`targets` of the finished trials, and on their scale what is expected of the partial ones; and the variance of
    each beyond that of a training: 0 of the finished.
    """
    rewards = np.array([trial.reward for trial in finished], dtype=float)
    others = np.array([trial.partial.expected for trial in partial if trial.partial], dtype=float)
    deviations = np.array([trial.partial.std for trial in partial if trial.partial], dtype=float)
    values = rewards
    if (rewards > 0).all() and (others > 0).all():
        values, deviations, others = np.log(rewards), deviations / others, np.log(others)
    middle = float(np.median(values))
    # 1.4826 median absolute deviations are a standard deviation, where values are normal.
    robust = 1.4826 * float(np.median(np.abs(values - middle)))
    if robust > 0:
        values, others = (np.maximum(each, middle - CLIPPED * robust) for each in (values, others))
    mean, deviation = values.mean(), values.std() or 1.0
    every = (np.concatenate([values, others]) - mean) / deviation
    return every, np.concatenate([np.zeros(len(values)), (deviations / deviation) ** 2])


def _fewer(finished: Sequence[Observation], most: int, rng: random.Random) -> Sequence[Observation]:
    """At most `most` trials: the best half, and others at random."""
    if len(finished) <= most:
        return finished
    ordered = sorted(finished, key=lambda trial: -(trial.expected or 0.0))
    half = most // 2
    kept = [*ordered[:half], *rng.sample(ordered[half:], most - half)]
    return sorted(kept, key=lambda trial: trial.number)
