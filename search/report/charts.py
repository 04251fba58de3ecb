"""The charts of one run: of its page, and for print."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from search.report.baseline import COVERED, bands, drew
from search.report.document import Axis, Bars, Chart, Series
from search.report.findings import Findings, reward
from search.report.importance import importances
from search.report.shorter import rungs
from search.runs.front import growth
from search.runs.run import Run
from search.stats.pareto import front
from search.tables.table import Column
from search.trials.columns import TRIALS, row
from search.trials.trial import Trial

_CURVES = 200
"""Learning curves that are drawn at most."""
_NAMED = 5
"""Of them, the best ones, which have a colour and a name."""
_STEPS = 60
"""Of the random draws' band, at most."""
_MOMENTS = 40
"""Of a run, at which its front is measured, at most."""
REWARD = Axis("Reward", form=".4f")


def column(key: str) -> Column:
    """The column of trials with that key."""
    return next(found for found in TRIALS if found.key == key)


def axis(found: Column) -> Axis:
    """A column as an axis; what spans orders of magnitude is drawn by factors."""
    return Axis(found.title, found.unit, found.form, log=found.form == "si")


def reward_over_trials(found: Findings) -> Chart:
    """Every reward by trial number, the best so far, and what random draws would have had."""
    done = _finished(found.run)
    numbers = tuple(float(place + 1) for place in range(len(done)))
    return Chart(
        "reward-over-trials",
        "Reward over trials",
        Axis("Complete trials", form="d"),
        REWARD,
        (*_band(found, numbers), *_so_far(done, numbers)),
        _note(found),
    )


def reward_over_time(found: Findings) -> Chart:
    """The same by the clock, from the first proposal on."""
    done = _finished(found.run)
    begun = min((trial.proposed_at for trial in found.run.trials if not trial.origin), default=0.0)
    minutes = tuple(((trial.finished_at or begun) - begun) / 60 for trial in done)
    return Chart(
        "reward-over-time",
        "Reward over time",
        Axis("Time since the first proposal", "min", form=".1f"),
        REWARD,
        (*_band(found, minutes), *_so_far(done, minutes)),
        _note(found)
        + " Time in which nobody drove the run is counted; random draws are taken to last as long as these trials.",
    )


def learning_curves(run: Run) -> Chart:
    """The training loss of every epoch: of the best trials by name, of others as a crowd."""
    with_curve = [trial for trial in run.ranked if trial.result and len(trial.result.curve) > 1]
    best, others = with_curve[:_NAMED], with_curve[_NAMED:]
    step = max(1, -(-len(others) // _CURVES))
    drawn = [
        *(_curve(trial, "others", faint=True) for trial in others[::step]),
        *(_curve(trial, f"trial {trial.number}", colour) for colour, trial in enumerate(best)),
    ]
    left = len(others) - len(others[::step])
    note = f"The {len(best)} trials of the highest reward in colour." + (
        f" Of the others, {len(others[::step])} are drawn and {left} are not." if left else ""
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
    """Accuracy against the cost `key`, and the trials that no other beats in both."""
    rows = [row(trial) for trial in run.ranked]
    rows = [found for found in rows if found[key] is not None]
    points = [(float(found[key]), 1 - found["accuracy"]) for found in rows]
    best = sorted(points[index] for index in front(points))
    accuracies = tuple(found["accuracy"] for found in rows)
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
        "No trial has both less of the cost and a higher accuracy than one of the front.",
    )


def front_growth(run: Run) -> Chart:
    """The hypervolume of a search for compromises after so many trials."""
    moved = growth(run.trials, _MOMENTS)
    return Chart(
        "hypervolume",
        "The front over trials",
        Axis("Complete trials", form="d"),
        Axis("Hypervolume", form=".2f"),
        (Series("hypervolume", "step", tuple(float(n) for n, _ in moved), tuple(v for _, v in moved)),),
        "The part of the box between the best and the worst seen of each objective, costs on a logarithmic scale, "
        "that the front leaves behind it. It says how this search went on, and does not compare searches.",
    )


def step_times(run: Run) -> Chart | None:
    """Each measured training step over what the device's profile had predicted; None where no trial has both."""
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
            Series("as predicted", "line", ends, ends, colour=6, dashed=True),
            Series("trials", "points", xs, ys, labels=labels),
        ),
        f"{len(pairs)} trials have both; half of the measured times are within {off:.0%} of the prediction.",
    )


def importance(run: Run) -> tuple[Bars, ...]:
    """How much each choice decided the reward, a chart for each evaluator; () where too little was tried."""
    notes = {
        "PED-ANOVA": "which choices tell the best tenth of the trials from the others",
        "fANOVA": "the part of the reward's variance over the whole space that a choice accounts for",
    }
    return tuple(
        Bars(
            f"importance-{found.evaluator.lower()}",
            f"Importance of each choice ({found.evaluator})",
            found.shares,
            "share",
            f"Optuna's {found.evaluator} evaluator: {notes[found.evaluator]}. From {found.trials} trials; their "
            "rewards are noisy, and trials of a sampler that learns are no even sample of the space.",
        )
        for found in importances(run)
    )


def every(found: Findings) -> tuple[Chart | Bars, ...]:
    """All charts of a run that have something to show."""
    run = found.run
    if not run.ranked:
        return ()
    costs = ["params", "macs"]
    costs += ["step_ratio"] if any(t.step_ratio is not None for t in run.ranked) else []
    steps = step_times(run)
    curves, short = learning_curves(run), rungs(run)
    return (
        *(pareto(run, key) for key in costs),
        reward_over_trials(found),
        reward_over_time(found),
        *((curves,) if curves.series else ()),
        *((short,) if short else ()),
        *((steps,) if steps else ()),
        *importance(run),
    )


def _finished(run: Run) -> list[Trial]:
    """The complete trials of this run, in the order they finished."""
    own = (trial for trial in run.ranked if not trial.origin)
    return sorted(own, key=lambda trial: (trial.finished_at or 0.0, trial.number))


def best_so_far(rewards: Sequence[float]) -> list[float]:
    """The highest of the rewards up to each place."""
    best, found = float("-inf"), []
    for value in rewards:
        best = max(best, value)
        found.append(best)
    return found


def _so_far(done: Sequence[Trial], xs: Sequence[float]) -> tuple[Series, ...]:
    rewards = [reward(trial) for trial in done]
    labels = tuple(f"trial {trial.number}" for trial in done)
    best = best_so_far(rewards)
    kept = [n for n in range(len(best)) if n in (0, len(best) - 1) or best[n] != best[n - 1]]
    return (
        Series("each trial", "points", tuple(xs), tuple(rewards), labels=labels, colour=0, faint=True),
        Series("best so far", "step", tuple(xs[n] for n in kept), tuple(best[n] for n in kept), colour=1),
    )


def _band(found: Findings, xs: Sequence[float]) -> tuple[Series, ...]:
    """Of random draws, as far as there are any: the band, and its mean."""
    step = max(1, len(xs) // _STEPS)
    counts = sorted({*range(1, len(xs) + 1, step), len(xs), min(len(xs), len(found.drawn))})
    told = bands([reward(trial) for trial in found.drawn], counts if xs else [])
    if not told:
        return ()
    places = tuple(xs[band.draws - 1] for band in told)
    lows, highs = tuple(band.low for band in told), tuple(band.high for band in told)
    means = tuple(band.mean for band in told)
    series = (
        Series("random draws", "band", places, lows, highs=highs, colour=6),
        Series("random draws, expected best", "line", places, means, colour=6),
    )
    if places[-1] == xs[-1]:
        return series
    further = Series(
        "more draws: at least", "line", (places[-1], xs[-1]), (means[-1],) * 2, colour=6, dashed=True
    )
    return (*series, further)


def _note(found: Findings) -> str:
    if not _band(found, (1.0,)):
        return "No band of random draws: there are too few of them."
    whose = "this run" if found.baseline is found.run else found.baseline.name
    return (
        f"Grey: where the best of so many random draws is in {COVERED:.0%} of all cases, by resampling the "
        f"n = {len(found.drawn)} networks that {whose} {drew(found.baseline)}; more draws than these cannot be told "
        "of."
    )


def _curve(trial: Trial, name: str, colour: int = 6, faint: bool = False) -> Series:
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
