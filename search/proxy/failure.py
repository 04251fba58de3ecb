"""The exception for failures that the network causes, and the check of training losses that raises it."""

from __future__ import annotations

import math
from collections.abc import Sequence


class TrialFailed(Exception):
    """The exception for a network that cannot be trained as requested, for example because its training diverges.

    The same trial would fail again. Any other exception in an evaluation is attributed to the machine, and the trial
    can be repeated.
    """


def require_finite(losses: Sequence[float], epoch: int) -> float:
    """Return the mean of `losses`. Raises `TrialFailed` if one of them is not a finite number.

    losses: the losses of the steps of an epoch so far. epoch: the number of the epoch, counted from 0.
    """
    for step, value in enumerate(losses):
        if not math.isfinite(value):
            raise TrialFailed(f"The training loss became {value} at step {step + 1} of epoch {epoch + 1}.")
    return math.fsum(losses) / len(losses)
