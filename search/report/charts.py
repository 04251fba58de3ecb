"""The charts of one run, for its page and for print."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from search.report.answers import overview
from search.report.axes import axis, column
from search.report.baseline import COVERED, bands, drew
from search.report.document import Axis, Bars, Chart, Series
from search.report.findings import Findings, reward
from search.report.importance import importances
from search.report.low_fidelity import rungs
from search.report.palette import GREY, colour
from search.runs.front import growth
from search.runs.run import Run
from search.stats.pareto import front
from search.tables.units import plural
from search.trials.columns import row
from search.trials.trial import Trial

_CURVES = 200
"""The maximum number of learning curves."""
_NAMED = 5
"""The number of best trials whose learning curves have a colour and a name."""
_STEPS = 60
"""The maximum number of points of the band of random draws."""
_MOMENTS = 40
"""The maximum number of points in the chart of the hypervolume."""
REWARD = Axis("Reward", form=".4f")


def reward_over_trials(results: Findings) -> Chart:
    """Return the chart of the reward of each trial, the best so far, and the best of as many random draws."""
    done = _finished(results.run)
    numbers = tuple(float(place + 1) for place in range(len(done)))
    return Chart(
        "reward-over-trials",
        "Reward over trials",
        Axis("Complete trials", form="d"),
        REWARD,
        (*_band(results, numbers), *_so_far(done, numbers)),
        _note(results),
    )


def reward_over_time(results: Findings) -> Chart:
    """Return the chart of `reward_over_trials` against the minutes since the first proposal."""
    done = _finished(results.run)
    start = min((trial.proposed_at for trial in results.run.trials if not trial.origin), default=0.0)
    minutes = tuple(((trial.finished_at or start) - start) / 60 for trial in done)
    return Chart(
        "reward-over-time",
        "Reward over time",
        Axis("Time since the first proposal", "min", form=".1f"),
        REWARD,
        (*_band(results, minutes), *_so_far(done, minutes)),
        _note(results)
        + " Time in which the run was stopped counts. Random draws are assumed to take as long as these trials.",
    )


def learning_curves(run: Run) -> Chart:
    """Return the chart of training losses by epoch, in which the best trials have names."""
    with_curve = [trial for trial in run.ranked if trial.result and len(trial.result.curve) > 1]
    best, others = with_curve[:_NAMED], with_curve[_NAMED:]
    step = max(1, -(-len(others) // _CURVES))
    drawn = [
        *(_curve(trial, "others", faint=True) for trial in others[::step]),
        *(_curve(trial, f"trial {trial.number}", colour(number)) for number, trial in enumerate(best)),
    ]
    left = len(others) - len(others[::step])
    note = "The trials of the highest reward are in colour." + (
        f" Of the others, {len(others[::step])} are shown and {left} are not." if left else ""
    )
    return Chart(
        "learning-curves",
        "Training loss",
        Axis("Epoch", form="d"),
        Axis("Cross-entropy", "nat", form=".3f"),
        tuple(drawn),
        note,
    )


def pareto(run: Run, key: str) -> Chart:
    """Return the chart of accuracy against the cost `key`, with the Pareto front."""
    rows = [row(trial) for trial in run.ranked]
    rows = [values for values in rows if values[key] is not None]
    points = [(float(values[key]), 1 - values["accuracy"]) for values in rows]
    best = sorted(points[index] for index in front(points))
    accuracies = tuple(values["accuracy"] for values in rows)
    return Chart(
        f"accuracy-{key.replace('_', '-')}",
        f"Accuracy against {column(key).title}",
        axis(column(key)),
        Axis("Validation accuracy", form=".3f"),
        (
            Series("complete trials", "points", tuple(x for x, _ in points), accuracies, faint=True),
            Series(
                "Pareto front", "step", tuple(x for x, _ in best), tuple(1 - y for _, y in best), colour=1
            ),
        ),
        "No trial has both a lower cost and a higher accuracy than one on the front.",
    )


def front_growth(run: Run) -> Chart:
    """Return the chart of the hypervolume of a multi-objective search by trial."""
    volumes = growth(run.trials, _MOMENTS)
    return Chart(
        "hypervolume",
        "The front over trials",
        Axis("Complete trials", form="d"),
        Axis("Hypervolume", form=".2f"),
        (Series("hypervolume", "step", tuple(float(n) for n, _ in volumes), tuple(v for _, v in volumes)),),
        "The hypervolume is the share that the front dominates of the box between the best and the worst value seen "
        "of each objective, with costs on a logarithmic scale. It shows the progress of this search, and cannot be "
        "compared between searches.",
    )


def step_times(run: Run) -> Chart | None:
    """Return the chart of measured against predicted times of training steps; None if no trial has both times."""
    pairs = [
        (trial.predicted.ms, trial.result.step_ms, f"trial {trial.number}")
        for trial in run.trials
        if trial.predicted and trial.result and trial.result.step_ms is not None
    ]
    if not pairs:
        return None
    xs, ys, labels = (tuple(part) for part in zip(*pairs, strict=True))
    ends = (min(*xs, *ys), max(*xs, *ys))
    off = statistics.median(abs(y / x - 1) for x, y, _ in pairs)
    return Chart(
        "step-times",
        "Training step, measured against predicted",
        Axis("Predicted", "ms", form=".1f"),
        Axis("Measured", "ms", form=".1f"),
        (
            Series("as predicted", "line", ends, ends, colour=GREY, dashed=True),
            Series("trials", "points", xs, ys, labels=labels),
        ),
        f"{plural(len(pairs), 'trial')} {'has' if len(pairs) == 1 else 'have'} both times. The median deviation of "
        f"the measured time from the predicted one is {off:.0%}.",
    )


def importance(run: Run) -> tuple[Bars, ...]:
    """Return a bar chart of the importance of choices for each evaluator; () where none can be estimated."""
    notes = {
        "PED-ANOVA": "how much a choice differs between the best tenth of the trials and the others",
        "fANOVA": "the share of the reward's variance over the space that a choice explains",
    }
    return tuple(
        Bars(
            f"importance-{each.evaluator.lower()}",
            f"Importance of each choice ({each.evaluator})",
            each.shares,
            "share",
            f"Optuna's {each.evaluator} evaluator, applied to {each.trials} trials: {notes[each.evaluator]}. Rewards "
            "are noisy, and a sampler that learns does not sample the space evenly.",
        )
        for each in importances(run)
    )


def every(results: Findings) -> tuple[Chart | Bars, ...]:
    """Return the charts of a run that have data; () if no trial is complete."""
    run = results.run
    if not run.ranked:
        return ()
    costs = ["params", "macs"]
    costs += ["latency_ms"] if any(t.latency for t in run.ranked) else []
    costs += ["step_ratio"] if any(t.step_ratio is not None for t in run.ranked) else []
    steps = step_times(run)
    curves, short = learning_curves(run), rungs(run)
    return (
        overview(results),
        *(pareto(run, key) for key in costs),
        reward_over_trials(results),
        reward_over_time(results),
        *((curves,) if curves.series else ()),
        *((short,) if short else ()),
        *((steps,) if steps else ()),
        *((front_growth(run),) if run.config.reward.multi_objective else ()),
        *importance(run),
    )


def _finished(run: Run) -> list[Trial]:
    """Return the complete trials of this run, in the order in which they finished."""
    own = (trial for trial in run.ranked if not trial.origin)
    return sorted(own, key=lambda trial: (trial.finished_at or 0.0, trial.number))


def best_so_far(rewards: Sequence[float]) -> list[float]:
    """Return the running maximum of `rewards`."""
    best, maxima = float("-inf"), []
    for value in rewards:
        best = max(best, value)
        maxima.append(best)
    return maxima


def _so_far(done: Sequence[Trial], xs: Sequence[float]) -> tuple[Series, ...]:
    rewards = [reward(trial) for trial in done]
    labels = tuple(f"trial {trial.number}" for trial in done)
    best = best_so_far(rewards)
    steps = [n for n in range(len(best)) if n in (0, len(best) - 1) or best[n] != best[n - 1]]
    return (
        Series("each trial", "points", tuple(xs), tuple(rewards), labels=labels, colour=0, faint=True),
        Series("best so far", "step", tuple(xs[n] for n in steps), tuple(best[n] for n in steps), colour=1),
    )


def _band(results: Findings, xs: Sequence[float]) -> tuple[Series, ...]:
    """Return the series of the best reward of n random draws, n = 1, 2, ...: the band and the mean.

    They end at the number of random draws in the run. After that, a dashed line at the last mean is a lower bound of
    the mean. xs: the place of each trial on the x axis. Returns () with too few draws for a band.
    """
    step = max(1, len(xs) // _STEPS)
    counts = sorted({*range(1, len(xs) + 1, step), len(xs), min(len(xs), len(results.drawn))})
    every = bands([reward(trial) for trial in results.drawn], counts if xs else [])
    if not every:
        return ()
    places = tuple(xs[band.draws - 1] for band in every)
    lows, highs = tuple(band.low for band in every), tuple(band.high for band in every)
    means = tuple(band.mean for band in every)
    series = (
        Series("random draws", "band", places, lows, highs=highs, colour=GREY),
        Series("random draws, expected best", "line", places, means, colour=GREY),
    )
    if places[-1] == xs[-1]:
        return series
    more = Series(
        "more draws: at least", "line", (places[-1], xs[-1]), (means[-1],) * 2, colour=GREY, dashed=True
    )
    return (*series, more)


def _note(results: Findings) -> str:
    if not _band(results, (1.0,)):
        return "There are too few random draws for a band."
    whose = "this run" if results.baseline is results.run else results.baseline.name
    return (
        f"The grey band holds the best of as many random draws in {COVERED:.0%} of all cases. It is estimated by "
        f"resampling the n = {len(results.drawn)} networks that {whose} {drew(results.baseline)}."
    )


def _curve(trial: Trial, name: str, colour: int = GREY, faint: bool = False) -> Series:
    assert trial.result
    losses = trial.result.curve
    return Series(
        name,
        "line",
        tuple(float(n + 1) for n in range(len(losses))),
        tuple(losses),
        colour=colour,
        faint=faint,
    )
