"""Gaussian process regression, its kernels weighed by how likely each makes what was observed.

A kernel is a mixture of a constant, a linear and a smooth (squared exponential) part over the codes, and a linear
part over sizes. Few trials tell little about the mixture, so none is picked: the predictions of those that the
marginal likelihood leaves stand beside one another with their weights. The scale of the whole is integrated out.
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
"""What share of the codes' part is linear."""
LENGTHS = (0.5, 1.0, 2.0)
"""Of the smooth part, in units in which two random points are sqrt(2) apart."""
SIZES = (0.0, 0.5)
"""What share sizes have."""
NOISE = (1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.3, 1.0)
"""The variance between two trainings of a network, over that between networks."""
LIKELY_NOISE, DOUBT = 0.01, 2.0
"""The logarithm of the noise is expected to be around this one's, with this standard deviation: it is 0.005 on
NAS-Bench-Macro, and up to 0.3 on proxies of a minute."""
KEPT, UNLIKELY = 6, 1e-2
"""At most so many kernels are kept, none that is so much less likely than the likeliest."""
SHAPE = SCALE = 1.0
"""Of the inverse gamma distribution that the variance is expected from; targets have the variance 1."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """Points as the model sees them, a row for each. codes: in units in which they have unit variance in all."""

    codes: Vectors
    sizes: Vectors

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True, slots=True)
class Kernel:
    """linear, sizes: shares of the whole. length: of the smooth part, which has the rest."""

    linear: float
    length: float
    sizes: float

    def __call__(self, one: Inputs, other: Inputs) -> NDArray[np.float64]:
        """The covariance of every point of one with every point of the other."""
        inner = one.codes @ other.codes.T
        squares = (one.codes**2).sum(1)[:, None] + (other.codes**2).sum(1) - 2 * inner
        smooth = np.exp(-0.5 * np.maximum(squares, 0) / self.length**2)
        codes = self.linear * inner + (1 - self.linear) * smooth
        covariance: NDArray[np.float64] = (
            1 + (1 - self.sizes) * codes + self.sizes * (one.sizes @ other.sizes.T)
        )
        return covariance

    def variances(self, points: Inputs) -> NDArray[np.float64]:
        """The diagonal of `self(points, points)`."""
        codes = self.linear * (points.codes**2).sum(1) + 1 - self.linear
        diagonal: NDArray[np.float64] = 1 + (1 - self.sizes) * codes + self.sizes * (points.sizes**2).sum(1)
        return diagonal


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What may lie behind the observations. weight: all that are considered sum to 1."""

    kernel: Kernel
    noise: float
    weight: float


def hypotheses(points: Inputs, targets: NDArray[np.float64]) -> tuple[Hypothesis, ...]:
    """The likeliest kernels and noises for `targets`, which have the mean 0 and the variance 1, the best first."""
    shares = SIZES if points.sizes.shape[1] else SIZES[:1]
    scored = [
        (likelihood, kernel, noise)
        for kernel in (Kernel(*parts) for parts in product(LINEAR, LENGTHS, shares))
        for likelihood, noise in _likelihoods(kernel, points, targets)
    ]
    scored.sort(key=lambda each: -each[0])
    best = scored[0][0]
    kept = [each for each in scored[:KEPT] if each[0] > best + math.log(UNLIKELY)]
    total = sum(math.exp(likelihood - best) for likelihood, _, _ in kept)
    return tuple(Hypothesis(kernel, noise, math.exp(each - best) / total) for each, kernel, noise in kept)


def _likelihoods(
    kernel: Kernel, points: Inputs, targets: NDArray[np.float64]
) -> Iterator[tuple[float, float]]:
    """The logarithm of the posterior, up to a constant, of each noise there can be, and that noise."""
    values, vectors = eigh(kernel(points, points), check_finite=False)
    weights = (vectors.T @ targets) ** 2
    for noise in NOISE:
        spectrum = np.maximum(values, 0) + noise
        fit = SCALE + 0.5 * float((weights / spectrum).sum())
        likelihood = -0.5 * float(np.log(spectrum).sum()) - (SHAPE + len(points) / 2) * math.log(fit)
        yield likelihood - 0.5 * (math.log(noise / LIKELY_NOISE) / DOUBT) ** 2, noise


class Posterior:
    """What a hypothesis says after observations; trials that still run narrow it, and move no mean."""

    def __init__(
        self,
        hypothesis: Hypothesis,
        points: Inputs,
        targets: NDArray[np.float64],
        running: Inputs,
        doubts: NDArray[np.float64] | float = 0.0,
    ) -> None:
        """doubts: the variance of each target beyond that of a training, in units in which targets have 1."""
        self.weight, self._kernel = hypothesis.weight, hypothesis.kernel
        every = Inputs(np.vstack([points.codes, running.codes]), np.vstack([points.sizes, running.sizes]))
        covariance = self._kernel(every, every)
        diagonal = np.einsum("ii->i", covariance)
        diagonal += hypothesis.noise
        diagonal[: len(points)] += doubts
        self._points, self._every = points, every
        # The factor of a leading block is the leading block of the factor.
        self._factor = cholesky(covariance, lower=True, check_finite=False)
        own = self._factor[: len(points), : len(points)]
        self._solved = cho_solve((own, True), targets, check_finite=False)
        fit = SCALE + 0.5 * float(targets @ self._solved)
        self._scale = fit / (SHAPE + len(points) / 2)
        self.noise = self._scale * hypothesis.noise
        """The variance from one training of a network to another, in the units of the targets."""

    def mean(self, points: Inputs) -> NDArray[np.float64]:
        """What networks are worth, noise apart."""
        means: NDArray[np.float64] = self._kernel(points, self._points) @ self._solved
        return means

    def deviation(self, points: Inputs) -> NDArray[np.float64]:
        """How far off the mean may be: its standard deviation, positive."""
        halves = solve_triangular(
            self._factor, self._kernel(self._every, points), lower=True, check_finite=False
        )
        left = self._kernel.variances(points) - (halves**2).sum(0)
        deviations: NDArray[np.float64] = np.sqrt(self._scale * np.maximum(left, 1e-10))
        return deviations
