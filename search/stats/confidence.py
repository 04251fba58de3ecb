"""The confidence level of all intervals, and the quantiles of Student's t for it."""

from __future__ import annotations

import math

CONFIDENCE = 0.95
"""The level of every interval that is shown. In tables and pages it holds for all of their comparisons at once."""


def t_quantile(freedom: float, comparisons: int = 1) -> float:
    """Return the two-sided quantile of Student's t at `CONFIDENCE`, by Bonferroni for several comparisons."""
    # scipy.special is imported in a tenth of the time of scipy.stats.
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 1 - (1 - CONFIDENCE) / 2 / comparisons))


def image_deviation(accuracy: float, images: int) -> float:
    """Return the standard deviation of an accuracy due to the choice of so many images.

    It counts two more images as right and two more as wrong (Agresti and Coull 1998), or it would be 0 at 0 and 1.
    """
    around = (accuracy * images + 2) / (images + 4)
    return math.sqrt(around * (1 - around) / (images + 4))


def share_interval(right: int, total: int) -> tuple[float, float]:
    """Return Wilson's interval at `CONFIDENCE` of the share that `right` of `total` images estimate, each 0 to 1."""
    from scipy.special import ndtri

    z = float(ndtri(1 - (1 - CONFIDENCE) / 2))
    share, weight = right / total, z * z / total
    middle = (share + weight / 2) / (1 + weight)
    half = z * math.sqrt(share * (1 - share) / total + weight / (4 * total)) / (1 + weight)
    # Rounding must not put the share itself outside, where it is 0 or 1.
    return min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half))
