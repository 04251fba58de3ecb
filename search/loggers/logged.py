"""A display of a search that also tells loggers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from pathlib import Path

from search.config import Config
from search.engine.launch import Display
from search.engine.search_and_finals import SearchAndFinals
from search.loggers import LOGGERS, Logger, Told
from search.runs.run import config_of
from search.trials.trial import Trial
from space.refusal import UserError, unknown_name


class Logged:
    """`display`, and the loggers of these names; see `search.engine.launch.Display`.

    Raises `UserError` for a name that is none, and for one whose library isn't there.
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

    def begin(self, path: Path, course: SearchAndFinals) -> AbstractContextManager[object]:
        """See `search.engine.launch.Display`."""
        self._config = config_of(path)
        self._loggers = {name: LOGGERS[name](path) for name in self._names}
        return self._open(self._display.begin(path, course))

    def finished(self, trial: Trial) -> None:
        """See `search.engine.launch.Display`."""
        self._display.finished(trial)
        assert self._config
        if trial.state == "pruned":
            return  # Beside whole trainings its figures would mislead, and it may yet have one.
        for name, logger in list(self._loggers.items()):
            try:
                logger.finished(Told.of(trial, self._config))
            except Exception as error:  # Whatever a server or its library does: the ledger has the trial.
                del self._loggers[name]
                self.note(f"--log {name} is given up: {error}")

    def note(self, text: str) -> None:
        """See `search.engine.launch.Display`."""
        self._display.note(text)

    @contextmanager
    def _open(self, shown: AbstractContextManager[object]) -> Iterator[None]:
        try:
            with shown:
                yield
        finally:
            for logger in self._loggers.values():
                logger.close()
