"""Launch a search, or take one up again: everything that happens around the engine.

>>> from search import launch
>>> run = launch({"space": "tiny_space", "trials": 4})  # doctest: +SKIP
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import yaml

from search.config import Config
from search.data import Dataset, load
from search.data.report import imbalance
from search.engine.engine import Engine
from search.engine.feasibility import check, check_step
from search.engine.proposals import Proposals, Sampled
from search.engine.remeasure import measure_best
from search.engine.requests import Setting
from search.engine.search_and_finals import SearchAndFinals
from search.engine.step_times import with_step
from search.executors import Evaluate
from search.files import unused, write_file
from search.proxy.evaluate import evaluate
from search.proxy.proxy import fidelity
from search.runs.environment import environment
from search.runs.lock import driver_lock
from search.runs.run import CONFIG, ENVIRONMENT, LEDGER, LOCK, PROFILE, RUNS, Run, open_run
from search.runs.warm_start import earlier, ledger_of, permitted
from search.trials.ledger import OVER, Ledger, Record
from search.trials.trial import Trial
from space import UserError, documents


class Stopped(Exception):
    """A run that ended before its time: why, in one line. exhausted: no network at all was left to train."""

    def __init__(self, why: str, *, exhausted: bool = False) -> None:
        super().__init__(why)
        self.exhausted = exhausted


class Display(Protocol):
    """What shows a search while it runs."""

    def begin(self, path: Path, course: SearchAndFinals) -> AbstractContextManager[object]:
        """Shows the run's status until the context ends."""

    def finished(self, trial: Trial) -> None:
        """A trial is done."""

    def note(self, text: str) -> None:
        """Something that who searches should know, in one line."""


class Silent:
    """Shows nothing."""

    def begin(self, path: Path, course: SearchAndFinals) -> AbstractContextManager[object]:
        return nullcontext()

    def finished(self, trial: Trial) -> None:
        pass

    def note(self, text: str) -> None:
        pass


def launch(
    settings: Mapping[str, Any] | None = None,
    *,
    display: Display | None = None,
    evaluate: Evaluate = evaluate,
) -> Run:
    """Search, from `{"space": "effv2_32", "data": "npz", "data.path": "photos.npz", "trials": 100}`.

    Settings are those of the command line; what isn't given has its default. Returns the finished run, which is
    kept in runs/NAME. evaluate: what workers run, a function at the top of a module.

    Raises `UserError` for a setting or data that cannot be, before anything is written, and `Stopped` if the run
    ended before its time; after that, as after Ctrl-C, `resume` goes on with it.
    """
    config, data = prepared(settings or {})
    config = replace(config, pruner=config.pruner.decided(config.workload))
    name = config.settings.run or unused(RUNS, config.space.name).name
    _refuse_known(name)
    shown, measured = display or Silent(), fidelity(config.proxy, data.digest)
    taken = earlier(config, measured)
    config = with_step(config, data, lambda text: shown.note(text))
    check_step(config)
    proposals, files = Sampled(config), _files(config, permitted(taken, config), measured)
    path = create(name, config.document(), data, files)
    drive(path, config, proposals, data, shown, evaluate)
    return open_run(path)


def _files(config: Config, taken: tuple[Record, ...], fidelity: str) -> dict[str, str | bytes]:
    """What the folder of a run has from its beginning, besides what every run has."""
    profile = config.forecast and config.forecast.profile.model_dump_json(indent=1)
    return ({PROFILE: profile} if profile else {}) | {LEDGER: ledger_of(taken, fidelity)}


def prepared(settings: Mapping[str, Any]) -> tuple[Config, Dataset]:
    """The search that settings stand for, and its data. Raises `UserError` for what cannot be."""
    config = Config.of(settings)
    data = _loaded(config)
    config = config.for_data(len(data.classes), data.channels)
    check(config)
    earlier(config, fidelity(config.proxy, data.digest))
    return config, data


def resume(
    name: str,
    settings: Mapping[str, Any] | None = None,
    *,
    display: Display | None = None,
    evaluate: Evaluate = evaluate,
) -> Run:
    """Take up the run `name`, whose driver ended in whatever way: nothing finished is lost or done again.

    settings: new totals for `trials` or `budget`, another `executor`, other `finals`. Raises as `launch`.
    """
    before = open_run(name)
    if before.fit:
        raise UserError(f"The run {name} is a fit. Go on with it: {before.go_on}")
    config, path = before.config.resumed(settings or {}), before.path
    total = config.settings.trials
    if settings and total is not None and total < before.finished:
        raise UserError(f"trials={total}: {before.finished} of the run {name} are over already.")
    config.executor.check()
    document = config.document() if settings else None
    drive(path, config, Sampled(config), _loaded(config), display or Silent(), evaluate, document)
    return open_run(path)


def _loaded(config: Config) -> Dataset:
    """The data as the networks are trained on them; where each has its own resolution, at the first there is.

    Its digest stands for the data at every resolution: pixels that change do so at all of them.
    """
    return load(config.data, config.proxy.resolution or config.space.frames[0].resolution)


def _yaml(document: documents.Document) -> str:
    return yaml.safe_dump(document, sort_keys=False, width=110)


def create(
    name: str, document: documents.Document, data: Dataset, files: Mapping[str, str | bytes] | None = None
) -> Path:
    """The folder of a new run with its configuration and `files` in it; it appears complete or not at all.

    Raises `UserError` if there is such a run, or no place for it.
    """
    path = _refuse_known(name)
    draft = None
    try:
        RUNS.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=RUNS))
        draft.chmod(0o755)
        write_file(draft / CONFIG, _yaml(document | {"run": name}))
        for file, content in (files or {}).items():
            write_file(draft / file, content)
        write_file(draft / ENVIRONMENT, json.dumps(environment(data), indent=1) + "\n")
        os.rename(draft, path)
    except OSError as error:
        raise UserError(f"Cannot create {path}: {error.strerror or error}.") from None
    finally:
        if draft is not None and draft.exists():
            shutil.rmtree(draft, ignore_errors=True)
    return path


def _refuse_known(name: str) -> Path:
    """Where the run `name` will be. Raises `UserError` if there is one."""
    path = RUNS / name
    if path.exists():
        raise UserError(
            f"The run {name} exists. Go on with it: search resume {name}. Or choose another run=NAME."
        )
    return path


def drive(
    path: Path,
    setting: Setting,
    proposals: Proposals,
    data: Dataset,
    display: Display,
    evaluate: Evaluate,
    document: documents.Document | None = None,
) -> None:
    """Trains what is proposed until nothing more is, and keeps all of it in the ledger of the run at `path`.

    document: the run's configuration from now on, where it is another than the one it has.

    Tells `display` where nothing is left worth training. Raises `UserError` if somebody else drives the run or its data
    have changed, `Stopped` if it ended before its time; no process is left then, and what ran is waiting again.
    """
    uneven = imbalance(data.classes, data.train.labels)
    if uneven and not data.balance:
        display.note(f"{uneven}; data.balance=sample or data.balance=loss makes up for it")
    with driver_lock(path / LOCK), _terminable(), closing(Ledger(path / LEDGER)) as ledger:
        by = partial(fidelity, data_digest=data.digest)
        measured = by(setting.proxy)
        ledger.note("fidelity", measured)
        if ledger.noted("fidelity") != measured:
            changed = "have changed since, or what this version makes of them; its trials would not compare"
            raise UserError(f"The data of the run {path.name} {changed}.")
        ledger.replace(OVER, "")
        if document:
            # Kept, so that the next resume, after a Ctrl-C say, goes on to the same end.
            write_file(path / CONFIG, _yaml(document))
        engine = Engine(setting, proposals, ledger, by, display.finished)
        course = SearchAndFinals(engine, lambda text: display.note(text))
        try:
            with display.begin(path, course):
                setting.executor.run(course, evaluate)
                if setting.forecast:
                    measure_best(engine, setting.forecast)
        finally:
            course.release()
        status = engine.status
        if status.exhausted and status.best:
            display.note(f"The search ends: {status.why_stopped}.")
        elif status.why_stopped:
            raise Stopped(status.why_stopped, exhausted=status.exhausted)
        # What is waiting now was proposed when the budget was all but spent: nobody is going to train it.
        if proposals.over(engine.trials):
            ledger.replace(OVER, "yes")


@contextmanager
def _terminable() -> Iterator[None]:
    """A polite end (SIGTERM, of a batch system, say) is treated as Ctrl-C is."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # Not in the main thread, whose business signals are.
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)  # None: it was not set from Python.
