"""The precision of a search: which differences between its accuracies may be chance."""

from __future__ import annotations

import math

from search.config import Config
from search.data import Dataset
from search.proxy.proxy import merged_widths


def chance(images: float) -> float:
    """Return the difference of two accuracies (0 to 1) that chance exceeds once in twenty times.

    images: the effective number of images (`search.data.Dataset.effective_images`). The two accuracies are assumed to
    be independent and to be 50 %, where they are most uncertain.
    """
    return 1.96 * math.sqrt(0.5 / images)


def outlook(config: Config, data: Dataset) -> tuple[str, ...]:
    """Return lines on the precision of a search, with a warning if the proxy does not tell some widths apart."""
    proxy = config.proxy
    count = len(data.train.labels[: proxy.images])
    validated = len(data.validation.labels[: proxy.validation_images])
    steps = proxy.epochs * max(1, count // proxy.batch)
    points = 100 * chance(data.effective_images(proxy.validation_images))
    line = (
        f"{validated:,} validation images: differences under {points:.{0 if points >= 2 else 1}f} points between two"
        f" networks may be chance; {steps:,} steps a training"
    )
    merged = "; ".join(merged_widths(config.space, proxy))
    if not merged:
        return (line,)
    advice = "try a smaller proxy.divisor or a larger proxy.width"
    return line, f"warning: the proxy trains the same network for some widths ({merged}); {advice}"
