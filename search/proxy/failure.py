"""The exception for a failure that the network, not the machine, is to blame for."""

from __future__ import annotations

import math
from collections.abc import Sequence


class TrialFailed(Exception):
    """A network that cannot be trained as asked: it diverged, say. The same trial would fail again.

    Everything else that an evaluation raises is the machine's fault, and worth another attempt.
    """


def require_finite(losses: Sequence[float], epoch: int) -> float:
    """Return the mean of an epoch's `losses` so far. Raises `TrialFailed` if one of them is not a finite number."""
    for step, value in enumerate(losses):
        if not math.isfinite(value):
            raise TrialFailed(f"The training loss became {value} at step {step + 1} of epoch {epoch + 1}.")
    return math.fsum(losses) / len(losses)
