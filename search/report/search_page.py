"""The page of one search."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from search.compare.plan import FOLDER
from search.report import charts
from search.report.answers import advice, cards, overview, titles
from search.report.compared import compared_section
from search.report.diagram import diagram
from search.report.document import Block, Explorer, Listing, Networks, Page, Section, Terms, Texts
from search.report.finals_text import finals_text, unfinished_text
from search.report.findings import Findings
from search.report.importance import MIN_TRIALS, common, top
from search.report.low_fidelity import low_fidelity_section
from search.report.prose import sentence, summary
from search.report.repeating import repeating
from search.runs.front import on_front
from search.runs.run import Run
from search.tables.selection import filled
from search.tables.table import Column, Row
from search.tables.units import clock, plural
from search.trials.columns import BRIEF, FINALS, TRIALS, row
from search.trials.trial import Trial

MAX_ROWS = 6000
"""The maximum number of trials in a page: with more it would be larger than 3 MB."""
AXES = (
    "reward",
    "accuracy",
    "final_reward",
    "final_accuracy",
    "params",
    "macs",
    "activations",
    "step_ms",
    "step_ratio",
    "predicted_ms",
    "size",
    "latency_ms",
    "number",
)
"""The keys of the columns that can be an axis of the scatter plot. A column without values is not offered."""

_COMMON = (
    Column("stage", "Stage"),
    Column("choice", "Choice"),
    Column("option", "Most frequent option", description="among the best trials"),
    Column("top", "Of the best", form=".0%", description="share of the best trials that have it"),
    Column("all", "Of all", form=".0%", description="share of all complete trials that have it"),
)
_FAILED = (
    Column("count", "Trials", form="d"),
    Column("reason", "Reason", description="of the first; reasons that differ only in numbers count as one"),
    Column("numbers", "Numbers"),
)


def search_page(results: Findings, refresh: int | None = None) -> Page:
    """Return the page of a search, finished or not. refresh: see `Page`."""
    run = results.run
    sections = (
        _searched(results),
        _networks(results),
        _progress(results),
        *_front(run),
        *_finals(results),
        _trials(run),
        *low_fidelity_section(run),
        _curves(run),
        _choices(run),
        _steps(run),
        _failures(run),
        repeating(results),
    )
    sections = (*sections[:2], *compared_section(run.path / FOLDER), *sections[2:])
    made = f"made {time.strftime('%Y-%m-%d %H:%M:%S %z')} from {run.path}"
    return Page(
        f"Search {run.name}",
        summary(results),
        sections,
        made,
        refresh,
        cards=cards(results),
        overview=overview(results) if results.answers else None,
        advice=advice(results),
        values=results.values(),
    )


def _searched(results: Findings) -> Section:
    run, environment = results.run, results.environment
    config = run.config
    data = environment.get("data", {})
    costs = {
        k: v for k, v in config.reward.model_dump(mode="json").items() if k != "reward" and v is not None
    }
    pairs = (
        (
            "Space",
            f"{config.space.name}: {config.space.size:,} networks, {len(config.space.choices)} choices",
        ),
        ("Data", _with(config.data.source, config.data.model_dump(mode="json", exclude={"source"}))),
        ("Classes", ", ".join(map(str, data.get("classes", []))) or "unknown"),
        ("Images", _images(data)),
        ("Reward", _with(config.reward.reward, costs)),
        ("Sampler", _with(config.sampler.sampler, config.sampler.model_dump(exclude={"sampler"}))),
        ("Executor", _with(config.executor.executor, config.executor.model_dump(exclude={"executor"}))),
        ("Seed", str(config.settings.seed)),
        ("Step time", config.settings.step),
        ("Started", str(environment.get("started", "unknown"))),
        ("Worked", f"{clock(run.seconds)} on the clock, {clock(results.worked)} summed over all workers"),
        ("Machine", _machine(environment)),
    )
    return Section("searched", "Settings", (Terms(tuple(pair for pair in pairs if pair[1])),))


def _images(data: dict[str, Any]) -> str:
    if "train" not in data:
        return ""
    return f"{data['train']:,} for training, {data['validation']:,} for validation; digest {data['digest']}"


def _with(name: str, settings: dict[str, Any]) -> str:
    words = " ".join(f"{key}={value}" for key, value in settings.items() if value not in (None, "", {}, []))
    return f"{name} ({words})" if words else name


def _machine(environment: dict[str, Any]) -> str:
    parts = (environment.get("processor"), environment.get("platform"))
    cores = f"{environment['cores']} cores" if environment.get("cores") else ""
    return ", ".join(str(part) for part in (*parts, cores) if part)


def _networks(results: Findings) -> Section:
    base = diagram(f"Base: {results.base_name}", results.base)
    drawn: dict[int, Trial] = {trial.number: trial for trial in results.answers.values()}
    answers = (
        diagram(f"{titles(results, trial)}: trial {trial.number}", trial.architecture)
        for trial in drawn.values()
    )
    return Section(
        "winner",
        "The answers and the base network",
        (
            Texts(
                (
                    "Each box is a stage: its height shows the depth, its width the channels. Point at a box for its "
                    "figures. These are the full networks, not their proxies.",
                )
            ),
            Networks((*answers, base)),
        ),
    )


def _progress(results: Findings) -> Section:
    if not results.run.ranked:
        return Section("progress", "Reward", (Texts(("No trial is complete.",)),))
    blocks = (charts.reward_over_trials(results), charts.reward_over_time(results))
    return Section("progress", "Reward", blocks)


def _front(run: Run) -> Iterator[Section]:
    """Yield a section with the Pareto front of a multi-objective search and its growth."""
    best = on_front(run.trials) if run.config.reward.multi_objective else []
    if best:
        rows = [row(trial) for trial in best]
        columns = filled(rows, [column for column in TRIALS if column.key in BRIEF])
        costs = ", ".join(run.config.reward.costs)
        note = f"{plural(len(best), 'trial')} that no other beats in accuracy, {costs} together."
        yield Section("front", "Pareto front", (charts.front_growth(run), Listing(columns, rows, note)))


def _finals(results: Findings) -> Iterator[Section]:
    """Yield a section on the finals, in which the best trials are trained with fresh seeds, if there are any."""
    run, verdict = results.run, results.verdict
    agenda = run.agenda
    if verdict is None and not agenda.finalists:
        return
    blocks: list[Block] = []
    if verdict:
        blocks.append(Texts(tuple(map(sentence, finals_text(run, verdict)))))
    else:
        blocks.append(Texts(tuple(map(sentence, unfinished_text(run))) or ("They have not begun.",)))
    trials = verdict.standing if verdict else [trial for trial in agenda.finalists if trial.final_accuracies]
    rows = [row(trial) for trial in trials]
    columns = [column for key in FINALS for column in TRIALS if column.key == key]
    if rows:
        note = "The best of the search, trained again with fresh seeds, which had no part in their selection."
        blocks.append(Listing(filled(rows, columns), rows, note))
    yield Section("finals", "Finals", tuple(blocks))


def _trials(run: Run) -> Section:
    if not run.trials:
        return Section("trials", "Trials", (Texts(("There is no trial yet.",)),))
    shown = list(run.trials)
    note = ""
    if len(shown) > MAX_ROWS:
        best = {trial.number for trial in run.ranked[:MAX_ROWS]}
        shown = [trial for trial in shown if trial.number in best]
        note = f"The {MAX_ROWS:,} best of {len(run.trials):,} trials; search export {run.name} writes all."
    rows = [row(trial) for trial in shown]
    return Section("trials", "Trials", (explorer(rows, TRIALS, note=note),))


def explorer(
    rows: Sequence[Row], columns: tuple[Column, ...], *, group: str = "state", note: str = ""
) -> Explorer:
    """Return an interactive view of trials.

    It first shows accuracy against params, or params against trial numbers if there are no accuracies. group: the key
    of the column that colours points. note: see `Explorer`.
    """
    shown = filled(rows, columns)
    keys = {column.key for column in shown}
    if "predicted_ms" not in keys:  # Without predictions, step_ratio is the measured ratio.
        shown = tuple(column for column in shown if column.key != "measured_ratio")
    axes = tuple(key for key in AXES if key in keys)
    x, y = ("params", "accuracy") if "accuracy" in keys else ("number", "params")
    sort = "-reward" if "reward" in keys else "number"
    # Accuracies of low-fidelity trainings cannot be compared with those of full ones.
    aside = "pruned" if any(values.get(group) == "pruned" for values in rows) else ""
    return Explorer(shown, rows, axes, x, y, sort, group=group, aside=aside, note=note)


def _curves(run: Run) -> Section:
    chart = charts.learning_curves(run)
    missing = Texts(("No complete trial has more than one epoch.",))
    return Section("curves", "Learning curves", (chart if chart.series else missing,))


def _choices(run: Run) -> Section:
    bars = charts.importance(run)
    options = common(run)
    if not options:
        return Section("choices", "Choices", (Texts(("No complete trial is a network of the space.",)),))
    best = top(len(run.ranked))
    rows = [
        {
            "stage": _stage(one.choice),
            "choice": one.choice.rpartition(".")[2],
            "option": one.option,
            "top": one.top,
            "all": one.all,
        }
        for one in options
    ]
    note = f"The {best} trials of the highest reward, compared with all {len(run.ranked)} complete ones."
    if len(run.ranked) < 2 * best:
        note += " With so few trials the shares say little."
    few: tuple[Block, ...] = bars or (
        Texts((f"The importance of choices is estimated from {MIN_TRIALS} trials on.",)),
    )
    return Section(
        "choices", "Importance of choices, and options of the best", (*few, Listing(_COMMON, rows, note))
    )


def _stage(choice: str) -> str:
    return choice.rpartition(".")[0] or "network"


def _steps(run: Run) -> Section:
    chart = charts.step_times(run)
    if chart:
        return Section("steps", "Step time", (chart,))
    if not run.config.forecast:
        text = "No device profile was used, so there are no predictions to compare with."
        counted = "step" in run.config.reward.costs
        text += (
            " Step times were measured before each training."
            if counted
            else " The reward does not count step time."
        )
    else:
        text = "Step times were predicted by the device profile; none is measured yet."
    return Section("steps", "Step time", (Texts((text,)),))


def _failures(run: Run) -> Section:
    kinds: dict[str, list[Any]] = defaultdict(list)
    for trial in run.trials:
        if trial.state == "failed":
            kinds[re.sub(r"\d+", "#", trial.reason)].append(trial)
    if not kinds:
        return Section("failures", "Failures", (Texts(("No trial failed.",)),))
    rows = [
        {"count": len(trials), "reason": trials[0].reason, "numbers": _numbers(trials)}
        for trials in kinds.values()
    ]
    rows.sort(key=lambda values: -values["count"])
    return Section("failures", "Failures", (Listing(_FAILED, rows),))


def _numbers(trials: list[Any]) -> str:
    shown = ", ".join(str(trial.number) for trial in trials[:10])
    return shown + (f", and {len(trials) - 10} more" if len(trials) > 10 else "")
