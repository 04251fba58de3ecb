"""Failures in a row for one reason: a sign that no other trial will fare better."""

from __future__ import annotations

import math
import re
import time


class Failures:
    """The failures since the last success."""

    def __init__(self, most: int) -> None:
        """most: after so many for one reason the run is to stop."""
        self._most = most
        self._reasons: list[str] = []
        self.latest = -math.inf
        """When the latest happened, on the monotonic clock."""

    def add(self, reason: str) -> str:
        """Counts a failure. Returns why the run is to stop, "" while it is not."""
        self.latest = time.monotonic()
        self._reasons.append(reason)
        # "diverged at step 12" and "diverged at step 40" are one reason.
        kinds = {re.sub(r"\d+", "#", failure) for failure in self._reasons[-self._most :]}
        stops = len(self._reasons) >= self._most and len(kinds) == 1
        return f"{self._most} failures in a row: {reason}" if stops else ""

    def end(self) -> None:
        """A trial went well."""
        self._reasons.clear()
