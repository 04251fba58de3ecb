"""The precision of a search: which differences between its accuracies may be chance."""

from __future__ import annotations

import math

from search.config import Config
from search.proxy.proxy import merged_widths


def chance(images: int) -> float:
    """Return the difference of two accuracies (0 to 1) on `images` images that chance exceeds once in twenty times.

    It is the 95 % half-width for two independent accuracies of 50 %, the most uncertain ones.
    """
    return 1.96 * math.sqrt(0.5 / images)


def outlook(config: Config, train: int, validation: int) -> tuple[str, ...]:
    """Return lines on the precision of a search, with a warning if the proxy does not tell some widths apart.

    train, validation: the numbers of images.
    """
    proxy = config.proxy
    count = min(proxy.images or train, train)
    validated = min(proxy.validation_images or validation, validation)
    steps = proxy.epochs * max(1, count // proxy.batch)
    points = 100 * chance(validated)
    line = (
        f"{validated:,} validation images: differences under {points:.{0 if points >= 2 else 1}f} points between two"
        f" networks may be chance; {steps:,} steps a training"
    )
    merged = "; ".join(merged_widths(config.space, proxy))
    if not merged:
        return (line,)
    advice = "try a smaller proxy.divisor or a larger proxy.width"
    return line, f"warning: the proxy trains the same network for some widths ({merged}); {advice}"
