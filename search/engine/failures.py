"""The count of failures in a row for one reason, which suggest that all other trials will fail too."""

from __future__ import annotations

import math
import re
import time


class Failures:
    """The failures since the last success."""

    def __init__(self, max_failures: int) -> None:
        """Begin without failures.

        max_failures: the number of failures in a row for one reason that stop the run.
        """
        self._max = max_failures
        self._reasons: list[str] = []
        self.latest = -math.inf
        """The time of the latest failure, on the monotonic clock."""

    def add(self, reason: str) -> str:
        """Count a failure. Return the reason why the run has to stop, "" if it continues."""
        self.latest = time.monotonic()
        self._reasons.append(reason)
        # "diverged at step 12" and "diverged at step 40" are one reason.
        kinds = {re.sub(r"\d+", "#", failure) for failure in self._reasons[-self._max :]}
        stops = len(self._reasons) >= self._max and len(kinds) == 1
        return f"{self._max} failures in a row: {reason}" if stops else ""

    def end(self) -> None:
        """Forget the failures: a trial has succeeded."""
        self._reasons.clear()
