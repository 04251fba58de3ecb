"""The confidence level of all intervals, and the quantiles of Student's t for it."""

from __future__ import annotations

import math

CONFIDENCE = 0.95
"""The confidence level of all intervals. In a table or a page it holds for all comparisons there together."""


def t_quantile(freedom: float, comparisons: int = 1) -> float:
    """Return the two-sided quantile of Student's t at `CONFIDENCE`, corrected by Bonferroni for `comparisons`.

    freedom: the degrees of freedom.
    """
    # scipy.special is imported in a tenth of the time of scipy.stats.
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 1 - (1 - CONFIDENCE) / 2 / comparisons))


def image_deviation(accuracy: float, images: float) -> float:
    """Return the standard deviation of an accuracy due to the random choice of the `images` it is measured on.

    Two more images are counted as right and two as wrong (Agresti and Coull 1998). Otherwise the deviation would be
    0 for an accuracy of 0 or 1.
    """
    around = (accuracy * images + 2) / (images + 4)
    return math.sqrt(around * (1 - around) / (images + 4))


def share_interval(right: int, total: int) -> tuple[float, float]:
    """Return the bounds (0 to 1) of Wilson's interval at `CONFIDENCE` for an accuracy: `right` of `total` images."""
    from scipy.special import ndtri

    z = float(ndtri(1 - (1 - CONFIDENCE) / 2))
    share, weight = right / total, z * z / total
    middle = (share + weight / 2) / (1 + weight)
    half = z * math.sqrt(share * (1 - share) / total + weight / (4 * total)) / (1 + weight)
    # Rounding must not exclude the share itself if it is 0 or 1.
    return min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half))
