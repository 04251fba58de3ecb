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

    codes: the codes of the choices (see `Encoding`), scaled to a total variance of 1. sums: the sums of the codes of
    a choice over stages (see `Encoding`), scaled alike; without columns if there are none. sizes: the standardised
    logarithms of MACs and params; without columns if the model does not use sizes.
    """

    codes: Vectors
    sums: Vectors
    sizes: Vectors

    def __len__(self) -> int:
        return len(self.codes)


class Pairs:
    """All pairs of the n points of `one` with the m points of `other`.

    sizes: the inner products (n, m) of the sizes. The results of the methods are cached: kernels with the same
    parameters share their matrices, and hypotheses with the same kernel share its covariance.
    """

    def __init__(self, one: Inputs, other: Inputs) -> None:
        self.sizes: Matrix = one.sizes @ other.sizes.T
        self._codes, self._sums = _products(one.codes, other.codes), _products(one.sums, other.sums)
        self._mixed: dict[float, tuple[Matrix, Matrix]] = {}
        self._smooth: dict[tuple[float, float], Matrix] = {}
        self._covariances: dict[Kernel, Matrix] = {}

    def inner(self, sums: float) -> Matrix:
        """Return the inner products (n, m) of codes and sums, mixed. sums: the share of the sums, 0 to 1."""
        return self._mix(sums)[0]

    def smooth(self, length: float, sums: float) -> Matrix:
        """Return the squared exponential (n, m) of the distances between codes.

        length: the length scale. sums: the share of the sums in the squared distances, 0 to 1.
        """
        if (length, sums) not in self._smooth:
            exponents = -0.5 * self._mix(sums)[1]
            exponents /= length**2
            self._smooth[length, sums] = np.exp(exponents, out=exponents)
        return self._smooth[length, sums]

    def _mix(self, sums: float) -> tuple[Matrix, Matrix]:
        if not sums:
            return self._codes
        if sums not in self._mixed:
            inner, squares = (
                (1 - sums) * own + sums * other for own, other in zip(self._codes, self._sums, strict=True)
            )
            self._mixed[sums] = inner, squares
        return self._mixed[sums]

    def covariance(self, kernel: Kernel) -> Matrix:
        """Return the covariance (n, m) of every pair. The array is cached, so it must not be changed."""
        if kernel not in self._covariances:
            self._covariances[kernel] = kernel(self)
        return self._covariances[kernel]


def _products(one: Vectors, other: Vectors) -> tuple[Matrix, Matrix]:
    """Return the inner products (n, m) of all pairs of rows, and their squared distances."""
    inner = one @ other.T
    squares = (one**2).sum(1)[:, None] + (other**2).sum(1) - 2 * inner
    return inner, np.maximum(squares, 0, out=squares)


@dataclass(frozen=True, slots=True)
class Kernel:
    """A covariance function: the sum of 1, a part over the codes of the choices and a part over network sizes.

    The part over codes is the sum of a linear and a smooth (squared exponential) function. linear: the share of the
    linear function. length: the length scale of the smooth function. sums: the share of the sums over stages (see
    `Encoding`) in the codes. sizes: the share of the part over sizes. Shares are in 0..1.
    """

    linear: float
    length: float
    sums: float
    sizes: float

    def __call__(self, pairs: Pairs) -> Matrix:
        """Return the covariance (n, m) of every pair."""
        covariance = self.linear * pairs.inner(self.sums)
        covariance += (1 - self.linear) * pairs.smooth(self.length, self.sums)
        if self.sizes:
            covariance *= 1 - self.sizes
        covariance += 1
        if self.sizes:
            covariance += self.sizes * pairs.sizes
        return covariance

    def variances(self, points: Inputs) -> Matrix:
        """Return the variance of every point: the diagonal of `self(Pairs(points, points))`."""
        squares = (1 - self.sums) * (points.codes**2).sum(1) + self.sums * (points.sums**2).sum(1)
        codes = self.linear * squares + 1 - self.linear
        diagonal: Matrix = 1 + (1 - self.sizes) * codes + self.sizes * (points.sizes**2).sum(1)
        return diagonal
