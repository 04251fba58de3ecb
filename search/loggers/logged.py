"""A display of a search that also sends its trials to loggers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from pathlib import Path

from search.config import Config
from search.engine.display import Display
from search.engine.search_and_finals import SearchAndFinals
from search.loggers import LOGGERS, LoggedTrial, Logger
from search.runs.run import config_of
from search.trials.trial import Trial
from space.refusal import UserError, unknown_name


class Logged:
    """A display that also sends trials to the loggers of the given names. See `search.engine.display.Display`.

    Raises `UserError` for an unknown name, and for a logger whose library is not installed.
    """

    def __init__(self, display: Display, names: Sequence[str]) -> None:
        for name in names:
            if name not in LOGGERS:
                raise unknown_name("--log", name, LOGGERS)
            needed = LOGGERS[name].needs
            if needed and find_spec(needed) is None:
                raise UserError(f"--log {name} needs the package {needed}: pip install {needed}")
        self._display, self._names = display, tuple(dict.fromkeys(names))
        self._loggers: dict[str, Logger] = {}
        self._config: Config | None = None
        self._early: list[Trial] = []
        """The trials that ended before `begin`: a resume ends a trial during which the driver died too often."""

    def begin(self, path: Path, source: SearchAndFinals) -> AbstractContextManager[object]:
        """Show the status of the run at `path`, and keep its loggers open, until the context ends."""
        self._config = config = config_of(path)
        return self._open(path, config, self._display.begin(path, source))

    def finished(self, trial: Trial) -> None:
        """Show a trial, and send it to the loggers unless it is pruned.

        A trial that comes before `begin` is sent when the loggers are open. A logger that fails is dropped with a
        note.
        """
        self._display.finished(trial)
        if self._config:
            self._send(trial, self._config)
        else:
            self._early.append(trial)

    def note(self, text: str) -> None:
        """Show one line of text."""
        self._display.note(text)

    def _send(self, trial: Trial, config: Config) -> None:
        if trial.state == "pruned":
            return  # Results of a low-fidelity training are not comparable. A full one may still follow.
        logged = LoggedTrial.of(trial, config)
        for name, logger in list(self._loggers.items()):
            with self._dropping(name, "and gets no more trials"):
                logger.finished(logged)

    @contextmanager
    def _open(self, path: Path, config: Config, context: AbstractContextManager[object]) -> Iterator[None]:
        """Keep the display's context and the loggers open. At the end, close all loggers that have not failed."""
        try:
            with context:
                for name in self._names:
                    with self._dropping(name, "and gets no trials"):
                        self._loggers[name] = LOGGERS[name](path)
                for trial in self._early:
                    self._send(trial, config)
                yield
        finally:
            for name, logger in list(self._loggers.items()):
                with self._dropping(name, "and was not closed"):
                    logger.close()
            self._loggers.clear()

    @contextmanager
    def _dropping(self, name: str, result: str) -> Iterator[None]:
        """Drop the logger `name`, with a note, if the block fails. result: the consequence, in words for the note."""
        try:
            yield
        except Exception as error:  # Servers may raise anything. No trial is lost: the ledger has it.
            self._loggers.pop(name, None)
            self.note(f"--log {name} failed, {result}: {error}")
