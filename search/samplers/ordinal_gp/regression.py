"""Gaussian process regression with several kernels, weighed by their marginal likelihood.

A kernel is a mixture of a constant, a linear and a smooth (squared exponential) part over the codes, and a linear
part over sizes. A few trials do not determine the mixture, so the predictions of all likely kernels are averaged with
their weights. The overall scale is integrated out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, eigh, solve_triangular

from search.samplers.ordinal_gp.encoding import Vectors

LINEAR = (0.1, 0.5, 0.9)
"""The candidate shares of the linear part in the part over codes."""
LENGTHS = (0.5, 1.0, 2.0)
"""The candidate length scales of the smooth part. Two random points are sqrt(2) apart."""
SIZES = (0.0, 0.5)
"""The candidate shares of the part over sizes."""
NOISE = (1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.3, 1.0)
"""The candidate ratios of the variance between two trainings of a network to that between networks."""
LIKELY_NOISE, LOG_NOISE_STD = 0.01, 2.0
"""The median of the log-normal prior of the noise, and its standard deviation in logarithms. The noise is 0.005 on
NAS-Bench-Macro, and up to 0.3 on proxies of a minute."""
MAX_HYPOTHESES, MIN_RATIO = 6, 1e-2
"""The largest number of hypotheses, and the smallest ratio of a hypothesis' likelihood to the best one's."""
SHAPE = SCALE = 1.0
"""The parameters of the inverse gamma prior of the overall variance; targets have variance 1."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """Points as the model sees them, one per row. codes: scaled to a total variance of 1."""

    codes: Vectors
    sizes: Vectors

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True, slots=True)
class Kernel:
    """A covariance function. linear: share of the linear part in the codes' part; the rest is smooth with `length`.

    sizes: share of the part over sizes.
    """

    linear: float
    length: float
    sizes: float

    def __call__(self, one: Inputs, other: Inputs) -> NDArray[np.float64]:
        """Return the covariance of every point of `one` with every point of `other`."""
        inner = one.codes @ other.codes.T
        squares = (one.codes**2).sum(1)[:, None] + (other.codes**2).sum(1) - 2 * inner
        smooth = np.exp(-0.5 * np.maximum(squares, 0) / self.length**2)
        codes = self.linear * inner + (1 - self.linear) * smooth
        covariance: NDArray[np.float64] = (
            1 + (1 - self.sizes) * codes + self.sizes * (one.sizes @ other.sizes.T)
        )
        return covariance

    def variances(self, points: Inputs) -> NDArray[np.float64]:
        """Return the diagonal of `self(points, points)`."""
        codes = self.linear * (points.codes**2).sum(1) + 1 - self.linear
        diagonal: NDArray[np.float64] = 1 + (1 - self.sizes) * codes + self.sizes * (points.sizes**2).sum(1)
        return diagonal


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A kernel and a noise that may explain the observations. weight: its probability; all weights sum to 1."""

    kernel: Kernel
    noise: float
    weight: float


def hypotheses(points: Inputs, targets: NDArray[np.float64]) -> tuple[Hypothesis, ...]:
    """Return the likeliest kernels and noises, the best first, for `targets` with mean 0 and variance 1."""
    shares = SIZES if points.sizes.shape[1] else SIZES[:1]
    scored = [
        (likelihood, kernel, noise)
        for kernel in (Kernel(*parts) for parts in product(LINEAR, LENGTHS, shares))
        for likelihood, noise in _likelihoods(kernel, points, targets)
    ]
    scored.sort(key=lambda each: -each[0])
    best = scored[0][0]
    likely = [each for each in scored[:MAX_HYPOTHESES] if each[0] > best + math.log(MIN_RATIO)]
    total = sum(math.exp(likelihood - best) for likelihood, _, _ in likely)
    return tuple(Hypothesis(kernel, noise, math.exp(each - best) / total) for each, kernel, noise in likely)


def _likelihoods(
    kernel: Kernel, points: Inputs, targets: NDArray[np.float64]
) -> Iterator[tuple[float, float]]:
    """Yield the log posterior of each candidate noise, up to a constant, and that noise."""
    values, vectors = eigh(kernel(points, points), check_finite=False)
    weights = (vectors.T @ targets) ** 2
    for noise in NOISE:
        spectrum = np.maximum(values, 0) + noise
        fit = SCALE + 0.5 * float((weights / spectrum).sum())
        likelihood = -0.5 * float(np.log(spectrum).sum()) - (SHAPE + len(points) / 2) * math.log(fit)
        yield likelihood - 0.5 * (math.log(noise / LIKELY_NOISE) / LOG_NOISE_STD) ** 2, noise


class Posterior:
    """A hypothesis after the observations. Running trials reduce its variance and move no mean."""

    def __init__(
        self,
        hypothesis: Hypothesis,
        points: Inputs,
        targets: NDArray[np.float64],
        running: Inputs,
        extra_variance: NDArray[np.float64] | float = 0.0,
    ) -> None:
        """Fit to targets of variance 1. extra_variance: of each target, in addition to that of a training."""
        self.weight, self._kernel = hypothesis.weight, hypothesis.kernel
        every = Inputs(np.vstack([points.codes, running.codes]), np.vstack([points.sizes, running.sizes]))
        covariance = self._kernel(every, every)
        diagonal = np.einsum("ii->i", covariance)
        diagonal += hypothesis.noise
        diagonal[: len(points)] += extra_variance
        self._points, self._every = points, every
        # The factor of a leading block is the leading block of the factor.
        self._factor = cholesky(covariance, lower=True, check_finite=False)
        own = self._factor[: len(points), : len(points)]
        self._solved = cho_solve((own, True), targets, check_finite=False)
        fit = SCALE + 0.5 * float(targets @ self._solved)
        self._scale = fit / (SHAPE + len(points) / 2)
        self.noise = self._scale * hypothesis.noise
        """The variance between two trainings of a network, in units of the targets."""

    def mean(self, points: Inputs) -> NDArray[np.float64]:
        """Return the expected targets of networks, without noise."""
        means: NDArray[np.float64] = self._kernel(points, self._points) @ self._solved
        return means

    def std(self, points: Inputs) -> NDArray[np.float64]:
        """Return the standard deviations of those means, all positive."""
        halves = solve_triangular(
            self._factor, self._kernel(self._every, points), lower=True, check_finite=False
        )
        left = self._kernel.variances(points) - (halves**2).sum(0)
        stds: NDArray[np.float64] = np.sqrt(self._scale * np.maximum(left, 1e-10))
        return stds
