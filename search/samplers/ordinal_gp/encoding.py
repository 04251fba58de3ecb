"""Points as vectors in which similar options are near one another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from space import Choice, Point

Vectors = NDArray[np.float64]


class Encoding:
    """A code for points: one axis for a choice with ordered or at most two options, else one axis for each option.

    Ordered options have evenly spaced values. Over all points, every axis has mean 0. A choice of `c` options has
    variance 1 on its single axis, or 1 - 1/c on all of its axes together. spread: the sum of these variances.
    """

    def __init__(self, choices: Sequence[Choice]) -> None:
        self._axes = [_axes(len(choice.options), choice.ordered) for choice in choices]
        self.spread = float(sum(axes.var(axis=0).sum() for axes in self._axes)) or 1.0

    def __call__(self, points: Sequence[Point]) -> Vectors:
        """Return the codes of `points`, one row for each point."""
        indices = np.array(points, dtype=int).reshape(len(points), len(self._axes))
        columns = [axes[indices[:, choice]] for choice, axes in enumerate(self._axes)]
        return np.hstack([np.zeros((len(points), 0)), *columns])


def _axes(count: int, ordered: bool) -> Vectors:
    """Return the coordinates of the `count` options of a choice, one row for each option."""
    if ordered or count < 3:
        values = np.arange(count, dtype=float) - (count - 1) / 2
        return (values / (values.std() or 1.0))[:, None]
    return np.eye(count) - 1 / count
