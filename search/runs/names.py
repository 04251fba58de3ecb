"""The names of runs, and the folder, trial or answer that a word of the command line means."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from space import UserError
from space.refusal import unknown_name

RUNS = Path("runs")
CONFIG = "config.yaml"
"""The name of the file that makes a folder a run."""
ANSWERS = ("best", "most-accurate", "cheapest")
"""The names of a run's answers: `RUN:best`."""


def is_run(name: str) -> bool:
    """Return True if a run is called `name` or is at that path, and no published network has that name."""
    from space import CATALOG

    return name not in CATALOG and _folder(name) is not None


def find(name: str) -> Path:
    """Return the folder of a run: `NAME` in ./runs, or a path to it. Raises `UserError` if there is none."""
    if path := _folder(name):
        return path
    raise (
        unknown_name("run", name, runs())
        if runs()
        else UserError(f"There is no run {name!r}: {RUNS}/ has none.")
    )


def _folder(name: str) -> Path | None:
    for path in (RUNS / name, Path(os.path.expanduser(name))):
        with suppress(OSError):  # The name is too long, or the folder may not be read.
            if (path / CONFIG).is_file():
                return path
    return None


def called(path: Path) -> str:
    """Return the name that commands use for the run at `path`: the path itself if it is not in ./runs."""
    return path.name if path.parent == RUNS else str(path)


def runs() -> tuple[str, ...]:
    """Return the names of the runs in ./runs, the latest last."""
    # A name that begins with a dot is a draft.
    found = [path.parent for path in RUNS.glob(f"[!.]*/{CONFIG}")]
    return tuple(path.name for path in sorted(found, key=lambda path: path.stat().st_mtime))


def split(word: str) -> tuple[str, int | str | None]:
    """Return the run and the trial or answer in `word`: ("RUN", 12) for "RUN:12", ("RUN", None) for "RUN"."""
    run, colon, which = word.rpartition(":")
    if colon and which in ANSWERS:
        return run, which
    return (run, int(which)) if colon and re.fullmatch("[0-9]{1,18}", which) else (word, None)
