"""The model: a mixture of likely Gaussian processes, their targets, and the expected improvement of points."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, ndtr

from search.samplers.base import Observation
from search.samplers.ordinal_gp.kernels import Inputs, Pairs
from search.samplers.ordinal_gp.regression import Hypothesis, Posterior
from space import Point

CLIPPED_STDS = 4
"""The number of robust standard deviations below the median at which bad rewards are clipped, so that failed networks
do not shape the model."""


class Model:
    """A mixture of Gaussian processes: the weighted posteriors of likely hypotheses, each a kernel and a noise."""

    def __init__(
        self,
        likely: Sequence[Hypothesis],
        inputs: Callable[[Sequence[Point]], Inputs],
        points: Sequence[Point],
        running: Sequence[Point],
        targets: NDArray[np.float64],
        extra_variance: NDArray[np.float64],
    ) -> None:
        """Fit the posteriors.

        inputs: the function from points to the inputs of the kernels. points: the observed points. running: the
        points of running trials. targets, extra_variance: for each of `points`, see `training_targets`.
        """
        self._inputs, self._points = inputs, points
        self._every = inputs([*points, *running])
        pairs = Pairs(self._every, self._every)
        self._posteriors = [Posterior(each, pairs, targets, extra_variance) for each in likely]
        self._means = sum(each.weight * each.means[: len(points)] for each in self._posteriors)
        self._records = np.array([each.means.max() for each in self._posteriors])[:, None]
        self._log_weights = np.array([math.log(each.weight) for each in self._posteriors])[:, None]
        self.noise = math.sqrt(sum(each.weight * each.noise for each in self._posteriors))
        """The standard deviation between two trainings of a network, in units of the targets."""

    def best(self, count: int) -> list[Point]:
        """Return the `count` observed points with the highest expected targets, the best first."""
        return [self._points[index] for index in np.argsort(-self._means, kind="stable")[:count]]

    def log_improvement(self, points: Sequence[Point]) -> NDArray[np.float64]:
        """Return the logarithm of each point's expected improvement on the best observed or running point."""
        inputs = self._inputs(points)
        pairs = Pairs(self._every, inputs)
        predictions = [posterior.predict(inputs, pairs) for posterior in self._posteriors]
        means, stds = (np.array(values) for values in zip(*predictions, strict=True))
        improvements = log_expected_improvement(means - self._records, stds)
        mixed: NDArray[np.float64] = np.logaddexp.reduce(self._log_weights + improvements, axis=0)
        return mixed


def log_expected_improvement(gain: NDArray[np.float64], std: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log E[max(0, x)] for a normal x with mean `gain` and standard deviation `std`.

    The result is also correct where the expectation itself underflows.
    """
    z = gain / std
    density = np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    with np.errstate(divide="ignore"):
        near = np.log(density + z * ndtr(z))
    low = np.minimum(z, -1.0)
    tail = np.maximum(1 + low * math.sqrt(math.pi / 2) * erfcx(-low / math.sqrt(2)), 1e-300)
    far = -0.5 * low**2 - 0.5 * math.log(2 * math.pi) + np.log(tail)
    logarithms: NDArray[np.float64] = np.log(std) + np.where(z > -1, near, far)
    return logarithms


def training_targets(
    finished: Sequence[Observation], predicted: Sequence[Observation]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the targets of the model, and the variance of each target in addition to the noise of a training.

    Both have the shape (n,), with the finished trials before the predicted ones. `finished` must not be empty.
    Predicted trials without a partial result are omitted. Targets are logarithms of rewards, or rewards if some are
    not positive. Targets far below the median are clipped. The targets of finished trials have mean 0, variance 1 (0
    if all are equal) and no additional variance. Predicted rewards are on the same scale.
    """
    rewards = np.array([trial.reward for trial in finished], dtype=float)
    others = np.array([trial.partial.expected for trial in predicted if trial.partial], dtype=float)
    stds = np.array([trial.partial.std for trial in predicted if trial.partial], dtype=float)
    values = rewards
    if (rewards > 0).all() and (others > 0).all():
        values, stds, others = np.log(rewards), stds / others, np.log(others)
    median = float(np.median(values))
    # 1.4826 median absolute deviations are one standard deviation of a normal distribution.
    robust_std = 1.4826 * float(np.median(np.abs(values - median)))
    if robust_std > 0:
        values, others = (np.maximum(each, median - CLIPPED_STDS * robust_std) for each in (values, others))
    mean, scale = values.mean(), values.std() or 1.0
    targets = (np.concatenate([values, others]) - mean) / scale
    return targets, np.concatenate([np.zeros(len(values)), (stds / scale) ** 2])
