"""Points as vectors in which alike options are near one another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from space import Choice, Point

Vectors = NDArray[np.float64]


class Encoding:
    """Ordered options are evenly spaced on an axis, of three or more others each has its own.

    Over all points, every axis has the mean 0, and every choice of `c` options a variance of 1 on its one axis or
    of 1 - 1/c on all of its own. spread: the sum of these variances.
    """

    def __init__(self, choices: Sequence[Choice]) -> None:
        self._axes = [_axes(len(choice.options), choice.ordered) for choice in choices]
        self.spread = float(sum(axes.var(axis=0).sum() for axes in self._axes)) or 1.0

    def __call__(self, points: Sequence[Point]) -> Vectors:
        """A row for each point."""
        indices = np.array(points, dtype=int).reshape(len(points), len(self._axes))
        columns = [axes[indices[:, choice]] for choice, axes in enumerate(self._axes)]
        return np.hstack([np.zeros((len(points), 0)), *columns])


def _axes(count: int, ordered: bool) -> Vectors:
    """The coordinates of each of `count` options, in a row."""
    if ordered or count < 3:
        places = np.arange(count, dtype=float) - (count - 1) / 2
        return (places / (places.std() or 1.0))[:, None]
    return np.eye(count) - 1 / count
