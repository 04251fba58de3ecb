"""Where the candidates of a fit stand in the plane of alpha and gamma, for whoever draws it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from search.tables.table import Row

_APART = 0.36
"""Of a step of the grid: how far apart candidates are drawn that differ in beta alone."""


def places(rows: Sequence[Row], step: float) -> list[tuple[float, float]]:
    """Where each row is drawn: candidates of equal alpha and gamma stand side by side, by beta."""
    groups: dict[tuple[float, float], list[float]] = defaultdict(list)
    for row in rows:
        groups[row["alpha"], row["gamma"]].append(row["beta"])
    found = []
    for row in rows:
        betas = sorted(groups[row["alpha"], row["gamma"]])
        aside = (betas.index(row["beta"]) - (len(betas) - 1) / 2) * _APART * step
        found.append((row["alpha"] + aside, row["gamma"]))
    return found
