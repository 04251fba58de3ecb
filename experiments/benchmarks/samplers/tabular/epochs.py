"""The cost of searches in epochs, since numbers of trials are not comparable with low-fidelity trainings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from experiments.benchmarks.samplers.tabular.problem import Benchmark
from experiments.benchmarks.samplers.tabular.report import CHECKPOINTS
from experiments.benchmarks.samplers.tabular.significance import (
    comparisons,
    levels,
    median_of,
    per_seed,
    quantile,
)
from experiments.benchmarks.samplers.tabular.simulation import Searched, Step


def by_epochs(problem: Benchmark, runs: Sequence[Searched]) -> str:
    """Return a table of regrets after equal epochs and of epochs to each level, then the gains of pruners.

    A level is a reward to reach (`significance.levels`). Epochs are counted in full trainings. Only searches with one
    worker are in the table. Returns "" if the problem has only full trainings, or if none of these searches has
    recorded epochs.
    """
    alone = [run for run in runs if run.workers == 1 and run.epochs]
    if not problem.shorter or not alone:
        return ""
    reach, best = levels(problem), max(problem.truths.values())
    names = list(dict.fromkeys(run.sampler for run in alone))
    head = ["sampler", "searches", *(f"to random-{after} [95 %] (9 of 10)" for after in reach)]
    head += [f"regret % @{n}" for n in CHECKPOINTS]
    lines = ["", f"By epochs trained, in whole trainings of {problem.epochs}:", "", _line(head)]
    lines.append(_line(["---", *["---:"] * (len(head) - 1)]))
    for name in names:
        own = [run for run in alone if run.sampler == name]
        costs = [[spent(run, level, problem.epochs) for run in own] for level in reach.values()]
        regrets = [_regret(own, after, problem.epochs, best) for after in CHECKPOINTS]
        lines.append(_line([name, str(len(own)), *map(_cost, costs), *regrets]))
    for after, level in reach.items():
        lines += _gains(
            after, {name: _costs(alone, name, level, problem.epochs) for name in names}, alone, problem
        )
    return "\n".join(lines) + "\n"


def spent(run: Searched, level: float, whole: int) -> float:
    """Return the cost of reaching `level`, in full trainings of `whole` epochs; inf if it is not reached."""
    return next((step.epochs / whole for step in run.steps if step.true >= level), math.inf)


def believed(run: Searched, epochs: int) -> Step | None:
    """Return the last selection of the search within `epochs` epochs; None before its first full training."""
    steps = [step for step in run.steps if step.epochs <= epochs]
    return steps[-1] if steps else None


def _costs(runs: Sequence[Searched], name: str, level: float, whole: int) -> dict[int, float]:
    return per_seed([run for run in runs if run.sampler == name], lambda run: spent(run, level, whole))


def _regret(own: Sequence[Searched], trainings: int, whole: int, best: float) -> str:
    """Return the median regret in percent after as many epochs as `trainings` full trainings have.

    Returns "" if a search ended earlier, or had selected no network yet.
    """
    if any(run.epochs < trainings * whole for run in own):
        return ""
    steps = [believed(run, trainings * whole) for run in own]
    if any(step is None for step in steps):
        return ""
    return f"{max(0.0, np.median([100 * (1 - step.true / best) for step in steps if step])):.3f}"


def _gains(
    after: int, costs: Mapping[str, Mapping[int, float]], runs: Sequence[Searched], problem: Benchmark
) -> list[str]:
    """Return a table that compares each sampler with a pruner to the same sampler without one; [] without such pairs.

    after: the number of trials that defines the level. costs: the cost of each search in full trainings, by name and
    seed.
    """
    pairs = [(name.partition("+")[0], name) for name in costs if "+" in name]
    pairs = [(sampler, name) for sampler, name in pairs if sampler in costs]
    if not pairs:
        return []
    lines = ["", _line([f"to random-{after}", "pairs", "fewer epochs", "more", "without / with", "p"])]
    lines.append(_line(["---", *["---:"] * 5]))
    for sampler, name in pairs:
        # The budget: a search that does not reach the level counts as one training more.
        most = {
            each: max(run.epochs for run in runs if run.sampler == each) / problem.epochs
            for each in (sampler, name)
        }
        for each in comparisons(name, {name: costs[name], sampler: costs[sampler]}, _budgets(most)):
            ratio = f"{each.ratio:.2f}" if math.isfinite(each.ratio) else ""
            lines.append(
                _line([name, str(each.pairs), str(each.faster), str(each.slower), ratio, f"{each.p:.2g}"])
            )
    return lines


def _budgets(most: Mapping[str, float]) -> dict[str, int]:
    return {name: math.ceil(trainings) for name, trainings in most.items()}


def _cost(values: Sequence[float]) -> str:
    interval = median_of(values)
    texts = [
        f"{x:.1f}" if math.isfinite(x) else "never" for x in (interval.median, interval.low, interval.high)
    ]
    most = quantile(values, 0.9)
    return f"{texts[0]} [{texts[1]} to {texts[2]}] ({f'{most:.1f}' if math.isfinite(most) else 'never'})"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
