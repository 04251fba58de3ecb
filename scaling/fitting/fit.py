"""Fit the coefficients of a base by training, as the EfficientNet paper did for B0.

>>> from scaling import Design, fit
>>> photos = {"data": "folder", "data.path": "photos"}
>>> fitted = fit("b0", photos, Design(seeds=5, compare=True))  # doctest: +SKIP
>>> fitted.coefficients  # doctest: +SKIP
Coefficients(alpha=1.2, beta=1.1, gamma=1.15)

A fit is stored in runs/NAME like a search, with the same ledger, so `search status`, `show` and `export` read it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from scaling.base import Base, resolve
from scaling.fitting.design import DEFAULT, Design
from scaling.fitting.plan import Fitted, Plan
from scaling.fitting.results import write
from search.config import Config
from search.data import Dataset, load
from search.data.dataset import contents_of
from search.engine.display import Display, Silent
from search.engine.driving import Stopped, drive
from search.engine.feasibility import check, check_machine
from search.executors import Evaluate
from search.executors.gpus import read_anew
from search.files import unused
from search.proxy.evaluate import evaluate
from search.proxy.proxy import fidelity
from search.runs.creation import create
from search.runs.names import CONFIG, RUNS, find
from search.runs.run import LEDGER, open_run
from search.runs.warm_start import ledger_of
from search.trials.trial import Trial
from space import Architecture, Space, UserError, decode, documents

_SETTINGS = ("data", "proxy", "executor", "seed", "run", "budget", "max_failures")
_FIXED = {"proxy.resolution": None, "proxy.width": 1.0, "proxy.stem_stride": None}
"""Settings that a fit fixes, since a proxy that shrinks the candidates would remove the differences between them."""


def plan(
    base: str | Architecture | Base, settings: Mapping[str, Any] | None = None, design: Design = DEFAULT
) -> Plan:
    """Return the plan of a fit with the arguments of `fit`.

    Opens the data, but decodes no image and trains nothing. Raises `UserError` for invalid arguments.
    """
    read_anew()
    resolved, chosen = resolve(base), dict(settings or {})
    _check_settings(chosen)
    fixed = {
        "space": "tiny_space",
        "trials": None,
        "finals": "off",
        "pruner": "none",
        "reward.w": 0,
        "reward.v": 0,
        **_FIXED,
    }
    config = Config.of({**chosen, **fixed, "reward.reference": str(resolved.architecture)})
    if config.settings.first:
        raise UserError("first is not a setting of a fit, which trains only its own candidates.")
    if config.proxy.parent is not None:
        raise UserError(
            f"proxy.parent={config.proxy.parent}: a fit trains its candidates from random weights; choose another "
            "proxy, such as proxy=small."
        )
    check(config)
    # JSON turns tuples into lists, since the document of a space must have lists.
    space = Space.of(json.loads(json.dumps(asdict(resolved.architecture))), resolved.name)
    planned = _planned(resolved, design, replace(config, space=space))
    _check_comparison(planned)
    return planned


def fit(
    base: str | Architecture | Base,
    settings: Mapping[str, Any] | None = None,
    design: Design = DEFAULT,
    *,
    display: Display | None = None,
    evaluate: Evaluate = evaluate,
) -> Fitted:
    """Train a grid of (alpha, beta, gamma) for `base`, and return the fit with the winning triple.

    >>> from scaling import Design, fit
    >>> quick = {"data.images": 100, "data.test_images": 20, "proxy.epochs": 1, "executor": "serial"}
    >>> base = "r16_i8_s1/fused_d2_k3_s1_e1_w16/mb_d2_k3_s2_e3_w32_se0.25/h64_c10"
    >>> fitted = fit(base, quick, Design(step=0.3, leaders=1, seeds=1))
    >>> fitted.coefficients.alpha >= 1
    True

    base: as in `scale`. settings: the data, proxy, executor, seed, run, budget and max_failures as in
    `search.launch`, such as `{"data": "npz", "data.path": "photos.npz", "proxy.epochs": 5}`. Every network is trained
    at its own resolution and width. design: the candidates, the number of seeds and the comparison. display: shows
    the run while it lasts; None shows nothing. evaluate: the function that a worker calls for each training.

    Accuracies are those of the validation split. The run and its results (coefficients, tables, a figure, a page) are
    stored in runs/NAME. Raises `UserError` for invalid arguments, before anything is written; `search.Stopped` if the
    fit ends early; and `search.trials.ledger.LedgerFailed` if results cannot be stored. After these two, as after
    Ctrl-C, `scaling.fitting.fit.resume` continues the fit.
    """
    return begin(plan(base, settings, design), display=display, evaluate=evaluate)


def begin(planned: Plan, *, display: Display | None = None, evaluate: Evaluate = evaluate) -> Fitted:
    """Carry out a plan as a new run, and return the finished fit. Raises the errors of `fit`.

    display, evaluate: as in `fit`.
    """
    name = planned.config.settings.run or unused(RUNS, f"fit-{planned.base.name}").name
    if (RUNS / name).exists():
        raise UserError(
            f"The run {name} exists. Continue it with: scale fit --resume {name}. Or choose another run=NAME."
        )
    data = _loaded(planned)
    ledger = ledger_of((), fidelity(planned.config.proxy, data.digest))
    path = create(name, planned.document(), data, {LEDGER: ledger})
    return _driven(path, planned, data, display, evaluate)


def resume(
    name: str,
    settings: Mapping[str, Any] | None = None,
    *,
    display: Display | None = None,
    evaluate: Evaluate = evaluate,
) -> Fitted:
    """Resume the fit `name`, however it ended, and return it. No finished training is lost or repeated.

    settings: the changes, of which a fit permits a new total for `budget`, `max_failures`, another `executor`, and a
    new `data.path` of the same data. display, evaluate: as in `fit`. A finished fit trains nothing and writes its
    results again. Raises the errors of `fit`, and `UserError` also for an unknown run and for a run that is a search.
    """
    read_anew()
    path = find(name)
    document = documents.read("run", str(path / CONFIG))
    if "fit" not in document:
        raise UserError(f"The run {name} is a search. Continue it with: search resume {name}")
    about = document["fit"]
    base = Base(about["base"]["name"], decode(about["base"]["architecture"]))
    _check_settings(settings or {})
    config = Config.of_document(document).resumed(settings or {})
    check_machine(config)
    planned = _planned(base, Design.of_document(about["design"]), config)
    changed = planned.document() if settings else None
    return _driven(path, planned, _loaded(planned), display, evaluate, changed)


def _planned(base: Base, design: Design, config: Config) -> Plan:
    contents = contents_of(config.data)
    config = config.for_data(len(contents.classes), contents.channels)
    grid = design.grid(Base(base.name, config.space.at(())))
    total = int((~contents.test).sum())
    split = contents.validation
    validation = round(total * config.data.validation) if split is None else int(split.sum())
    return Plan(base, design, config, grid, total - validation, validation)


def _check_comparison(planned: Plan) -> None:
    """Raise `UserError` if a candidate has a cost that the base cannot be scaled to along one dimension.

    If such a candidate won, the fit would fail only after the trainings of all candidates.
    """
    by_cost = sorted(planned.grid.candidates, key=lambda candidate: candidate.macs)
    for candidate in (by_cost[0], by_cost[-1]):
        try:
            planned.baselines(candidate)
        except UserError as error:
            raise UserError(
                f"phi is {planned.design.phi:g}, where a candidate cannot be compared: {error} Fit at a phi nearer"
                " to 0, or without --compare."
            ) from None


def _loaded(planned: Plan) -> Dataset:
    """Return the data at the resolution of the base.

    Their digest, which differs by resolution, identifies the data of the whole fit.
    """
    return load(planned.config.data, planned.base.architecture.resolution)


def _driven(
    path: Path,
    planned: Plan,
    data: Dataset,
    display: Display | None,
    evaluate: Evaluate,
    changed: documents.Document | None = None,
) -> Fitted:
    planned = replace(
        planned,
        images=len(data.train),
        validation_images=len(data.validation),
        effective_images=data.effective_images(planned.config.proxy.validation_images),
    )
    race = planned.race()
    drive(path, planned.config, race, data, display or Silent(), evaluate, changed)
    trials = open_run(path).trials
    verdict = race.verdict(trials)
    if not race.over(trials) or verdict is None:
        raise Stopped(_unfinished(trials))
    baselines = planned.baselines(planned.grid.candidates[verdict.winner])
    fitted = Fitted(path, planned, trials, verdict, baselines)
    write(fitted)
    return fitted


def _unfinished(trials: Sequence[Trial]) -> str:
    if trials and all(trial.state == "failed" for trial in trials):
        return f"Every candidate failed: {trials[-1].reason}."
    complete = sum(trial.state == "complete" for trial in trials)
    return (
        f"The fit is not finished: {complete} trainings are complete. The budget is spent, or every finalist failed. "
        "To continue a fit whose budget is spent, add a larger budget=TIME."
    )


def _check_settings(settings: Mapping[str, Any]) -> None:
    """Raise `UserError` for settings that a fit fixes itself or doesn't have."""
    for key in settings:
        if key in _FIXED:
            raise UserError(
                f"{key} cannot be set: a fit trains every candidate at its own resolution, width and stem."
            )
        if key.partition(".")[0] not in _SETTINGS:
            raise UserError(f"{key} is not a setting of a fit; permitted: {', '.join(_SETTINGS)}.")
