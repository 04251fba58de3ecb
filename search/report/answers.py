"""The first screen of a page: the answers of a search as cards, a chart of them, and one sentence of advice."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Literal

from search.report import finals_text
from search.report.axes import axis, column
from search.report.document import Axis, Card, Chart, Series
from search.report.findings import ANSWERS, Findings, accuracy, unbiased
from search.report.palette import GREY
from search.report.prose import sentence, significance
from search.stats.pareto import front
from search.tables.units import plural, si, times_as_many
from search.trials.trial import Trial
from space import cost


def cards(results: Findings) -> tuple[Card, ...]:
    """Return a card for each answer of the search, with its accuracy, its costs and a comparison with the base."""
    return tuple(
        _card(results, title, results.answers[name])
        for name, title in ANSWERS.items()
        if name in results.answers
    )


def _card(results: Findings, title: str, trial: Trial) -> Card:
    estimate = results.comparison.accuracy(trial) if results.comparison else None
    half = f" ± {estimate.half:.3f}" if estimate and estimate.half is not None else ""
    runs = len(trial.final_accuracies)
    once = " (inherited weights)" if results.untrained else " (one training)"
    seeds = f" (mean of {plural(runs, 'training')})" if runs else once
    pairs = [
        ("Accuracy", f"{accuracy(trial):.3f}{half}{seeds}"),
        ("Params", si(trial.cost.params)),
        ("MACs", si(trial.cost.macs)),
    ]
    ms = trial.predicted.ms if trial.predicted else trial.result.step_ms if trial.result else None
    if ms is not None:
        pairs.append(("Step time", f"{ms:.1f} ms" + (" (predicted)" if trial.predicted else "")))
    pairs.append(("Reward", f"{unbiased(trial):.4f}"))
    return Card(title, f"trial {trial.number}", tuple(pairs), _card_note(results, trial))


def _card_note(results: Findings, trial: Trial) -> str:
    """Return one sentence that compares an answer with the base network."""
    if results.base_trial is trial:
        return f"It is the base network, {results.base_name}."
    ours, theirs = trial.cost, cost(results.base)
    params = times_as_many(ours.params, theirs.params, "params")
    macs = times_as_many(ours.macs, theirs.macs, "MACs")
    base = results.base_trial
    gain = ""
    if base is not None and results.comparison and (estimate := results.comparison.difference(trial, base)):
        gain = f"; accuracy {estimate.mean:+.3f} ({significance(results, estimate)})"
    return f"Compared with {results.base_name}: {params}, {macs}{gain}."


def overview(results: Findings) -> Chart:
    """Return the chart of accuracy against params with the answers, the base and the Pareto front.

    Networks that were trained with fresh seeds have the means of those trainings, with error bars where an interval
    can be given.
    """
    trials = results.run.ranked
    answers = {trial.number: trial for trial in results.answers.values()}
    base = results.base_trial
    points = [(float(trial.cost.params), 1 - accuracy(trial)) for trial in trials]
    best = sorted(points[index] for index in front(points))
    others = [trial for trial in trials if trial.number not in answers and trial is not base]
    series = [
        _points("trials", others, results, "points", GREY, faint=True),
        Series("Pareto front", "step", tuple(x for x, _ in best), tuple(1 - y for _, y in best), colour=0),
    ]
    if base is not None and base.number not in answers:
        series.append(_points("base", [base], results, "marks", 2, tags=("base",)))
    series += [
        _points(
            titles(results, trial).lower(),
            [trial],
            results,
            "marks",
            1,
            tags=(titles(results, trial).lower(),),
        )
        for trial in answers.values()
    ]
    return Chart(
        "overview",
        "Accuracy against params",
        axis(column("params")),
        Axis("Validation accuracy", form=".3f"),
        tuple(each for each in series if each.xs),
        _overview_note(results),
    )


def _overview_note(results: Findings) -> str:
    if results.comparison and results.comparison.fresh:
        return (
            "Networks that were trained again with fresh seeds show the mean of those trainings; a bar is its 95 % "
            "interval. The others show the accuracy that the search saw."
        )
    if results.untrained:
        return f"{sentence(finals_text.UNTRAINED)} There are no error bars."
    return "Each network was trained once, so there are no error bars."


def _points(
    name: str,
    trials: Sequence[Trial],
    results: Findings,
    kind: Literal["points", "marks"],
    colour: int,
    faint: bool = False,
    tags: tuple[str, ...] = (),
) -> Series:
    estimates = [results.comparison.accuracy(trial) if results.comparison else None for trial in trials]
    return Series(
        name,
        kind,
        tuple(float(trial.cost.params) for trial in trials),
        tuple(accuracy(trial) for trial in trials),
        labels=tuple(f"trial {trial.number}" for trial in trials),
        errors=tuple(estimate.half if estimate else None for estimate in estimates),
        tags=tags,
        colour=colour,
        faint=faint,
    )


def titles(results: Findings, trial: Trial) -> str:
    """Return the titles of all answers of the search that are this trial, such as "Best, cheapest"; "" if none is."""
    names = [
        title
        for name, title in ANSWERS.items()
        if name in results.answers and results.answers[name].number == trial.number
    ]
    return ", ".join(names).capitalize()


def advice(results: Findings) -> str:
    """Return one sentence of advice: which answer to train, or what to do first.

    While the search runs, the sentence says that answers can change. Returns "" if no trial is complete.
    """
    name = shlex.quote(results.run.name)
    if results.winner is None:
        return ""
    if results.state == "running":
        return "The search is still running: answers can change."
    if (
        results.verdict
        and results.verdict.noise
        and list(finals_text.warning(results.run, results.verdict.noise))
    ):
        (warning, *_) = finals_text.warning(results.run, results.verdict.noise)
        return f"Before you rely on these answers: {warning.removeprefix('warning: ')}."
    best, accurate = results.winner, results.answers.get("most-accurate", results.winner)
    if best.number == accurate.number:
        return f"Train the best network in full next: search train {name}:best."
    relation = "a significantly higher accuracy"
    estimate = results.comparison.difference(accurate, best) if results.comparison else None
    if estimate is None or not estimate.significant:
        relation = "the highest measured accuracy, though not significantly higher"
    command = f"search train {name}:most-accurate"
    return (
        f"If accuracy matters more to you than cost, train the most accurate network ({command}), which has "
        f"{relation} than the best by reward; otherwise the best: search train {name}:best."
    )
