"""The interface between a running search and the display that shows it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol

from search.engine.search_and_finals import SearchAndFinals
from search.trials.trial import Trial


class Display(Protocol):
    """A display of a search while it runs."""

    def begin(self, path: Path, source: SearchAndFinals) -> AbstractContextManager[object]:
        """Show the status of the run at `path` until the context ends."""

    def finished(self, trial: Trial) -> None:
        """Show a trial that is over or has finished a low-fidelity training."""

    def note(self, text: str) -> None:
        """Show one line of text, such as a warning about the data."""


class Silent:
    """A display that shows nothing."""

    def begin(self, path: Path, source: SearchAndFinals) -> AbstractContextManager[object]:
        return nullcontext()

    def finished(self, trial: Trial) -> None:
        pass

    def note(self, text: str) -> None:
        pass
