"""The page that compares several searches."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence

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
from search.report.palette import colour
from search.report.search_page import AXES, MAX_ROWS
from search.runs.comparable import task
from search.runs.run import Run
from search.stats.confidence import CONFIDENCE
from search.tables.selection import filled
from search.tables.table import Column, Row
from search.tables.units import clock, plural
from search.trials.columns import TRIALS, row
from space import UserError

_ONE_GROUP = "There is only one group, so there is nothing to compare: its band shows the effect of seeds."
_UNFINISHED = "One of the searches has no complete trial, so there is nothing to compare yet."
_UNLIKE = (
    "Low-fidelity trainings selected the complete trials, but not in the same way in all searches, so their trials "
    "cost different amounts and cannot be compared."
)
_DIAGRAMS = 4
"""The maximum number of winners with a diagram."""
_RUN = Column("run", "Run", description="the search of the trial")
_RUNS = (
    Column("name", "Run"),
    Column("group", "Group", description="searches that differ only in their seed"),
    Column("seed", "Seed", form="d"),
    Column("complete", "Complete", form="d", description="trials"),
    Column("reward", "Best reward", form=".4f"),
    Column("accuracy", "Its accuracy", form=".4f"),
    Column("params", "Its params", form="si"),
    Column("macs", "Its MACs", form="si"),
    Column("worked", "Worked", description="hours:minutes:seconds on the clock"),
)
_DIFFERENCES = (
    Column("one", "Group"),
    Column("other", "Compared with"),
    Column("n", "n", form="d", description="searches of the smaller group"),
    Column("mean", "Mean difference", form="+.4f"),
    Column("low", "From", form="+.4f", description="the 95 % interval, for all rows at once"),
    Column("high", "To", form="+.4f"),
    Column("p", "p", form=".3f", description="of so large a difference by chance, for all rows at once"),
    Column("verdict", "Verdict"),
)


def comparison_page(runs: Sequence[Run], refresh: int | None = None) -> Page:
    """Return the page of two or more searches: curves, differences, and their common Pareto front.

    refresh: the seconds after which an open page reloads itself, None for never. Raises `UserError` if a run is given
    twice.
    """
    for place, run in enumerate(runs):
        if run.path.resolve() in [other.path.resolve() for other in runs[:place]]:
            raise UserError(f"The run {run.name} is given twice.")
    members, of = groups(runs), quantity(runs)
    trials, apart = differences(members, of)
    sections = (
        Section("runs", "The searches", (Listing(_RUNS, [r for g in members for r in _rows(g)]),)),
        Section("progress", f"Best {of} so far", (curves(members, of),)),
        Section("difference", "Differences", _listing(apart, trials, of, _reason(runs, trials))),
        _winners(runs),
        Section("trials", "All trials, and their common Pareto front", (_explorer(runs),)),
    )
    made = f"made {time.strftime('%Y-%m-%d %H:%M:%S %z')} from {', '.join(str(run.path) for run in runs)}"
    return Page(
        f"{len(runs)} searches compared", _summary(runs, members, of, trials, apart), sections, made, refresh
    )


def _summary(
    runs: Sequence[Run], members: Sequence[Group], of: Quantity, trials: int, apart: Sequence[Difference]
) -> Pairs:
    texts = [f"{len(runs)} searches in {plural(len(members), 'group')}, compared by {of}."]
    if of == "accuracy":
        texts.append("Their objectives differ, so their rewards cannot be compared.")
    for group in _differing(runs):
        warned = "." if group == "space" else ", so their accuracies belong to different tasks."
        texts.append(f"They differ in {group}{warned}")
    differ = [_sentence(difference, trials, of) for difference in apart]
    pairs = [("Compared", " ".join(texts)), ("Differences", " ".join(differ) or _reason(runs, trials))]
    best = max((run for run in runs if run.ranked), key=lambda run: curve(run, of)[-1], default=None)
    if best:
        highest = f"{curve(best, of)[-1]:.4f}, in {best.name}; single values are noisy."
        pairs.append((f"Highest {of}", highest))
    return tuple(pairs)


def _differing(runs: Sequence[Run]) -> Iterator[str]:
    """Yield the groups of settings in which the tasks of the runs differ, or "images" if only the images differ."""
    tasks = [task(run) for run in runs]
    differ = [
        group for group in ("data", "proxy", "space") if any(own[group] != tasks[0][group] for own in tasks)
    ]
    yield from differ
    # Other settings of data or proxy change the digest of the images, too.
    if not {"data", "proxy"} & set(differ) and len({own["images"] for own in tasks if own["images"]}) > 1:
        yield "images"


def _sentence(difference: Difference, trials: int, of: Quantity) -> str:
    estimate = difference.estimate
    begin = f"After {plural(trials, 'trial')} each, the best {of} of {difference.one}"
    text = f"{begin} less that of {difference.other} is {estimate.mean:+.4f} on average"
    if estimate.low is None or estimate.high is None or difference.p is None:
        return f"{text}; n = {difference.n} is too few for an interval."
    seeds = "paired by seed, " if difference.paired else ""
    return (
        f"{text} ({CONFIDENCE:.0%} interval {estimate.low:+.4f} to {estimate.high:+.4f}, p = {difference.p:.3f}, "
        f"{seeds}Tukey's test, n = {difference.n}): {_verdict(difference)}."
    )


def _verdict(difference: Difference) -> str:
    if difference.estimate.half is None:
        return "too few for an interval"
    return "significant" if difference.estimate.significant else "not significant"


def _reason(runs: Sequence[Run], trials: int) -> str:
    """Return why there are no differences to show."""
    if not alike(runs):
        return _UNLIKE
    return _ONE_GROUP if trials else _UNFINISHED


def _listing(
    apart: Sequence[Difference], trials: int, of: Quantity, reason: str
) -> tuple[Texts | Listing, ...]:
    if not apart:
        return (Texts((reason,)),)
    rows: list[Row] = [
        {
            "one": each.one,
            "other": each.other,
            "n": each.n,
            "mean": each.estimate.mean,
            "low": each.estimate.low,
            "high": each.estimate.high,
            "p": each.p,
            "verdict": _verdict(each),
        }
        for each in apart
    ]
    note = (
        f"The values are the best {of} after {trials} complete trials, which every run has, as the searches saw it. "
        "The best of many noisy values is somewhat too high in every search."
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


def curves(members: Sequence[Group], of: Quantity) -> Chart:
    """Return the chart of the best value so far in each group: its mean, and a band from the lowest to the highest.

    The curve of a group ends with the complete trials of its shortest run. Runs without complete trials are left out.
    """
    series: list[Series] = []
    for number, group in enumerate(members):
        every = [curve(run, of) for run in group.runs if run.ranked]
        if not every:
            continue
        shared = list(zip(*(one[: min(map(len, every))] for one in every), strict=True))
        xs = tuple(float(place + 1) for place in range(len(shared)))
        name = f"{group.name} (n = {len(every)})"
        if len(every) > 1:
            lows, highs = tuple(map(min, shared)), tuple(map(max, shared))
            series.append(Series(name, "band", xs, lows, highs=highs, colour=colour(number)))
        means = tuple(map(statistics.fmean, shared))
        series.append(Series(name, "line", xs, means, colour=colour(number)))
    return Chart(
        f"best-{of}-so-far",
        f"Best {of} so far",
        Axis("Complete trials", form="d"),
        Axis(of.capitalize(), form=".4f"),
        tuple(series),
        "Lines are means over the n searches of a group, bands reach from its lowest to its highest.",
    )


def _winners(runs: Sequence[Run]) -> Section:
    drawn = tuple(
        diagram(f"{run.name}, trial {run.best.number}", run.best.architecture) for run in runs if run.ranked
    )
    left = "" if len(drawn) <= _DIAGRAMS else f"The first {_DIAGRAMS} of {len(drawn)} winners are shown."
    return Section("winners", "Their winners", (Texts((left,) if left else ()), Networks(drawn[:_DIAGRAMS])))


def _explorer(runs: Sequence[Run]) -> Explorer:
    limit = MAX_ROWS // len(runs)
    rows: list[Row] = [{**row(trial), "run": run.name} for run in runs for trial in run.ranked[:limit]]
    # The first column names the points of the scatter plot.
    columns = filled(rows, (TRIALS[0], _RUN, *TRIALS[1:]))
    axes = tuple(key for key in AXES if key in {column.key for column in columns})
    note = "Complete trials" + (
        f", the {limit} best of each run" if any(len(r.ranked) > limit for r in runs) else ""
    )
    return Explorer(columns, rows, axes, "params", "accuracy", "-accuracy", group="run", note=f"{note}.")
