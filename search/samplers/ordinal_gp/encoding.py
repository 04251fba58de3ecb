"""Points as vectors in which similar options are near one another."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from space import Choice, Point

Vectors = NDArray[np.float64]


class Encoding:
    """A code for points: one axis for a choice with ordered or at most two options, else one axis for each option.

    Ordered options have evenly spaced values. Over all options, every axis has mean 0. A choice of `c` options has
    variance 1 on its single axis, or 1 - 1/c on all of its axes together. A choice that is not active at a point has
    code 0 there, the mean, so that points that differ only in such choices have one code.

    A choice that occurs in several stages, such as the kernel, may have similar effects in all of them. It therefore
    also has axes for the sums of its codes, which the model weights by their likelihood. spread, spread_of_sums: the
    total variance of the codes, and of the sums, where every choice is active.

    Leave-one-out predictions of the losses of 49 networks around MobileNetV1 explain 74 % of their variance; 63 %
    without the sums, 59 % without the zeros of inactive choices, 43 % without both (lab book, what the model sees of
    a point).
    """

    def __init__(self, choices: Sequence[Choice], active: Callable[[Point], Sequence[bool]]) -> None:
        """Prepare the axes. active: a function from a point to one flag for each choice, True if it is active."""
        self._active = active
        self._axes = [_axes(len(choice.options), choice.ordered) for choice in choices]
        self._groups = _groups(choices)
        variances = [float(axes.var(axis=0).sum()) for axes in self._axes]
        self.spread = sum(variances) or 1.0
        self.spread_of_sums = sum(variances[choice] for group in self._groups for choice in group) or 1.0

    def __call__(self, points: Sequence[Point]) -> tuple[Vectors, Vectors]:
        """Return two arrays with one row for each point: the codes, and the sums of codes over stages."""
        shape = len(points), len(self._axes)
        indices = np.array(points, dtype=int).reshape(shape)
        active = np.array([self._active(point) for point in points], dtype=float).reshape(*shape, 1)
        own = [axes[indices[:, choice]] * active[:, choice] for choice, axes in enumerate(self._axes)]
        sums = [np.sum([own[choice] for choice in group], axis=0) for group in self._groups]
        none = np.zeros((len(points), 0))
        return np.hstack([none, *own]), np.hstack([none, *sums])


def _axes(count: int, ordered: bool) -> Vectors:
    """Return the coordinates of the `count` options of a choice, one row for each option."""
    if ordered or count < 3:
        values = np.arange(count, dtype=float) - (count - 1) / 2
        return (values / (values.std() or 1.0))[:, None]
    return np.eye(count) - 1 / count


def _groups(choices: Sequence[Choice]) -> list[list[int]]:
    """Return groups of indices of choices; each group has the same choice in several stages.

    The names in a group differ only in the number of the stage. Unordered choices also have the same options.
    """
    groups: dict[object, list[int]] = {}
    for index, choice in enumerate(choices):
        part, _, rest = choice.name.partition(".")
        field = rest.partition(".")[2] if part == "stages" else choice.name
        groups.setdefault((part, field, None if choice.ordered else choice.options), []).append(index)
    return [group for group in groups.values() if len(group) > 1]
