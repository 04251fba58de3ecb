"""The tables and the figure of the numbers of trials that samplers need to reach each level (see `Benchmark`)."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.benchmarks.samplers.tabular.problem import Benchmark
from experiments.benchmarks.samplers.tabular.significance import (
    DRAWN,
    Comparison,
    Interval,
    believed,
    comparisons,
    cost,
    levels,
    median_of,
    per_seed,
    quantile,
    spent,
)
from experiments.benchmarks.samplers.tabular.simulation import Searched
from search.files import write_file

CHECKPOINTS = (16, 32, 64, 128, 256)
"""The numbers of trials at which regrets are reported."""
NEAR = 64
"""The number of trials at which `Row.near` is reported."""
_MARKS = (("o", 0.12), ("^", -0.12), ("s", 0.0))
"""The markers of the levels in the figure, and their vertical shifts."""
OURS = "auto"
"""The sampler that the others are compared with. If it has no searches, the first sampler takes its place."""


@dataclass(frozen=True, slots=True)
class Row:
    """The results of a sampler with a number of workers.

    regrets: for each checkpoint that all searches reached, the median true regret of their selected networks, in
    percent of the best reward. near: the share of searches whose selected network after `NEAR` trials is within one
    standard deviation (between seeds) of the best; None with too few trials or seeds. costs: the trials to each
    level. most: the trials within which 90 % of searches reach each level. never: the share of searches that do not
    reach it. seconds: the median simulated time to the first level. ms_per_trial: the driver's CPU time for a trial,
    in milliseconds.
    """

    sampler: str
    workers: int
    searches: int
    trials: int
    regrets: Mapping[int, float]
    costs: Mapping[int, Interval]
    most: Mapping[int, float]
    never: Mapping[int, float]
    near: float | None
    seconds: float
    ms_per_trial: float


def rows(problem: Benchmark, runs: Sequence[Searched]) -> list[Row]:
    """Return a row for each sampler and number of workers, sorted by trials to the first level."""
    reach = levels(problem)
    kinds = dict.fromkeys((run.sampler, run.workers) for run in runs)
    table = [_row(problem, name, workers, _of(runs, name, workers), reach) for name, workers in kinds]
    first = min(reach, default=0)
    return sorted(table, key=lambda row: (row.costs[first].median if first else 0, row.sampler, row.workers))


def _of(runs: Sequence[Searched], sampler: str, workers: int) -> list[Searched]:
    return [run for run in runs if (run.sampler, run.workers) == (sampler, workers)]


def _row(
    problem: Benchmark, sampler: str, workers: int, own: Sequence[Searched], reach: Mapping[int, float]
) -> Row:
    best = max(problem.truths.values())
    trials = min(run.trials for run in own)
    costs = {after: [cost(run, level) for run in own] for after, level in reach.items()}
    first = min(reach, default=0)
    return Row(
        sampler=sampler,
        workers=workers,
        searches=len(own),
        trials=trials,
        regrets={
            # Rounding to six digits can make a network seem better than the best.
            after: max(0.0, float(np.median([100 * (1 - believed(run, after) / best) for run in own])))
            for after in CHECKPOINTS
            if after <= trials
        },
        costs={after: median_of(each) for after, each in costs.items()},
        most={after: quantile(each, 0.9) for after, each in costs.items()},
        never={after: sum(map(math.isinf, each)) / len(each) for after, each in costs.items()},
        near=_near(own, best - problem.deviation) if trials >= NEAR else None,
        seconds=median_of([spent(run, reach[first]) for run in own]).median if reach else math.nan,
        ms_per_trial=1e3 * sum(run.driver_seconds for run in own) / sum(run.trials for run in own),
    )


def _near(own: Sequence[Searched], threshold: float) -> float | None:
    return None if math.isnan(threshold) else sum(believed(run, NEAR) >= threshold for run in own) / len(own)


def compared(runs: Sequence[Searched], reach: Mapping[int, float]) -> dict[int, tuple[Comparison, ...]]:
    """Compare `OURS`, or else the first sampler, with each other sampler at each level, with one worker.

    reach: the reward of each level, by its number of trials (`significance.levels`). Returns the comparisons of each
    level, by the same number.
    """
    alone = [run for run in runs if run.workers == 1]
    names = dict.fromkeys(run.sampler for run in alone)
    if not names:
        return {}
    one = OURS if OURS in names else next(iter(names))
    budgets = {name: min(run.trials for run in _of(alone, name, 1)) for name in names}
    return {
        after: comparisons(
            one,
            {name: per_seed(_of(alone, name, 1), lambda run, at=level: cost(run, at)) for name in names},
            budgets,
        )
        for after, level in reach.items()
    }


def as_csv(table: Sequence[Row]) -> str:
    """Return the rows as CSV with one number in each column, empty for a level that was not reached."""
    reach = sorted({after for row in table for after in row.costs})
    header = ["sampler", "workers", "searches", "trials", *(f"regret_percent_{n}" for n in CHECKPOINTS)]
    for after in reach:
        header += [f"to_random_{after}{part}" for part in ("", "_low", "_high", "_nine_in_ten", "_never")]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*header, f"near_best_{NEAR}", "simulated_seconds", "sampler_ms_per_trial"])
    for row in table:
        costs = [
            cell
            for after in reach
            for each in (row.costs[after],)
            for cell in (
                *(_whole(x, "") for x in (each.median, each.low, each.high, row.most[after])),
                f"{row.never[after]:.3f}",
            )
        ]
        regrets = [f"{row.regrets[n]:.4f}" if n in row.regrets else "" for n in CHECKPOINTS]
        near = "" if row.near is None else f"{row.near:.3f}"
        ended = [near, _whole(row.seconds, ""), f"{row.ms_per_trial:.1f}"]
        writer.writerow(
            [
                row.sampler,
                row.workers,
                row.searches,
                row.trials,
                *regrets,
                *costs,
                *ended,
            ]
        )
    return text.getvalue()


def as_markdown(problem: Benchmark, runs: Sequence[Searched], about: str) -> str:
    """Return the report as Markdown: the setting, the levels, the rows, and the significance of differences.

    about: a text on the machines and versions.
    """
    table, reach = rows(problem, runs), levels(problem)
    best = max(problem.truths.values())
    targets = " and ".join(f"{level:.4f} after {after:,} trials" for after, level in reach.items())
    noise = (
        ""
        if math.isnan(problem.deviation)
        else (
            f" From seed to seed a network's reward has a standard deviation of {problem.deviation:.4f};"
            " near the best: within that."
        )
    )
    head = ["sampler", "workers", "searches"]
    head += [f"to random-{after} [95 %] (9 of 10; never)" for after in reach]
    lines = [
        f"## {problem.name}",
        "",
        f"{len(problem.readings):,} networks, the best with a reward of {best:.4f}. "
        f"The median best of {DRAWN:,} random searches: {targets}.{noise} {about}",
        "",
        _line([*head, *(f"regret % @{n}" for n in CHECKPOINTS), f"near the best @{NEAR}", "ms a trial"]),
        _line(["---"] * 2 + ["---:"] * (3 + len(reach) + len(CHECKPOINTS))),
    ]
    for row in table:
        costs = [
            f"{_whole(c.median)} [{_whole(c.low)} to {_whole(c.high)}] "
            f"({_whole(row.most[after])}; {row.never[after]:.0%})"
            for after, c in row.costs.items()
        ]
        regrets = [f"{row.regrets[n]:.3f}" if n in row.regrets else "" for n in CHECKPOINTS]
        near = "" if row.near is None else f"{row.near:.0%}"
        own = [row.sampler, str(row.workers), str(row.searches), *costs, *regrets, near]
        own.append(f"{row.ms_per_trial:.0f}")
        lines.append(_line(own))
    for after, pairs in compared(runs, reach).items():
        if pairs:
            lines += ["", *_compared(after, pairs)]
    return "\n".join(lines) + "\n"


def _compared(after: int, pairs: Sequence[Comparison]) -> list[str]:
    head = [
        f"{pairs[0].one} to random-{after}, against",
        "pairs",
        "fewer trials",
        "more",
        "ratio of medians",
        "p (Holm)",
    ]
    return [
        _line(head),
        _line(["---"] + ["---:"] * 5),
        *(
            _line(
                [
                    each.other,
                    str(each.pairs),
                    str(each.faster),
                    str(each.slower),
                    f"{each.ratio:.2f}" if math.isfinite(each.ratio) else "",
                    f"{each.p:.2g}",
                ]
            )
            for each in pairs
        ),
    ]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _whole(value: float, never: str = "never") -> str:
    return f"{value:.0f}" if math.isfinite(value) else never


def figure(problem: Benchmark, runs: Sequence[Searched], out: Path) -> None:
    """Draw regret against trials, and the trials to each level with their intervals, to the PNG file `out`."""
    sheet = Figure(figsize=(12, 4.8), layout="constrained")
    left, right = sheet.subplots(1, 2, width_ratios=[3, 2])
    table = rows(problem, runs)
    # A sampler has one colour for all numbers of workers.
    colours = {name: f"C{number}" for number, name in enumerate(dict.fromkeys(row.sampler for row in table))}
    for row in table:
        own = _of(runs, row.sampler, row.workers)
        _regret(left, own, max(problem.truths.values()), colours[row.sampler], _label(row))
    left.set(
        xscale="log",
        yscale="log",
        xlabel="trials",
        ylabel="regret, % of the best (median; shaded: quartiles)",
    )
    left.set_title(f"{problem.name}: what is believed to be best")
    left.legend(fontsize=8)
    _reached(right, table, colours)
    buffer = io.BytesIO()
    sheet.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    write_file(out, buffer.getvalue())


def _label(row: Row) -> str:
    return row.sampler if row.workers == 1 else f"{row.sampler}, {row.workers} workers"


def _regret(axes: Axes, own: Sequence[Searched], best: float, colour: str, label: str) -> None:
    trials = min(run.trials for run in own)
    at = np.unique(np.geomspace(1, trials, 200).astype(int))
    regrets = np.array([[100 * (1 - believed(run, n) / best) for n in at] for run in own])
    # Regret 0 cannot be drawn on a logarithmic axis.
    regrets = np.maximum(regrets, 1e-2)
    style = {1: "-", 2: "--"}.get(own[0].workers, ":")
    axes.plot(at, np.median(regrets, axis=0), style, color=colour, label=f"{label} ({len(own)})", lw=1.6)
    if (own[0].sampler, own[0].workers) in ((OURS, 1), ("random", 1)):
        low, high = np.percentile(regrets, [25, 75], axis=0)
        axes.fill_between(at, low, high, color=colour, alpha=0.15, lw=0)


def _reached(axes: Axes, table: Sequence[Row], colours: Mapping[str, str]) -> None:
    for place, row in enumerate(reversed(table)):
        for (marker, shift), each in zip(_MARKS, row.costs.values(), strict=False):
            if not math.isfinite(each.median):
                continue
            high = each.high if math.isfinite(each.high) else row.trials
            axes.plot([each.low, high], [place + shift] * 2, color=colours[row.sampler], lw=1.4)
            axes.plot(each.median, place + shift, marker, color=colours[row.sampler], ms=6)
    axes.set_yticks(range(len(table)), [_label(row) for row in reversed(table)])
    axes.set(xscale="log", xlabel="trials (median, 95 % bootstrap interval)")
    marks = ", ".join(
        f"{marker} {after:,}" for (marker, _), after in zip(_MARKS, table[0].costs, strict=False)
    )
    axes.set_title(f"to the median best of random search: {marks} trials", fontsize=10)
    axes.grid(axis="x", alpha=0.3)
