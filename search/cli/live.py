"""A search while it runs: a live panel on a terminal, a line for each trial elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from search.engine.search_and_finals import SearchAndFinals
from search.runs.status import Status
from search.tables.table import Column, Row
from search.tables.units import clock
from search.trials.columns import BRIEF, TRIALS, row
from search.trials.trial import Trial


class Terminal:
    """Shows a search on `console`: standard error, so that standard output stays free for results."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.path: Path | None = None
        """Of the run, once there is one."""
        self._course: SearchAndFinals | None = None

    def begin(self, path: Path, course: SearchAndFinals) -> AbstractContextManager[object]:
        """See `search.engine.launch.Display`."""
        self.path, self._course = path, course
        setting, status = course.setting, course.status
        self._say(
            f"{path}: data {setting.data.source}, executor {setting.executor.executor},"
            f" {_at_a_time(setting.executor.parallel)}; {counts(status)}"
        )
        if not self._console.is_terminal:
            return nullcontext()
        return Live(
            get_renderable=lambda: panel(course.status),
            console=self._console,
            refresh_per_second=2,
            transient=True,
        )

    def finished(self, trial: Trial) -> None:
        """See `search.engine.launch.Display`."""
        text = line(trial)
        if self._course and not self._console.is_terminal:
            text += f"; {progress(self._course.status)}"
        self._say(text)

    def note(self, text: str) -> None:
        """See `search.engine.launch.Display`."""
        self._say(text)

    def _say(self, text: str) -> None:
        # As a `Text`: brackets in the reason of a failure are no markup.
        self._console.print(Text(text), soft_wrap=True)


def _at_a_time(parallel: int | None) -> str:
    return f"{parallel} at a time" if parallel else "as many at a time as there is room for"


def line(trial: Trial) -> str:
    """A finished trial in one line."""
    if trial.state == "failed":
        return f"trial {trial.number} failed: {trial.reason}"
    assert trial.result
    if trial.state == "pruned":
        return f"trial {trial.number} {shorter(trial)} in {trial.result.seconds:.0f} s"
    assert trial.terms
    known = " (known already)" if trial.state == "duplicate" else ""
    return f"trial {trial.number} {trial.terms} in {trial.result.seconds:.0f} s{known}"


def shorter(trial: Trial) -> str:
    """What the longest training of a trial that rests at a rung said."""
    rung = trial.rungs[-1]
    epochs = rung.result.epochs
    return f"after {epochs} epoch{'s' * (epochs > 1)}: {rung.terms}"


def progress(status: Status) -> str:
    """How far a search is, in a few words."""
    done = status.complete + status.failed + status.pruned
    parts = [f"{done} of {status.total}" if status.total else str(done)]
    if status.best and status.best.terms:
        parts.append(f"best {status.best.terms.reward:.4f}")
    return ", ".join(parts + ([f"{clock(status.left)} left"] if status.left is not None else []))


def panel(status: Status) -> RenderableType:
    """The state of a search: counts, the best so far, what is running, time left."""
    lines: list[RenderableType] = []
    if status.total:
        done = status.complete + status.failed + status.pruned
        lines.append(ProgressBar(total=status.total, completed=done, width=60))
    lines.append(Text(counts(status)))
    lines += [Text(str(status.rungs))] if status.rungs else []
    if status.best and status.best.terms:
        lines += [Text("best " + line(status.best)), Text(f"     {status.best.architecture}", style="dim")]
    for trial, epoch in status.running:
        lines.append(Text(f"running {trial.number}, epoch {epoch + 1}: {trial.architecture}", style="dim"))
    for trial, epoch in status.running_finals:
        lines.append(Text(f"again {trial.number}, epoch {epoch + 1}: {trial.architecture}", style="dim"))
    return Group(*lines)


def counts(status: Status) -> str:
    """How many trials there are of each kind, and how long it took and will take."""
    done = status.complete + status.failed + status.pruned
    parts = [f"{done} of {status.total} trials" if status.total else f"{done} trials"]
    parts += [f"{status.pruned} pruned"] if status.pruned else []
    parts += [f"{status.failed} failed", f"{status.duplicate} duplicate", f"{clock(status.seconds)} so far"]
    parts += [f"{status.imported} of earlier runs"] if status.imported else []
    parts += ["the best trained again: {} of {}".format(*status.finals)] if status.finals else []
    parts += [f"about {clock(status.left)} left"] if status.left is not None else []
    return ", ".join(parts)


def brief(trials: Iterable[Trial]) -> Table:
    """Trials as a table that fits a terminal."""
    rows = [row(trial) for trial in trials]
    used = [key for key in BRIEF if any(found[key] is not None for found in rows)]
    return table(rows, [column for key in used for column in TRIALS if column.key == key])


def table(rows: Iterable[Row], columns: Sequence[Column]) -> Table:
    """Rows as a table for a terminal, rounded as print forms are."""
    rows = list(rows)
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        text = any(isinstance(found.get(column.key), str) for found in rows)
        made.add_column(column.heading, justify="left" if text else "right", overflow="fold")
    for found in rows:
        made.add_row(*(Text(column.shown(found.get(column.key))) for column in columns))
    return made
