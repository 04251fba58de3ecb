"""Launch a search, or resume one: everything that happens around the engine.

>>> from search import launch
>>> run = launch({"space": "tiny_space", "trials": 4})  # doctest: +SKIP
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from search.config import Config
from search.data import Dataset
from search.data.report import imbalance
from search.engine.automatic import Decision, decided
from search.engine.display import Display, Silent
from search.engine.engine import Engine
from search.engine.feasibility import check, check_machine, check_times, within_limits, within_times
from search.engine.initial_networks import resolved
from search.engine.latency_source import loaded, profile_files, with_latencies
from search.engine.measured_answers import measure_answers
from search.engine.outlook import outlook
from search.engine.parent import Parent, inheriting, parent_of, source_of
from search.engine.proposals import Proposals, Sampled
from search.engine.remeasure_step_times import measure_best
from search.engine.search_and_finals import SearchAndFinals
from search.engine.step_times import with_step
from search.executors import Evaluate
from search.executors.gpus import read_anew
from search.files import numbered, unused, write_file
from search.proxy.evaluate import evaluate
from search.proxy.proxy import fidelity
from search.runs.environment import environment, resumed_with
from search.runs.exchange import spans
from search.runs.lock import driver_lock
from search.runs.names import CONFIG, RUNS
from search.runs.run import ENVIRONMENT, LEDGER, LOCK, PARENT, Run, ledger_file, open_run
from search.runs.warm_start import imported_trials, ledger_of, permitted
from search.trials.ledger import OVER, Ledger
from search.trials.records import Record
from space import UserError, documents


class Stopped(Exception):
    """The error of a run that stopped before its end, with the reason in one line.

    exhausted: True if the reason is that no network was left to train, and no trial has a result.
    """

    def __init__(self, why: str, *, exhausted: bool = False) -> None:
        super().__init__(why)
        self.exhausted = exhausted


def launch(
    settings: Mapping[str, Any] | None = None,
    *,
    display: Display | None = None,
    evaluate: Evaluate = evaluate,
) -> Run:
    """Run a search with settings such as `{"space": "effv2_32", "data": "npz", "data.path": "photos.npz"}`.

    The settings have the names of the command line, and each that is not given has its default. Returns the
    finished run, which is kept in runs/NAME. display: shows the run while it lasts; None shows nothing. evaluate: the
    function that a worker calls for each training; it must be defined at the top level of a module.

    Raises `UserError` for invalid settings or data, before the run's folder is created; `Stopped` if the run stopped
    before its end; and `LedgerFailed` if results cannot be stored. After these two, as after Ctrl-C, `resume`
    continues the run.
    """
    plan = prepared(settings or {})
    config, data = replace(plan.config, pruner=plan.config.pruner.decided(plan.config.workload)), plan.data
    name = _free_name(config.settings.run) or unused(RUNS, config.space.name).name
    shown = display or Silent()
    for line in (*map(str, plan.decisions), *(plan.parent.remarks if plan.parent else ()), *plan.outlook):
        shown.note(line)
    config = with_step(config, data, lambda text: shown.note(text))
    config = with_latencies(config, lambda text: shown.note(text))
    check_times(config)
    config = within_times(config, lambda text: shown.note(text))
    for span in spans(config):
        shown.note(str(span))
    proposals = Sampled(config)
    files = _files(config, permitted(plan.imported, config), fidelity(config.proxy, data.digest))
    files |= {PARENT: plan.parent.file} if plan.parent else {}
    path = create(name, config.document(), data, files)
    drive(path, config, proposals, data, shown, evaluate)
    return open_run(path)


def _files(config: Config, imported: tuple[Record, ...], fidelity: str) -> dict[str, str | bytes]:
    """Return by name the profiles of a new run, and its ledger with the imported trials."""
    return {**profile_files(config), LEDGER: ledger_of(imported, fidelity)}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A search whose settings and data are valid.

    imported: the trials of earlier runs that the search starts from. decisions: the decisions about settings that
    were left open. parent: the weights that networks inherit; None if they start from random ones.
    """

    config: Config
    data: Dataset
    imported: tuple[Record, ...]
    decisions: tuple[Decision, ...] = ()
    parent: Parent | None = None

    @property
    def outlook(self) -> tuple[str, ...]:
        """The lines on the precision of the search."""
        return outlook(self.config, self.data)


def prepared(settings: Mapping[str, Any]) -> Prepared:
    """Return the search with these settings, and its data, which are loaded.

    Raises `UserError` for invalid settings and unusable data, and if they do not fit together.
    """
    read_anew()
    automatic = decided(resolved(settings))
    config = Config.of(automatic.settings)
    source = source_of(config)
    data = config.dataset()
    config, decisions = config.for_data(len(data.classes), data.channels), list(automatic.decisions)
    if not settings.get("first"):  # space=around:NETWORK set it; the user did not ask to try the network.
        config = within_limits(
            config, lambda text, why: decisions.append(Decision(f"first={text} is not tried", why))
        )
    check(config)
    loaded(config)  # A file that cannot be used is refused before anything is measured.
    parent = parent_of(source, str(config.settings.weights), data) if source else None
    config = config.inheriting(parent.digest) if parent else config
    imported = imported_trials(config, fidelity(config.proxy, data.digest))
    return Prepared(config, data, imported, tuple(decisions), parent)


def resume(
    name: str,
    settings: Mapping[str, Any] | None = None,
    *,
    display: Display | None = None,
    evaluate: Evaluate = evaluate,
) -> Run:
    """Continue the run `name`, however its driver ended, and return it. No finished training is lost or repeated.

    settings: only what a run may change: new totals for `trials` or `budget`, `max_failures`, another `executor`,
    other `finals`, and a new `data.path` of the same data. display, evaluate: as in `launch`. Raises the errors of
    `launch`, and `UserError` also for an unknown run and for a run of `scale fit`.
    """
    read_anew()
    before = open_run(name)
    if before.fit:
        raise UserError(f"The run {name} belongs to scale fit. Continue it with: {before.go_on}")
    config, path = before.config.resumed(settings or {}), before.path
    total = config.settings.trials
    if settings and total is not None and total < before.finished:
        raise UserError(f"trials={total}: {before.finished} trials of the run {name} are over already.")
    check_machine(config)
    document = config.document() if settings else None
    drive(path, config, Sampled(config), config.dataset(), display or Silent(), evaluate, document)
    return open_run(path)


def _yaml(document: documents.Document) -> str:
    return yaml.safe_dump(document, sort_keys=False, width=110)


def create(
    name: str, document: documents.Document, data: Dataset, files: Mapping[str, str | bytes] | None = None
) -> Path:
    """Create the folder of a new run with its configuration and `files`, complete or not at all, and return it.

    Raises `UserError` if the user gave the run a name that another run has, and if the folder cannot be written.
    """
    _free_name(document.get("run"))
    path, draft = RUNS / name, None
    try:
        RUNS.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=RUNS))
        draft.chmod(0o755)
        for file, content in (files or {}).items():
            write_file(draft / file, content)
        Ledger(draft / LEDGER).close()  # It is created here, so that a run without one has lost it.
        write_file(draft / ENVIRONMENT, json.dumps(environment(data), indent=1) + "\n")
        path = _renamed(draft, path, document)
    except OSError as error:
        raise UserError(f"Cannot create {path}: {error.strerror or error}.") from None
    finally:
        if draft is not None and draft.exists():
            shutil.rmtree(draft, ignore_errors=True)
    return path


def _renamed(draft: Path, path: Path, document: documents.Document) -> Path:
    """Rename the folder of a new run to `path`, and return its path.

    If another process has created the run meanwhile, the next free name is taken where the user gave none.
    """
    for candidate in numbered(path):
        write_file(draft / CONFIG, _yaml(document | {"run": candidate.name}))
        try:
            os.rename(draft, candidate)  # Fails for a folder that is not empty, as every run's.
            return candidate
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        _free_name(document.get("run"))
    raise AssertionError


def _free_name(name: str | None) -> str | None:
    """Return `name`, which the user gave a new run, or None. Raises `UserError` if that run exists."""
    if name is not None and (RUNS / name).exists():
        raise UserError(
            f"The run {name} exists. Continue it with: search resume {name}. Or choose another run=NAME."
        )
    return name


def drive(
    path: Path,
    config: Config,
    proposals: Proposals,
    data: Dataset,
    display: Display,
    evaluate: Evaluate,
    document: documents.Document | None = None,
) -> None:
    """Train the proposals and the finals until there are no more or the budget is spent, in the run at `path`.

    Results are recorded in its ledger. At the end, step times that were predicted are measured for the best networks,
    and latencies for the answers. document: the run's new configuration, None to leave the configuration as it is.

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
            # Kept, so that the next resume, after Ctrl-C for instance, continues to the same end.
            write_file(path / CONFIG, _yaml(document))
        engine = Engine(config, proposals, ledger, by, display.finished)
        source = SearchAndFinals(engine, lambda text: display.note(text))
        try:
            with display.begin(path, source):
                config.executor.run(source, inheriting(evaluate, config, path))
                if config.forecast:
                    measure_best(engine, config.forecast)
                measure_answers(engine, display.note, data.effective_images(config.proxy.validation_images))
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
