"""Quantiles of the studentized range, by which Tukey's test compares several means at once.

scipy.stats has them too, but its import takes longer than everything else that a short command does.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_NODES = 96
"""The number of points of each Gauss-Legendre rule: quantiles are exact to three digits for 2 to 5,000 means."""


@lru_cache(maxsize=4096)
def range_quantile(probability: float, means: int, freedom: float) -> float:
    """Return the quantile of the range of `means` equal means, in units of their standard error.

    probability: 0 to below 1. freedom: the degrees of freedom of the standard error; infinite if the error is known.
    """
    low, high = 0.0, 1.0
    while range_probability(high, means, freedom) < probability:
        low, high = high, 2 * high
    while high - low > 1e-6 * high:
        middle = (low + high) / 2
        if range_probability(middle, means, freedom) < probability:
            low = middle
        else:
            high = middle
    return high


def range_probability(value: float, means: int, freedom: float) -> float:
    """Return the probability that the studentized range of `means` equal means is at most `value`.

    freedom: the degrees of freedom of the standard error; infinite if the error is known. The range of k = `means`
    normal variables (k times the integral of phi(z) (Phi(z) - Phi(z - w))^(k - 1)) is averaged over the distribution
    of the estimated standard error.
    """
    import numpy as np
    from scipy.special import chdtri, ndtr

    z, weights = _rule(-8.0, 8.0)
    densities = weights * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    if math.isinf(freedom):
        errors, shares = np.ones(1), np.ones(1)
    else:
        levels, shares = _rule(0.0, 1.0)
        errors = np.sqrt(chdtri(freedom, levels) / freedom)
    widths = value * errors[:, None]
    inside = np.maximum(ndtr(z) - ndtr(z - widths), 0.0) ** (means - 1)
    return float(min(1.0, shares @ (means * inside @ densities)))


@cache
def _rule(low: float, high: float) -> tuple[Array, Array]:
    """Return nodes and weights of the Gauss-Legendre rule between two limits."""
    import numpy as np

    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return low + (high - low) * (nodes + 1) / 2, weights * (high - low) / 2
