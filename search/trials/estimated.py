"""The estimation of accuracies from accuracies and validation losses, which is less noisy than accuracies alone."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from search.proxy.evaluate import Result

MIN_TRIALS = 5
"""The smallest number of trials for which losses enter the estimates."""
LOSS_WEIGHT = 0.75
"""The weight of the loss in an estimate. The loss agrees better with the ranking by longer trainings than the
accuracy does: Kendall's tau is 0.05 higher on the 256 networks of the table `effv2_mini` (interval 0.02 to 0.07). On
this table, the loss alone (a weight of 1) agrees best."""


def estimated_accuracies(results: Sequence[Result]) -> list[float]:
    """Return an estimate for each accuracy. The estimates have about the mean and the spread of the accuracies.

    An estimate is the weighted mean of the accuracy and of the negative logarithm of the loss, which is shifted and
    scaled to the mean and standard deviation of the accuracies. With fewer than `MIN_TRIALS` trials, with a loss of 0
    or less, or if all accuracies or all losses are equal, the estimates are the accuracies.
    """
    return mixture([result.accuracy for result in results], [result.loss for result in results], LOSS_WEIGHT)


def mixture(accuracies: list[float], losses: Sequence[float], weight: float) -> list[float]:
    """Return an estimate of each accuracy, 0 to 1, in which its loss has `weight`, 0 to 1.

    Returns `accuracies` unchanged for fewer than `MIN_TRIALS`, for a loss of 0 or less, and if all accuracies or all
    losses are equal.
    """
    if len(losses) < MIN_TRIALS or any(loss <= 0 for loss in losses):
        return accuracies
    # In logarithms, a network that learned nothing has less influence on the scale.
    losses = [-math.log(loss) for loss in losses]
    mean, spread = statistics.fmean(accuracies), statistics.pstdev(accuracies)
    loss_mean, loss_spread = statistics.fmean(losses), statistics.pstdev(losses)
    if not spread or not loss_spread:
        return accuracies
    calibrated = (mean + (loss - loss_mean) * spread / loss_spread for loss in losses)
    return [
        min(1.0, max(0.0, (1 - weight) * accuracy + weight * by_loss))
        for accuracy, by_loss in zip(accuracies, calibrated, strict=True)
    ]
