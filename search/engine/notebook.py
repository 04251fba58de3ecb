"""The progress of a running search in a notebook: one output that is updated in place."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from html import escape
from pathlib import Path
from typing import Any

from search.engine.live import counts, figures, panel_lines
from search.engine.search_and_finals import SearchAndFinals
from search.runs.status import Status
from search.trials.trial import Trial

_SECONDS = 1.0
"""The interval between two updates."""


class Notebook:
    """A display of a search in Jupyter, or in another program that shows the HTML of IPython."""

    def __init__(self) -> None:
        self._notes: list[str] = []
        self._source: SearchAndFinals | None = None
        self._last: Status | None = None
        """The status at the end of the search, None before it."""
        self._handle: Any = None

    def begin(self, path: Path, source: SearchAndFinals) -> AbstractContextManager[object]:
        """Show the status in the output, and update it until the context ends."""
        self._source = source
        return self._updated()

    def finished(self, trial: Trial) -> None:
        """Update the output with the results of a trial."""
        self._show()

    def note(self, text: str) -> None:
        """Add one line of text to the output."""
        self._notes.append(text)
        self._show()

    @contextmanager
    def _updated(self) -> Iterator[None]:
        over = threading.Event()

        def update() -> None:
            while not over.wait(_SECONDS):
                self._show()

        thread = threading.Thread(target=update, daemon=True)
        self._show()
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            assert self._source
            self._last, self._source = self._source.status, None
            self._show()

    def _show(self) -> None:
        from IPython.display import HTML, display

        status, lines = self._last, list[str]()
        if self._source:
            status = self._source.status
            lines = panel_lines(status)
        elif status:
            # The last state has no times, so that equal searches leave equal notebooks.
            lines = [counts(status), *_best(status)]
        shown = HTML(page(status, lines, self._notes))
        if self._handle is None:
            self._handle = display(shown, display_id=True)
        else:
            self._handle.update(shown)


def page(status: Status | None, lines: list[str], notes: list[str]) -> str:
    """Return the HTML of a search: a progress bar, its state in `lines`, and its notes."""
    bar = ""
    if status and status.total:
        bar = f'<progress value="{status.finished}" max="{status.total}" style="width: 30em"></progress>'
    text = f"<pre>{escape(chr(10).join(lines))}</pre>" if lines else ""
    folded = "".join(f"<div>{escape(note)}</div>" for note in notes)
    return f"{bar}{text}{folded}"


def _best(status: Status) -> list[str]:
    return [f"best: {figures(status.best)}"] if status.best else []
