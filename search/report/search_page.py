"""The page of one search."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from search.compare.plan import FOLDER
from search.compare.table import COLUMNS as COMPARED
from search.compare.table import read, verdict
from search.report import charts
from search.report.diagram import diagram
from search.report.document import Block, Explorer, Listing, Networks, Page, Section, Terms, Texts
from search.report.finals_text import finals_text
from search.report.findings import Findings
from search.report.importance import common, top
from search.report.prose import sentence, summary
from search.report.repeating import again
from search.report.shorter import shorter_trainings
from search.runs.front import on_front
from search.runs.run import Run
from search.tables.selection import filled
from search.tables.table import Column, Row
from search.tables.units import clock
from search.trials.columns import BRIEF, FINALS, TRIALS, row

MOST_ROWS = 6000
"""Trials that a page holds: with more it would be larger than 3 MB."""
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
    "number",
)
"""What the scatter can be of, where there are values."""

_COMMON = (
    Column("stage", "Stage"),
    Column("choice", "Choice"),
    Column("option", "Most of the best have"),
    Column("top", "Of the best", form=".0%", description="the part of the best trials that has it"),
    Column("all", "Of all", form=".0%", description="the part of all complete trials that has it"),
)
_FAILED = (
    Column("count", "Trials", form="d"),
    Column("reason", "Reason", description="of the first; numbers that differ count as the same reason"),
    Column("numbers", "Which"),
)


def search_page(found: Findings, refresh: int | None = None) -> Page:
    """Everything there is to say about a search, at any moment of it. refresh: see `Page`."""
    run = found.run
    sections = (
        _searched(found),
        _winner(found),
        _progress(found),
        *_front(run),
        *_finals(found),
        _trials(run),
        *shorter_trainings(run),
        _curves(run),
        _choices(run),
        _steps(run),
        _failures(run),
        again(found),
    )
    sections = (*sections[:2], *_worth(run), *sections[2:])
    made = f"made {time.strftime('%Y-%m-%d %H:%M:%S %z')} from {run.path}"
    return Page(f"Search {run.name}", summary(found), sections, made, refresh)


def _searched(found: Findings) -> Section:
    run, environment = found.run, found.environment
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
        ("Begun", str(environment.get("started", "unknown"))),
        ("Worked", f"{clock(run.seconds)} on the clock, {clock(found.worked)} of all workers together"),
        ("Machine", _machine(environment)),
    )
    return Section("searched", "What was searched", (Terms(tuple(pair for pair in pairs if pair[1])),))


def _images(data: dict[str, Any]) -> str:
    if "train" not in data:
        return ""
    return f"{data['train']:,} to train on, {data['validation']:,} to validate on; digest {data['digest']}"


def _with(name: str, settings: dict[str, Any]) -> str:
    told = " ".join(f"{key}={value}" for key, value in settings.items() if value not in (None, "", {}, []))
    return f"{name} ({told})" if told else name


def _machine(environment: dict[str, Any]) -> str:
    parts = (environment.get("processor"), environment.get("platform"))
    cores = f"{environment['cores']} cores" if environment.get("cores") else ""
    return ", ".join(str(part) for part in (*parts, cores) if part)


def _winner(found: Findings) -> Section:
    base = diagram(f"Base: {found.base_name}", found.base)
    winner = found.winner
    best = (diagram(f"Winner: trial {winner.number}", winner.architecture),) if winner else ()
    return Section(
        "winner",
        "The winner beside the base network",
        (
            Texts(
                (
                    "Each box is a stage: the higher the deeper, the wider the more channels. Point at one for its "
                    "figures. Full networks, as they would be trained in the end.",
                )
            ),
            Networks((*best, base)),
        ),
    )


def _worth(run: Run) -> Iterator[Section]:
    """What `search compare` found, if it was asked."""
    rows = read(run.path / FOLDER)
    if rows:
        blocks = (Texts(tuple(verdict(rows))), Listing(filled(rows, COMPARED), rows))
        yield Section("worth", "Was the search worth it?", blocks)


def _progress(found: Findings) -> Section:
    if not found.run.ranked:
        return Section("progress", "Reward", (Texts(("No trial is complete.",)),))
    blocks = (charts.reward_over_trials(found), charts.reward_over_time(found))
    return Section("progress", "Reward", blocks)


def _front(run: Run) -> Iterator[Section]:
    """The best compromises and how they got better, of a search for such."""
    best = on_front(run.trials) if run.config.reward.multi_objective else []
    if best:
        rows = [row(trial) for trial in best]
        columns = filled(rows, [column for column in TRIALS if column.key in BRIEF])
        costs = ", ".join(run.config.reward.costs)
        note = f"The {len(best)} trials that no other beats in accuracy, {costs} together."
        yield Section(
            "front", "The best compromises", (charts.front_growth(run), Listing(columns, rows, note))
        )


def _finals(found: Findings) -> Iterator[Section]:
    """What became of the best ones' trainings with fresh seeds; nothing where there are to be none."""
    run, verdict = found.run, found.verdict
    agenda = run.agenda
    if verdict is None and not agenda.finalists:
        return
    blocks: list[Block] = []
    if verdict:
        blocks.append(Texts(tuple(map(sentence, finals_text(run, verdict)))))
    else:
        done, total = len(agenda.trainings) - agenda.left, len(agenda.trainings)
        blocks.append(
            Texts((f"{done} of {total} trainings are over; until all are, the highest reward counts.",))
        )
    trials = verdict.standing if verdict else [trial for trial in agenda.finalists if trial.final_accuracies]
    rows = [row(trial) for trial in trials]
    columns = [column for key in FINALS for column in TRIALS if column.key == key]
    if rows:
        note = "The best of the search, trained again with fresh seeds: these had no part in choosing them."
        blocks.append(Listing(filled(rows, columns), rows, note))
    yield Section("finals", "Finals", tuple(blocks))


def _trials(run: Run) -> Section:
    if not run.trials:
        return Section("trials", "Trials", (Texts(("There is none yet.",)),))
    kept = list(run.trials)
    note = ""
    if len(kept) > MOST_ROWS:
        best = {trial.number for trial in run.ranked[:MOST_ROWS]}
        kept = [trial for trial in kept if trial.number in best]
        note = f"The {MOST_ROWS:,} best of {len(run.trials):,} trials; search export {run.name} has all."
    rows = [row(trial) for trial in kept]
    return Section("trials", "Trials", (explorer(rows, TRIALS, note=note),))


def explorer(
    rows: Sequence[Row], columns: tuple[Column, ...], *, group: str = "state", note: str = ""
) -> Explorer:
    """Trials to look through: accuracy against parameters to begin with."""
    shown = filled(rows, columns)
    keys = {column.key for column in shown}
    if "predicted_ms" not in keys:  # Then the ratio is the measured one.
        shown = tuple(column for column in shown if column.key != "measured_ratio")
    axes = tuple(key for key in AXES if key in keys)
    x, y = ("params", "accuracy") if "accuracy" in keys else ("number", "params")
    sort = "-reward" if "reward" in keys else "number"
    # What a shorter training gave compares with no whole one.
    aside = "pruned" if any(found.get(group) == "pruned" for found in rows) else ""
    return Explorer(shown, rows, axes, x, y, sort, group=group, aside=aside, note=note)


def _curves(run: Run) -> Section:
    chart = charts.learning_curves(run)
    missing = Texts(("No complete trial has more than one epoch to draw.",))
    return Section("curves", "Learning curves", (chart if chart.series else missing,))


def _choices(run: Run) -> Section:
    bars = charts.importance(run)
    found = common(run)
    if not found:
        return Section("choices", "Choices", (Texts(("No complete trial is a choice within the space.",)),))
    best = top(len(run.ranked))
    rows = [
        {
            "stage": _stage(one.choice),
            "choice": one.choice.rpartition(".")[2],
            "option": one.option,
            "top": one.top,
            "all": one.all,
        }
        for one in found
    ]
    note = f"Of the {best} trials of the highest reward, beside all {len(run.ranked)} complete ones."
    if len(run.ranked) < 2 * best:
        note += " The best are most of all: there is little to see yet."
    few: tuple[Block, ...] = bars or (
        Texts(("Too few trials, or all alike, to tell what decided the reward.",)),
    )
    return Section(
        "choices", "What decided, and what the best have in common", (*few, Listing(_COMMON, rows, note))
    )


def _stage(choice: str) -> str:
    return choice.rpartition(".")[0] or "network"


def _steps(run: Run) -> Section:
    chart = charts.step_times(run)
    if chart:
        return Section("steps", "Step time", (chart,))
    if not run.config.forecast:
        text = "No profile of the device was used, so there is no prediction to compare with."
        counted = "step" in run.config.reward.costs
        text += (
            " Step times were measured beside each training."
            if counted
            else " The reward does not count step time."
        )
    else:
        text = "Step times were predicted from the device's profile; no trial has a measured one yet."
    return Section("steps", "Step time", (Texts((text,)),))


def _failures(run: Run) -> Section:
    kinds: dict[str, list[Any]] = defaultdict(list)
    for trial in run.trials:
        if trial.state == "failed":
            kinds[re.sub(r"\d+", "#", trial.reason)].append(trial)
    if not kinds:
        return Section("failures", "Failures", (Texts(("No trial failed.",)),))
    rows = [
        {"count": len(found), "reason": found[0].reason, "numbers": _numbers(found)}
        for found in kinds.values()
    ]
    rows.sort(key=lambda found: -found["count"])
    return Section("failures", "Failures", (Listing(_FAILED, rows),))


def _numbers(trials: list[Any]) -> str:
    shown = ", ".join(str(trial.number) for trial in trials[:10])
    return shown + (f", and {len(trials) - 10} more" if len(trials) > 10 else "")
