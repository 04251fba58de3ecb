"""The launch of a search from its settings, and the resumption of a run.

>>> from search import launch
>>> run = launch({"space": "tiny_space", "trials": 4})  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from search.config import Config
from search.data import Dataset
from search.engine.automatic import Decision, decided
from search.engine.display import Display, Silent
from search.engine.driving import drive
from search.engine.feasibility import check, check_machine, check_times, within_limits, within_times
from search.engine.initial_networks import resolved
from search.engine.latency_source import loaded, profile_files, with_latencies
from search.engine.outlook import outlook
from search.engine.parent import Parent, parent_of, source_of
from search.engine.proposals import Sampled
from search.engine.step_times import with_step
from search.executors import Evaluate
from search.executors.gpus import read_anew
from search.files import unused
from search.proxy.evaluate import evaluate
from search.proxy.proxy import fidelity
from search.runs.creation import create, free_name
from search.runs.exchange import spans
from search.runs.names import RUNS
from search.runs.run import LEDGER, PARENT, Run, open_run
from search.runs.warm_start import imported_trials, ledger_of, permitted
from search.trials.records import Record
from space import UserError


def launch(
    settings: Mapping[str, Any] | None = None,
    *,
    display: Display | None = None,
    evaluate: Evaluate = evaluate,
) -> Run:
    """Run a search with settings such as `{"space": "effv2_32", "data": "npz", "data.path": "photos.npz"}`.

    Settings have the names of the command line. Those that are not given have their defaults. Returns the finished
    run, which is kept in runs/NAME. display: the display of the run while it lasts; None shows nothing. evaluate: the
    function that a worker calls for each training; it must be defined at the top level of a module.

    Raises `UserError` for invalid settings or data, before the run's folder is created; `Stopped` if the run stopped
    before its end; and `LedgerFailed` if results cannot be stored. After these two, as after Ctrl-C, `resume`
    continues the run.
    """
    plan = prepared(settings or {})
    config, data = replace(plan.config, pruner=plan.config.pruner.decided(plan.config.workload)), plan.data
    name = free_name(config.settings.run) or unused(RUNS, config.space.name).name
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
    """Return the names and contents of the files of a new run: its profiles, and its ledger with imported trials."""
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
    """Return the search with these settings, and load its data.

    Raises `UserError` for invalid settings and unusable data, and if settings and data do not fit together.
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

    settings: new values of the settings that a run may change, which are `trials` and `budget` (both as totals),
    `max_failures`, `executor`, `finals`, and `data.path` for the same data at another place. display, evaluate: as in
    `launch`. Raises the errors of `launch`, and `UserError` also for an unknown run and for a run of `scale fit`.
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
