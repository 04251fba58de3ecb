"""Covariance functions over points, and the parts of them that several kernels share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.samplers.ordinal_gp.encoding import Vectors

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Inputs:
    """The inputs of the model, with one row per point.

    codes: the codes of the choices (see `Encoding`), scaled to a total variance of 1. sizes: the standardised
    logarithms of MACs and params; without columns if the model does not use sizes.
    """

    codes: Vectors
    sizes: Vectors

    def __len__(self) -> int:
        return len(self.codes)


class Pairs:
    """All pairs of the n points of `one` with the m points of `other`.

    inner, sizes: the inner products (n, m) of the codes and of the sizes. The results of `smooth` and `covariance`
    are kept, so kernels with the same length scale share a matrix, and hypotheses with the same kernel a covariance.
    """

    def __init__(self, one: Inputs, other: Inputs) -> None:
        self.inner: Matrix = one.codes @ other.codes.T
        self.sizes: Matrix = one.sizes @ other.sizes.T
        squares = (one.codes**2).sum(1)[:, None] + (other.codes**2).sum(1) - 2 * self.inner
        self._squares = np.maximum(squares, 0, out=squares)
        self._smooth: dict[float, Matrix] = {}
        self._covariances: dict[Kernel, Matrix] = {}

    def smooth(self, length: float) -> Matrix:
        """Return the squared exponential (n, m) of the distances between codes, for this length scale."""
        if length not in self._smooth:
            exponents = -0.5 * self._squares
            exponents /= length**2
            self._smooth[length] = np.exp(exponents, out=exponents)
        return self._smooth[length]

    def covariance(self, kernel: Kernel) -> Matrix:
        """Return the covariance (n, m) of every pair. It is shared, so it must not be changed."""
        if kernel not in self._covariances:
            self._covariances[kernel] = kernel(self)
        return self._covariances[kernel]


@dataclass(frozen=True, slots=True)
class Kernel:
    """A covariance function: the sum of 1, a part over the codes of the choices and a part over network sizes.

    The part over codes is the sum of a linear and a smooth (squared exponential) function. linear: the share of the
    linear function. length: the length scale of the smooth function. sizes: the share of the part over sizes.
    Shares are in 0..1.
    """

    linear: float
    length: float
    sizes: float

    def __call__(self, pairs: Pairs) -> Matrix:
        """Return the covariance (n, m) of every pair."""
        covariance = self.linear * pairs.inner
        covariance += (1 - self.linear) * pairs.smooth(self.length)
        if self.sizes:
            covariance *= 1 - self.sizes
        covariance += 1
        if self.sizes:
            covariance += self.sizes * pairs.sizes
        return covariance

    def variances(self, points: Inputs) -> Matrix:
        """Return the variance of every point: the diagonal of `self(Pairs(points, points))`."""
        codes = self.linear * (points.codes**2).sum(1) + 1 - self.linear
        diagonal: Matrix = 1 + (1 - self.sizes) * codes + self.sizes * (points.sizes**2).sum(1)
        return diagonal
