"""The pictures of an evaluation: the confusion matrix, the calibration, and the most confident mistakes."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

import numpy as np

from search.data.sheet import captioned_sheet
from search.evaluation.metrics import Evaluation
from search.stats.confidence import share_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BLUE, _ORANGE = "#0072b2", "#d55e00"
"""Two of Okabe and Ito's colours, as in the figures of reports."""
_NUMBERED, _NAMED = 20, 60
"""The largest numbers of classes for which cells show numbers, and for which axes show names."""
_SHOWN = 24
"""The largest number of characters of a class name at an axis; longer names are cut."""


def pictures(evaluation: Evaluation) -> dict[str, bytes]:
    """Return a mapping of names to PNG files: confusion.png, calibration.png and, for any mistakes, mistakes.png."""
    files = {
        "confusion.png": _png(confusion_figure(evaluation)),
        "calibration.png": _png(calibration_figure(evaluation)),
    }
    if evaluation.mistakes:
        files["mistakes.png"] = mistakes_sheet(evaluation)
    return files


def confusion_figure(evaluation: Evaluation) -> Figure:
    """Return a figure of the confusion matrix, whose colours are shares of each true class.

    For up to 20 classes the cells show numbers of images. For up to 60 classes the axes show the names of classes.
    """
    from matplotlib.figure import Figure

    matrix = evaluation.confusion
    count = len(matrix)
    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    side = min(12.0, max(4.5, 2.0 + 0.42 * min(count, _NUMBERED) + 0.06 * max(0, count - _NUMBERED)))
    figure = Figure(figsize=(side + 0.8, side), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.8)
    if count <= _NUMBERED:
        for row, column in zip(*np.nonzero(matrix), strict=True):
            shade = "white" if shares[row, column] > 0.5 else "black"
            number = f"{matrix[row, column]:,}"
            axes.text(column, row, number, ha="center", va="center", color=shade, fontsize=8)
    if count <= _NAMED:
        _name_classes(axes, [_short(name) for name in evaluation.classes])
    axes.set(xlabel="label of the model", ylabel="true class")
    axes.set_title(
        f"{len(evaluation.labels):,} images, accuracy {evaluation.accuracy:.4f}",
        fontsize=11,
        parse_math=False,
    )
    return figure


def calibration_figure(evaluation: Evaluation) -> Figure:
    """Return a figure of accuracy over confidence in bins, with the number of images in each bin below."""
    from matplotlib.figure import Figure

    rows = [row for row in evaluation.calibration() if row["images"]]
    figure = Figure(figsize=(5.2, 5.2), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(3, 1), sharex=True)
    above.plot([0, 1], [0, 1], color="#777777", ls="--", lw=1, label="as confident as right")
    xs, ys = [row["confidence"] for row in rows], [row["accuracy"] for row in rows]
    ends = [share_interval(round(row["accuracy"] * row["images"]), row["images"]) for row in rows]
    reach = [
        [y - low for y, (low, _) in zip(ys, ends, strict=True)],
        [high - y for y, (_, high) in zip(ys, ends, strict=True)],
    ]
    label = "this model, with 95 % intervals"
    above.errorbar(xs, ys, reach, fmt="o", ms=5, elinewidth=1, capsize=2, color=_BLUE, label=label)
    above.axhline(evaluation.accuracy, color=_ORANGE, lw=1, label=f"accuracy {evaluation.accuracy:.4f}")
    above.set(ylabel="accuracy", ylim=(-0.02, 1.02), xlim=(0, 1))
    above.set_title(f"expected calibration error {evaluation.calibration_error:.4f}", fontsize=11)
    above.grid(alpha=0.3)
    above.legend(fontsize=8, frameon=False)
    middles = [(row["from"] + row["to"]) / 2 for row in rows]
    widths = [0.9 * (row["to"] - row["from"]) for row in rows]
    below.bar(middles, [row["images"] for row in rows], widths, color=_BLUE)
    below.set(xlabel="confidence: probability of the label", ylabel="images")
    below.grid(axis="y", alpha=0.3)
    return figure


def mistakes_sheet(evaluation: Evaluation) -> bytes:
    """Return a PNG with the most confident mistakes: the true class, and the label with its probability."""
    captions = [(m.true, f"{m.probability:.2f} {m.label}") for m in evaluation.mistakes]
    title = "Black: the true class. Red: the model's label, with its probability."
    return captioned_sheet([mistake.image for mistake in evaluation.mistakes], captions, title)


def _name_classes(axes: Axes, names: list[str]) -> None:
    size = 8 if len(names) <= _NUMBERED else 6
    places = range(len(names))
    # Dollar signs in names are text, not formulas.
    axes.set_xticks(places, names, rotation=90, fontsize=size, parse_math=False)
    axes.set_yticks(places, names, fontsize=size, parse_math=False)


def _short(name: str) -> str:
    """Return a class name in one line of up to `_SHOWN` printable characters."""
    line = "".join(char if char.isprintable() else "?" for char in name)
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"


def _png(figure: Figure) -> bytes:
    content = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # matplotlib's font lacks some scripts.
        figure.savefig(content, format="png", dpi=110)
    return content.getvalue()
