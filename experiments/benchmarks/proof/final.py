"""The networks that `proof` compares: a file that keeps them, and the table and figure of their accuracies."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from search.files import write_file
from search.stats.differences import Differences
from search.tables.units import plural
from space import cost, decode

SEARCHED = "searched"
"""The value of `Contender.family` for all searched networks."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A network that is compared under a latency limit.

    family: the name of the rival, or `SEARCHED`. The networks of a family share a learning rate. rate: the factor of
    the recipe's learning rate; None: the factor of the family. more: other settings of the recipe. ms: the measured
    latency in milliseconds; None if unknown.
    """

    name: str
    network: str
    family: str
    rate: float | None = None
    more: tuple[tuple[str, Any], ...] = ()
    ms: float | None = None


def write_contenders(file: Path, every: Sequence[Contender]) -> None:
    """Write networks to a JSON file."""
    write_file(file, json.dumps([asdict(one) for one in every], indent=1) + "\n")


def read_contenders(file: Path) -> list[Contender]:
    """Return the networks in a file of `write_contenders`. Raises `FileNotFoundError` if it does not exist."""
    every = json.loads(file.read_text("utf-8"))
    return [Contender(**{**values, "more": tuple(map(tuple, values["more"]))}) for values in every]


def table(every: Sequence[Contender], differences: Differences) -> Iterator[str]:
    """Yield the lines of a Markdown table of the networks. Each is compared with the first, a searched network.

    differences: the differences between the networks, in the same order.
    """
    count = len(differences.accuracies[0])
    yield f"| network | params | MACs | ms | accuracy, {plural(count, 'seed')} | first less it |"
    yield "|---|---:|---:|---:|---:|---:|"
    for place, one in enumerate(every):
        spent, own, lead = (
            cost(decode(one.network)),
            differences.mean(place),
            differences.difference(0, place),
        )
        less = ""
        if place:
            less = f"{lead.mean:+.2%}"
            less += f" ({lead.low:+.2%} to {lead.high:+.2%})" if lead.half is not None else ""
            less += " *" * lead.significant
        half = f" +- {own.half:.2%}" if own.half is not None else ""
        ms = f"{one.ms:.3f}" if one.ms else ""
        shown = f"{own.mean:.2%}{half}"
        yield f"| {one.name} | {spent.params:,} | {spent.macs / 1e6:.1f}M | {ms} | {shown} | {less} |"
    yield f"* differs beyond chance, over seeds and {differences.images} images, adjusted for all pairs"


def draw(every: Sequence[Contender], differences: Differences, split: str, out: Path) -> None:
    """Draw the mean accuracies with comparison bars, and a point for each training, to `out` with .png and .svg.

    split: the name of the images for the axis, such as "test".
    """
    from matplotlib.figure import Figure

    from search.report.figures import written
    from search.report.palette import GREY, PALETTE

    order = sorted(range(len(every)), key=lambda place: differences.means[place])
    figure = Figure(figsize=(6.4, 1.1 + 0.34 * len(every)), layout="constrained")
    axes = figure.subplots()
    for row, place in enumerate(order):
        one = every[place]
        ours = one.family == SEARCHED and "random" not in one.name
        colour = PALETTE[0 if ours else GREY]
        mean, half = differences.means[place], comparison_bar(differences, place)
        trainings = [100 * value for value in differences.accuracies[place]]
        axes.plot(trainings, [row] * len(trainings), "o", color=colour, markersize=4, alpha=0.3, mew=0)
        axes.errorbar(100 * mean, row, xerr=100 * half, fmt="o", color=colour, markersize=7, capsize=3)
    axes.set_yticks(range(len(order)), [_label(every[place]) for place in order], fontsize=8)
    axes.set_xlabel(f"accuracy of {differences.images:,} {split} images in %", fontsize=9)
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    written(figure, out)


def comparison_bar(differences: Differences, place: int) -> float:
    """Return half the length of the bar of a network, such that two bars overlap if the difference may be chance.

    It is half of the mean half-width of the network's differences to all others. The intervals of differences are
    almost of one width, so the rule holds but for bars that just touch. Returns 0 if there are no intervals.
    """
    others = (other for other in range(len(differences.accuracies)) if other != place)
    halves = [differences.difference(place, other).half or 0.0 for other in others]
    return statistics.fmean(halves) / 2


def _label(one: Contender) -> str:
    ms = f", {one.ms:.2f} ms" if one.ms else ""
    return f"{one.name}{ms}, {cost(decode(one.network)).params / 1e3:.0f}k params"
