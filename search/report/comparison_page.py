"""The page that sets several searches side by side."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

from search.report.contest import (
    Difference,
    Group,
    Quantity,
    alike,
    curve,
    differences,
    groups,
    quantity,
)
from search.report.diagram import diagram
from search.report.document import (
    Axis,
    Chart,
    Explorer,
    Listing,
    Networks,
    Page,
    Pairs,
    Section,
    Series,
    Texts,
)
from search.report.search_page import AXES, MOST_ROWS
from search.runs.run import Run
from search.stats.confidence import CONFIDENCE
from search.tables.selection import filled
from search.tables.table import Column, Row
from search.tables.units import clock
from search.trials.columns import TRIALS, row
from space import UserError

_ONE_GROUP = "There is one group only, so nothing to tell apart: its band shows what seeds do."
_UNLIKE = (
    "Shorter trainings chose who had the whole one, and not in all of these searches alike: complete trials cost "
    "unlike amounts, and no difference is told."
)
_DRAWN = 4
"""Winners that are drawn."""
_RUN = Column("run", "Run", description="which search it is of")
_RUNS = (
    Column("name", "Run"),
    Column("group", "Group", description="searches that differ in their seed alone are one group"),
    Column("seed", "Seed", form="d"),
    Column("complete", "Complete", form="d", description="trials"),
    Column("reward", "Best reward", form=".4f"),
    Column("accuracy", "Its accuracy", form=".4f"),
    Column("params", "Its params", form="si"),
    Column("macs", "Its MACs", form="si"),
    Column("worked", "Worked", description="hours:minutes:seconds on the clock"),
)
_DIFFERENCES = (
    Column("one", "This"),
    Column("other", "Less this"),
    Column("n", "n", form="d", description="searches of the smaller group"),
    Column("mean", "Mean difference", form="+.4f"),
    Column("low", "From", form="+.4f", description="the interval, for all rows at once"),
    Column("high", "To", form="+.4f"),
    Column("p", "p", form=".3f", description="of such a difference by chance, times the number of rows"),
    Column("verdict", "Verdict"),
)


def comparison_page(runs: Sequence[Run], refresh: int | None = None) -> Page:
    """Two searches or more: curves, the difference with its significance, and one Pareto front of all.

    Raises `UserError` where a run is given twice.
    """
    for place, run in enumerate(runs):
        if run.path.resolve() in [other.path.resolve() for other in runs[:place]]:
            raise UserError(f"The run {run.name} is given twice.")
    found, of = groups(runs), quantity(runs)
    compared, apart = differences(found, of)
    sections = (
        Section("runs", "The searches", (Listing(_RUNS, [r for g in found for r in _rows(g)]),)),
        Section("progress", f"Best {of} so far", (curves(found, of),)),
        Section("difference", "Is there a difference", _told(apart, compared, of, _untold(runs))),
        _winners(runs),
        Section("trials", "All trials, and their common Pareto front", (_explorer(runs),)),
    )
    made = f"made {time.strftime('%Y-%m-%d %H:%M:%S %z')} from {', '.join(str(run.path) for run in runs)}"
    return Page(
        f"{len(runs)} searches compared", _summary(runs, found, of, compared, apart), sections, made, refresh
    )


def _summary(
    runs: Sequence[Run], found: Sequence[Group], of: Quantity, compared: int, apart: Sequence[Difference]
) -> Pairs:
    told = [
        f"{len(runs)} searches in {len(found)} group{'s' * (len(found) > 1)}; what is compared is the {of}."
    ]
    if of == "accuracy":
        told.append("Their rewards differ, so that rewards cannot be compared.")
    for group in ("data", "proxy", "space"):
        if len({str(run.config.document()[group]) for run in runs}) > 1:
            warned = (
                "." if group == "space" else ": their accuracies are of different tasks, and do not compare."
            )
            told.append(f"They differ in {group}{warned}")
    differ = [_sentence(difference, compared, of) for difference in apart]
    if alike(runs) and not compared:
        differ = ["One of them has no complete trial, so that there is nothing to compare yet."]
    pairs = [("Compared", " ".join(told)), ("Difference", " ".join(differ) or _untold(runs))]
    best = max((run for run in runs if run.ranked), key=lambda run: curve(run, of)[-1], default=None)
    if best:
        highest = f"{curve(best, of)[-1]:.4f}, in {best.name}; single figures are noisy."
        pairs.append((f"Highest {of}", highest))
    return tuple(pairs)


def _sentence(found: Difference, compared: int, of: Quantity) -> str:
    begin = f"After {compared} trials each, {found.one} is {found.mean:+.4f} {of} from {found.other}"
    if found.low is None or found.p is None or found.high is None:
        return f"{begin}; with n = {found.n} that cannot be told from chance."
    how = "paired by seed" if found.paired else "Welch's t"
    return (
        f"{begin} ({CONFIDENCE:.0%} interval {found.low:+.4f} to {found.high:+.4f}, p = {found.p:.3f}, {how}, "
        f"n = {found.n}): {_verdict(found)}."
    )


def _verdict(found: Difference) -> str:
    if found.low is None or found.high is None:
        return "cannot be told with so few"
    return "not told from chance" if found.low <= 0 <= found.high else "more than chance explains"


def _untold(runs: Sequence[Run]) -> str:
    """Why no difference is told, where none is."""
    return _ONE_GROUP if alike(runs) else _UNLIKE


def _told(
    apart: Sequence[Difference], compared: int, of: Quantity, untold: str
) -> tuple[Texts | Listing, ...]:
    if not apart:
        return (Texts((untold,)),)
    rows: list[Row] = [
        {
            "one": d.one,
            "other": d.other,
            "n": d.n,
            "mean": d.mean,
            "low": d.low,
            "high": d.high,
            "p": d.p,
            "verdict": _verdict(d),
        }
        for d in apart
    ]
    note = (
        f"Of the best {of} after {compared} complete trials, which every run has. It is what the searches saw: the "
        "best of many noisy figures is somewhat too high in each of them."
    )
    return (Listing(_DIFFERENCES, rows, note),)


def _rows(group: Group) -> list[Row]:
    rows: list[Row] = []
    for run in group.runs:
        best = run.ranked[0] if run.ranked else None
        rows.append(
            {
                "name": run.name,
                "group": group.name,
                "seed": run.config.settings.seed,
                "complete": len(run.ranked),
                "reward": best and best.terms and best.terms.reward,
                "accuracy": best and best.terms and best.terms.accuracy,
                "params": best and best.cost.params,
                "macs": best and best.cost.macs,
                "worked": clock(run.seconds),
            }
        )
    return rows


def curves(found: Sequence[Group], of: Quantity) -> Chart:
    """The best so far of every group: the mean over its searches, and the band from the least to the most."""
    series: list[Series] = []
    for colour, group in enumerate(found):
        every = [curve(run, of) for run in group.runs if run.ranked]
        if not every:
            continue
        shared = list(zip(*(one[: min(map(len, every))] for one in every), strict=True))
        xs = tuple(float(place + 1) for place in range(len(shared)))
        name = f"{group.name} (n = {len(every)})"
        if len(every) > 1:
            lows, highs = tuple(map(min, shared)), tuple(map(max, shared))
            series.append(Series(name, "band", xs, lows, highs=highs, colour=colour % 6))
        means = tuple(map(statistics.fmean, shared))
        series.append(Series(name, "line", xs, means, colour=colour % 6))
    return Chart(
        f"best-{of}-so-far",
        f"Best {of} so far",
        Axis("Complete trials", form="d"),
        Axis(of.capitalize(), form=".4f"),
        tuple(series),
        "Lines are means over the searches of a group, bands from its least to its highest; n searches each.",
    )


def _winners(runs: Sequence[Run]) -> Section:
    drawn = tuple(
        diagram(f"{run.name}, trial {run.best.number}", run.best.architecture) for run in runs if run.ranked
    )
    left = "" if len(drawn) <= _DRAWN else f"The first {_DRAWN} of {len(drawn)}."
    return Section("winners", "Their winners", (Texts((left,) if left else ()), Networks(drawn[:_DRAWN])))


def _explorer(runs: Sequence[Run]) -> Explorer:
    most = MOST_ROWS // len(runs)
    rows: list[Row] = [{**row(trial), "run": run.name} for run in runs for trial in run.ranked[:most]]
    columns = filled(rows, (_RUN, *TRIALS))
    axes = tuple(key for key in AXES if key in {column.key for column in columns})
    note = "Complete trials" + (
        f", the {most} best of each run" if any(len(r.ranked) > most for r in runs) else ""
    )
    return Explorer(columns, rows, axes, "params", "accuracy", "-accuracy", group="run", note=f"{note}.")
