"""The launch and the resumption of searches from Python, with keywords and a progress display."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from search.api.run import Run
from search.api.words import Shown, display_of, joined
from search.engine import launch as engine
from search.executors import Evaluate
from search.proxy.evaluate import evaluate
from search.runs import run as runs


def launch(
    settings: Mapping[str, Any] | None = None,
    *,
    display: Shown = "auto",
    evaluate: Evaluate = evaluate,
    **words: Any,
) -> Run:
    """Run a search, and return the finished run, which is kept in the folder runs/NAME.

    >>> from search import launch
    >>> settings = {"data.images": 400, "data.test_images": 20}
    >>> run = launch(settings, space="tiny_space", proxy="tiny", executor="serial", trials=4, display=None)
    >>> len(run.trials)
    4

    settings, words: settings by the names of the command line. Those that are not given have their defaults. Names
    with a dot, and `from`, can only stand in the mapping `settings`. display: "auto" shows the progress in notebooks,
    and elsewhere on standard error; None shows nothing. evaluate: the function that a worker calls for each training;
    it must be defined at the top level of a module.

    Raises `UserError` for invalid settings or data, before anything is written; `search.Stopped` if the run stopped
    before its end; and `search.trials.ledger.LedgerFailed` if results cannot be stored, for instance on a full disk.
    After these two, as after Ctrl-C, `resume` continues the run.
    """
    return Run.of(engine.launch(joined(settings, words), display=display_of(display), evaluate=evaluate))


def resume(
    name: str,
    settings: Mapping[str, Any] | None = None,
    *,
    display: Shown = "auto",
    evaluate: Evaluate = evaluate,
    **words: Any,
) -> Run:
    """Continue the run `name`, however it ended, and return it. No finished training is lost or repeated.

    >>> from search import resume
    >>> len(resume("photos", trials=10, display=None).trials)
    10

    settings, words: new values of the settings that a run may change, which are `trials` and `budget` (both as
    totals), `max_failures`, `executor`, `finals`, and `data.path` for the same data at another place. display,
    evaluate: as in `launch`. Raises the errors of `launch`, and `UserError` also for an unknown run and for a run of
    `scale fit`.
    """
    shown = display_of(display)
    return Run.of(engine.resume(name, joined(settings, words), display=shown, evaluate=evaluate))


def open_run(name: str | Path) -> Run:
    """Open the run called `name`, or at that path, as it is now.

    Raises `UserError` if there is no such run, with the nearest name, and for a run without its ledger.

    >>> from search import open_run
    >>> open_run("photos").best.params
    6508
    """
    return Run.of(runs.open_run(name))
