"""Gaussian process regression with several kernels, weighted by their marginal likelihood.

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
from scipy.linalg import cho_solve, cholesky, eigh
from scipy.linalg.lapack import dtrtrs

from search.samplers.ordinal_gp.kernels import Inputs, Kernel, Matrix, Pairs

LINEAR = (0.1, 0.5, 0.9)
"""The candidate shares of the linear part in the part over codes."""
LENGTHS = (0.5, 1.0, 2.0)
"""The candidate length scales of the smooth part. Two random points are sqrt(2) apart."""
SUMS = (0.0, 0.5)
"""The candidate shares of the sums over stages (see `Encoding`) in the codes."""
SIZES = (0.0, 0.5)
"""The candidate shares of the part over sizes."""
NOISE = (1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.3, 1.0)
"""The candidate ratios of the variance between trainings of one network to the variance between networks."""
LIKELY_NOISE, LOG_NOISE_STD = 0.01, 2.0
"""The median of the log-normal prior of the noise, and its standard deviation in logarithms. The noise is 0.005 on
NAS-Bench-Macro, and up to 0.3 on proxies of a minute."""
MAX_HYPOTHESES, MIN_RATIO = 6, 1e-2
"""The largest number of hypotheses, and the smallest ratio of a hypothesis' likelihood to the largest likelihood."""
SHAPE = SCALE = 1.0
"""The parameters of the inverse gamma prior of the overall variance; targets have variance 1."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A kernel and a noise that may explain the observations.

    noise: the variance between trainings of a network, relative to that between networks. weight: the probability of
    the hypothesis; all weights sum to 1.
    """

    kernel: Kernel
    noise: float
    weight: float


def hypotheses(points: Inputs, targets: NDArray[np.float64]) -> tuple[Hypothesis, ...]:
    """Return the likeliest kernels and noises, the best first, for `targets` with mean 0 and variance 1."""
    sums = SUMS if points.sums.shape[1] else SUMS[:1]
    sizes = SIZES if points.sizes.shape[1] else SIZES[:1]
    pairs = Pairs(points, points)
    scored = [
        (likelihood, kernel, noise)
        for kernel in (Kernel(*parts) for parts in product(LINEAR, LENGTHS, sums, sizes))
        for likelihood, noise in _likelihoods(kernel(pairs), targets)
    ]
    scored.sort(key=lambda each: -each[0])
    best = scored[0][0]
    likely = [each for each in scored[:MAX_HYPOTHESES] if each[0] > best + math.log(MIN_RATIO)]
    total = sum(math.exp(likelihood - best) for likelihood, _, _ in likely)
    return tuple(Hypothesis(kernel, noise, math.exp(each - best) / total) for each, kernel, noise in likely)


def _likelihoods(covariance: Matrix, targets: NDArray[np.float64]) -> Iterator[tuple[float, float]]:
    """Yield a pair for each candidate noise: its log posterior, up to a constant, and the noise itself."""
    values, vectors = eigh(covariance, check_finite=False)
    weights = (vectors.T @ targets) ** 2
    spectra = np.maximum(values, 0) + np.array(NOISE)[:, None]
    fits = SCALE + 0.5 * (weights / spectra).sum(1)
    determinants = np.log(spectra).sum(1)
    for noise, fit, determinant in zip(NOISE, fits.tolist(), determinants.tolist(), strict=True):
        likelihood = -0.5 * determinant - (SHAPE + len(targets) / 2) * math.log(fit)
        yield likelihood - 0.5 * (math.log(noise / LIKELY_NOISE) / LOG_NOISE_STD) ** 2, noise


class Posterior:
    """A hypothesis fitted to the observations. Running trials reduce its variance but do not change its means."""

    def __init__(
        self,
        hypothesis: Hypothesis,
        every: Pairs,
        targets: NDArray[np.float64],
        extra_variance: NDArray[np.float64] | float = 0.0,
    ) -> None:
        """Fit to targets of variance 1.

        every: the pairs of all observed points, followed by the running ones. targets: the targets of the observed
        points. extra_variance: the variance of each target in addition to the variance of a training.
        """
        self.weight, self._kernel = hypothesis.weight, hypothesis.kernel
        count = len(targets)
        across = every.covariance(self._kernel)[:, :count]
        covariance = every.covariance(self._kernel).copy(order="F")
        diagonal = np.einsum("ii->i", covariance)
        diagonal += hypothesis.noise
        diagonal[:count] += extra_variance
        # The Cholesky factor of a leading block is the leading block of the factor.
        self._factor = cholesky(covariance, lower=True, overwrite_a=True, check_finite=False)
        self._solved = cho_solve((self._factor[:count, :count], True), targets, check_finite=False)
        fit = SCALE + 0.5 * float(targets @ self._solved)
        self._scale = fit / (SHAPE + count / 2)
        self.noise = self._scale * hypothesis.noise
        """The variance between two trainings of a network, in units of the targets."""
        self.means: NDArray[np.float64] = across @ self._solved
        """The expected targets of all points in `every`, without noise."""

    def predict(self, points: Inputs, pairs: Pairs) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the expected targets of `points`, without noise, and their standard deviations, all positive.

        pairs: a pair for each fitted point and each of `points`. The fitted points are the observed, then the running
        ones.
        """
        across = pairs.covariance(self._kernel)
        means: NDArray[np.float64] = self._solved @ across[: len(self._solved)]
        # scipy.linalg.solve_triangular computes the same, but its checks take time.
        halves, _ = dtrtrs(self._factor, across, lower=1)
        left = self._kernel.variances(points) - (halves**2).sum(0)
        return means, np.sqrt(self._scale * np.maximum(left, 1e-10))
