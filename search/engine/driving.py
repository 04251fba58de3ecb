"""The driver of a run, which trains its open trials and its finals. No other process writes the ledger meanwhile."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from search.config import Config
from search.data import Dataset
from search.data.report import imbalance
from search.engine.display import Display
from search.engine.engine import Engine
from search.engine.measured_latencies import measure_answers, measure_finalists
from search.engine.parent import inheriting
from search.engine.proposals import Proposals
from search.engine.remeasure_step_times import measure_best
from search.engine.search_and_finals import SearchAndFinals
from search.executors import Evaluate
from search.files import write_file
from search.proxy.proxy import fidelity
from search.runs.creation import config_text
from search.runs.environment import resumed_with
from search.runs.lock import driver_lock
from search.runs.names import CONFIG
from search.runs.run import LOCK, ledger_file
from search.trials.ledger import OVER, Ledger
from space import UserError, documents


class Stopped(Exception):
    """The error of a run that stopped before its end, with the reason in one line.

    exhausted: True if the reason is that no network was left to train, and no trial has a result.
    """

    def __init__(self, why: str, *, exhausted: bool = False) -> None:
        super().__init__(why)
        self.exhausted = exhausted


def drive(
    path: Path,
    config: Config,
    proposals: Proposals,
    data: Dataset,
    display: Display,
    evaluate: Evaluate,
    document: documents.Document | None = None,
) -> None:
    """Train the proposals and the finals of the run at `path` until there are no more or the budget is spent.

    Results are stored in the run's ledger. Under a latency limit, the finalists' latencies are measured before the
    finals. At the end, step times of the best networks and latencies of the answers are measured if they were
    predicted. document: the run's new configuration, None to leave the configuration as it is.

    `display` gets a note if no network is left that is worth training. Raises `UserError` if another process drives
    the run or its data have changed, and `Stopped` if the run stopped before its end. After an exception, no process
    is left, and the trials that were running are waiting again.
    """
    uneven = imbalance(data.classes, data.train.labels)
    if uneven and not data.balance:
        display.note(f"{uneven}; data.balance=sample or data.balance=loss compensates for it")
    for remark in data.remarks:
        display.note(remark)
    record = ledger_file(path)
    with driver_lock(path / LOCK), _terminable(), closing(Ledger(record)) as ledger:
        by = partial(fidelity, data_digest=data.digest)
        measured = by(config.proxy)
        ledger.note("fidelity", measured)
        if ledger.noted("fidelity") != measured:
            raise UserError(
                f"The data of the run {path.name} have changed, or its proxy in config.yaml, or this version "
                "prepares or trains differently; new trials would not be comparable with the old ones."
            )
        ledger.replace(OVER, "")
        resumed_with(path, display.note)
        if placement := config.executor.placement:
            display.note(f"{placement[0].upper()}{placement[1:]}")
            ledger.replace("placement", placement)
        if document:
            # Stored before any training, so that a resume after Ctrl-C continues with the same settings.
            write_file(path / CONFIG, config_text(document))
        engine = Engine(config, proposals, ledger, by, display.finished)
        note = display.note
        source = SearchAndFinals(engine, note, lambda: measure_finalists(engine, note))
        try:
            with display.begin(path, source):
                config.executor.run(source, inheriting(evaluate, config, path))
                if config.forecast:
                    measure_best(engine, config.forecast)
                measure_answers(engine, note, data.effective_images(config.proxy.validation_images))
        finally:
            source.release()
        status = engine.status
        if status.exhausted and status.best:
            display.note(f"The search ends: {status.why_stopped}.")
        elif status.exhausted:
            ledger.replace(OVER, "yes")  # A resume would have nothing to train either.
            reasons = [trial.reason for trial in engine.trials if trial.reason]
            failed = f"; none is complete, the last failed: {reasons[-1].rstrip('.')}" if reasons else ""
            raise Stopped(status.why_stopped + failed, exhausted=True)
        elif status.why_stopped:
            raise Stopped(status.why_stopped)
        # Trials that wait now were proposed when the budget was almost spent. They will not be trained.
        if proposals.over(engine.trials):
            ledger.replace(OVER, "yes")


@contextmanager
def _terminable() -> Iterator[None]:
    """Treat SIGTERM, which batch systems send, like Ctrl-C."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # Signals can only be handled in the main thread.
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)  # None: the handler was not set from Python.
