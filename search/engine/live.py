"""The progress of a running search: a live panel on a terminal, one line for each trial elsewhere."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.text import Text

from search.engine.search_and_finals import SearchAndFinals
from search.runs.front import on_front
from search.runs.status import Status
from search.tables.units import clock, plural, si, unwrapped
from search.trials.trial import Trial


class Terminal:
    """The display of a search on `console`, which should be standard error: standard output is for results."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.path: Path | None = None
        """The folder of the run, None before it exists."""
        self._source: SearchAndFinals | None = None
        self._front: tuple[Trial, ...] | None = None
        """The Pareto front of a multi-objective search, None for other searches."""

    def begin(self, path: Path, source: SearchAndFinals) -> AbstractContextManager[object]:
        """Print one line about the run. On a terminal, show a panel with its status until the context ends."""
        self.path, self._source = path, source
        config = source.config
        self._update_front()
        self._print(
            f"{path}: data {config.data.source}, executor {config.executor.executor},"
            f" {_parallel(config.executor.parallel)}; {counts(source.status)}"
        )
        if not self._console.is_terminal:
            return nullcontext()
        return Live(
            get_renderable=lambda: panel(source.status, self._front),
            console=self._console,
            refresh_per_second=2,
            transient=True,
        )

    def finished(self, trial: Trial) -> None:
        """Print the result of a trial that is over or has finished a low-fidelity training."""
        self._update_front()
        text = line(trial, by_reward=self._front is None)
        if self._source and not self._console.is_terminal:
            text += f"; {progress(self._source.status, self._front)}"
        self._print(text)

    def note(self, text: str) -> None:
        """Print one line of text."""
        self._print(text)

    def _update_front(self) -> None:
        if self._source and self._source.config.reward.multi_objective:
            self._front = tuple(on_front(self._source.trials))

    def _print(self, text: str) -> None:
        # In a plain string, rich would read brackets, as in the reason of a failure, as markup.
        width = self._console.width if self._console.is_terminal else None
        self._console.print(Text(text), soft_wrap=unwrapped(text, width))


def _parallel(parallel: int | None) -> str:
    return f"{parallel} at a time" if parallel else "as many at a time as the cluster has room for"


def line(trial: Trial, by_reward: bool = True) -> str:
    """Return a finished trial in one line: its reward term by term, or its objectives if `by_reward` is False.

    For a pruned trial, the line gives the reward after its longest training; for a failed trial, the reason.
    """
    if trial.state == "failed":
        return f"trial {trial.number} failed: {trial.reason}"
    assert trial.result
    if trial.state == "pruned":
        return f"trial {trial.number} {low_fidelity(trial)} in {trial.result.seconds:.0f} s"
    assert trial.terms
    duplicate = " (duplicate)" if trial.state == "duplicate" else ""
    terms = str(trial.terms) if by_reward else objectives(trial)
    return f"trial {trial.number} {terms} in {trial.result.seconds:.0f} s{duplicate}"


def objectives(trial: Trial) -> str:
    """Return the objectives of a trial in words: its accuracy, and each cost as a multiple of its unit."""
    assert trial.terms
    costs = (f"{term.cost} {term.ratio:.3g}" for term in trial.terms.costs)
    return ", ".join((f"accuracy {trial.terms.accuracy:.4f}", *costs))


def low_fidelity(trial: Trial) -> str:
    """Return the result of the longest training of a pruned trial as text: "after 3 epochs: ..."."""
    rung = trial.rungs[-1]
    return f"after {plural(rung.result.epochs, 'epoch')}: {rung.terms}"


def progress(status: Status, front: tuple[Trial, ...] | None = None) -> str:
    """Return the progress of a search in a few words. front: the Pareto front; None for a single objective."""
    parts = [f"{status.finished} of {status.total}" if status.total else str(status.finished)]
    if front is not None:
        parts.append(f"front {plural(len(front), 'trial')}")
    elif status.best and status.best.terms:
        parts.append(f"best {status.best.terms.reward:.4f}")
    return ", ".join(parts + ([f"{clock(status.left)} left"] if status.left is not None else []))


def panel(status: Status, front: tuple[Trial, ...] | None = None) -> RenderableType:
    """Return a progress bar and the lines of `panel_lines`."""
    lines: list[RenderableType] = [Text(line) for line in panel_lines(status, front)]
    if status.total:
        # A bar ends without a new line; padding adds one.
        lines.insert(0, Padding(ProgressBar(total=status.total, completed=status.finished, width=60), 0))
    return Group(*lines)


def panel_lines(status: Status, front: tuple[Trial, ...] | None = None) -> list[str]:
    """Return the state of a search in lines: counts, times, the best trial or the front, and the running trials."""
    lines = [counts(status), times(status)]
    if status.finals:
        lines.append("finals: {} of {} trainings".format(*status.finals))
    lines += [str(status.rungs)] if status.rungs else []
    if front:
        lines.append(f"front: {plural(len(front), 'trial')}, from {objectives(front[-1])}")
        lines.append(f"       to {objectives(front[0])}")
    elif front is None and status.best:
        lines.append(f"best: {figures(status.best)}")
    running = [*status.running, *status.running_finals]
    if running:
        listed = ", ".join(f"{trial.number} ({_epoch(status, trial, epoch)})" for trial, epoch in running)
        lines.append(f"training: trial{'s' * (len(running) > 1)} {listed}")
    return lines


def _epoch(status: Status, trial: Trial, finished: int) -> str:
    total = status.goals.get(trial.number)
    return f"epoch {min(finished + 1, total)} of {total}" if total else f"epoch {finished + 1}"


def figures(trial: Trial) -> str:
    """Return a trial in one short line: its reward and accuracy, if it has them, and its params and MACs."""
    parts = [f"trial {trial.number}"]
    if trial.terms:
        parts += [f"reward {trial.terms.reward:.4f}", f"accuracy {trial.terms.accuracy:.4f}"]
    return ", ".join([*parts, f"{si(trial.cost.params)} params", f"{si(trial.cost.macs)} MACs"])


def counts(status: Status) -> str:
    """Return the number of finished trials, and the numbers of pruned, failed, duplicate and imported ones."""
    others = (
        (status.pruned, "pruned"),
        (status.failed, "failed"),
        (status.duplicate, "duplicate"),
        (status.imported, "imported"),
    )
    over, total = status.finished, status.total
    parts = [f"{over} of {plural(total, 'trial')}" if total else plural(over, "trial")]
    return ", ".join(parts + [f"{count} {state}" for count, state in others if count])


def times(status: Status) -> str:
    """Return the time that the search has taken so far, and the time left if it is known."""
    left = f", about {clock(status.left)} left" if status.left is not None else ""
    return f"{clock(status.seconds)} so far{left}"
