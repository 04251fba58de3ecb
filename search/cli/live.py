"""The progress of a running search: a live panel on a terminal, one line for each trial elsewhere."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from search.engine.search_and_finals import SearchAndFinals
from search.runs.status import Status
from search.tables.units import clock, si
from search.trials.trial import Trial


class Terminal:
    """The display of a search on `console`: standard error, since standard output is for results."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.path: Path | None = None
        """The folder of the run, None before it exists."""
        self._source: SearchAndFinals | None = None

    def begin(self, path: Path, source: SearchAndFinals) -> AbstractContextManager[object]:
        """See `search.engine.display.Display`."""
        self.path, self._source = path, source
        config = source.config
        self._print(
            f"{path}: data {config.data.source}, executor {config.executor.executor},"
            f" {_parallel(config.executor.parallel)}; {counts(source.status)}"
        )
        if not self._console.is_terminal:
            return nullcontext()
        return Live(
            get_renderable=lambda: panel(source.status),
            console=self._console,
            refresh_per_second=2,
            transient=True,
        )

    def finished(self, trial: Trial) -> None:
        """See `search.engine.display.Display`."""
        text = line(trial)
        if self._source and not self._console.is_terminal:
            text += f"; {progress(self._source.status)}"
        self._print(text)

    def note(self, text: str) -> None:
        """See `search.engine.display.Display`."""
        self._print(text)

    def _print(self, text: str) -> None:
        # As a `Text`, or brackets in the reason of a failure would be read as markup.
        self._console.print(Text(text), soft_wrap=True)


def _parallel(parallel: int | None) -> str:
    return f"{parallel} at a time" if parallel else "as many at a time as the cluster has room for"


def line(trial: Trial) -> str:
    """Return a finished trial in one line."""
    if trial.state == "failed":
        return f"trial {trial.number} failed: {trial.reason}"
    assert trial.result
    if trial.state == "pruned":
        return f"trial {trial.number} {low_fidelity(trial)} in {trial.result.seconds:.0f} s"
    assert trial.terms
    duplicate = " (duplicate)" if trial.state == "duplicate" else ""
    return f"trial {trial.number} {trial.terms} in {trial.result.seconds:.0f} s{duplicate}"


def low_fidelity(trial: Trial) -> str:
    """Return the result of the longest training of a pruned trial."""
    rung = trial.rungs[-1]
    return f"after {_count(rung.result.epochs, 'epoch')}: {rung.terms}"


def progress(status: Status) -> str:
    """Return the progress of a search in a few words."""
    finished = status.complete + status.failed + status.pruned
    parts = [f"{finished} of {status.total}" if status.total else str(finished)]
    if status.best and status.best.terms:
        parts.append(f"best {status.best.terms.reward:.4f}")
    return ", ".join(parts + ([f"{clock(status.left)} left"] if status.left is not None else []))


def panel(status: Status) -> RenderableType:
    """Return the state of a search: counts, times, the best trial and the running ones. Lines fit 80 columns."""
    lines: list[RenderableType] = []
    if status.total:
        finished = status.complete + status.failed + status.pruned
        lines.append(ProgressBar(total=status.total, completed=finished, width=60))
    lines += [Text(counts(status)), Text(times(status))]
    if status.finals:
        lines.append(Text("finals: {} of {} trainings".format(*status.finals)))
    lines += [Text(str(status.rungs), style="dim")] if status.rungs else []
    if status.best:
        lines.append(Text(f"best: {figures(status.best)}"))
    running = [*status.running, *status.running_finals]
    if running:
        listed = ", ".join(f"{trial.number} (epoch {epoch + 1})" for trial, epoch in running)
        lines.append(Text(f"training: trial{'s' * (len(running) > 1)} {listed}", style="dim"))
    return Group(*lines)


def figures(trial: Trial) -> str:
    """Return the reward, accuracy and costs of a trial in one short line."""
    parts = [f"trial {trial.number}"]
    if trial.terms:
        parts += [f"reward {trial.terms.reward:.4f}", f"accuracy {trial.terms.accuracy:.4f}"]
    return ", ".join([*parts, f"{si(trial.cost.params)} params", f"{si(trial.cost.macs)} MACs"])


def counts(status: Status) -> str:
    """Return the number of finished trials, and of those with other results than a complete training."""
    finished = status.complete + status.failed + status.pruned
    others = (
        (status.pruned, "pruned"),
        (status.failed, "failed"),
        (status.duplicate, "duplicate"),
        (status.imported, "imported"),
    )
    parts = [f"{finished} of {status.total} trials" if status.total else _count(finished, "trial")]
    return ", ".join(parts + [f"{count} {state}" for count, state in others if count])


def times(status: Status) -> str:
    """Return the time worked and the time left."""
    left = f", about {clock(status.left)} left" if status.left is not None else ""
    return f"{clock(status.seconds)} so far{left}"


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"
