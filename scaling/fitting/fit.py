"""Find the coefficients of a base by training: what the paper did for EfficientNet-B0, as a run of `search`.

>>> from scaling import Design, fit
>>> photos = {"data": "folder", "data.path": "photos"}
>>> fitted = fit("b0", photos, Design(seeds=5, compare=True))  # doctest: +SKIP
>>> fitted.coefficients  # doctest: +SKIP
Coefficients(alpha=1.2, beta=1.1, gamma=1.15)

A fit is kept in runs/NAME like a search, with the same ledger: `search status`, `show` and `export` read it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from scaling.base import Base, resolve
from scaling.compound import Coefficients
from scaling.families import ScaledModel
from scaling.fitting.baselines import rivals
from scaling.fitting.design import DEFAULT, Design
from scaling.fitting.grid import Candidate, Grid
from scaling.fitting.race import Race, Verdict
from search.config import Config
from search.data import Dataset, load
from search.engine.launch import Display, Silent, Stopped, create, drive
from search.executors import Evaluate
from search.files import unused
from search.proxy.evaluate import evaluate
from search.proxy.proxy import fidelity
from search.runs.run import CONFIG, LEDGER, RUNS, find, open_run
from search.runs.warm_start import ledger_of
from search.trials.trial import Trial
from space import Architecture, Space, UserError, decode, documents

_SETTINGS = ("data", "proxy", "executor", "seed", "run", "budget", "max_failures")
_OWN = {"proxy.resolution": None, "proxy.width": 1.0, "proxy.stem_stride": None}
"""Candidates are trained as they are: a proxy that shrinks them would undo what is compared."""


@dataclass(frozen=True)
class Plan:
    """What a fit will do.

    base: as it was given. config: the run's; its space is the base with the classes and channels of the data.
    grid: the candidates, derived from that. images, validated: about how many there are to train on, and to
    select by.
    """

    base: Base
    design: Design
    config: Config
    grid: Grid
    images: int
    validated: int

    @property
    def fitted(self) -> Base:
        """The base as it is scaled and trained: for the classes and channels of the data."""
        return Base(self.base.name, self.config.space.at(()))

    @property
    def seeds(self) -> tuple[int, ...]:
        """Of the trainings."""
        first = self.config.settings.seed
        return tuple(range(first, first + self.design.seeds))

    def race(self) -> Race:
        """Its proposals."""
        return Race(self.grid.candidates, self.seeds, self.design.leaders, self.rivals)

    def rivals(self, winner: Candidate) -> tuple[ScaledModel, ...]:
        """What `winner` is compared with."""
        return rivals(self.fitted, winner.macs, self.design.policy) if self.design.compare else ()

    def document(self) -> documents.Document:
        """What the run's folder keeps: enough to plan it again."""
        base = {"name": self.base.name, "architecture": str(self.base.architecture)}
        about = {"base": base, "design": self.design.document(), "candidates": self.grid.counts}
        return {**self.config.document(), "fit": about}


@dataclass(frozen=True)
class Fitted:
    """A finished fit. rivals: what the winner was compared with, none if that was not asked for."""

    path: Path
    plan: Plan
    trials: tuple[Trial, ...]
    verdict: Verdict
    rivals: tuple[ScaledModel, ...]

    @property
    def winner(self) -> Candidate:
        """The cheapest of the candidates that the best cannot be told from."""
        return self.plan.grid.candidates[self.verdict.winner]

    @property
    def coefficients(self) -> Coefficients:
        """The winner's."""
        return self.winner.coefficients


def plan(
    base: str | Architecture | Base, settings: Mapping[str, Any] | None = None, design: Design = DEFAULT
) -> Plan:
    """What `fit` with these arguments would do. Looks at the data, decodes none of it and trains nothing."""
    found, chosen = resolve(base), dict(settings or {})
    _refuse(chosen)
    own = {
        "space": "tiny_space",
        "trials": None,
        "finals": "off",
        "pruner": "none",
        "reward.w": 0,
        "reward.v": 0,
        **_OWN,
    }
    config = Config.of({**chosen, **own, "reward.reference": str(found.architecture)})
    # Through JSON, whose lists are what a space's document has for stages.
    if config.settings.first:
        raise UserError("seed: a fit trains its own candidates; permitted: a number.")
    space = Space.of(json.loads(json.dumps(asdict(found.architecture))), found.name)
    return _planned(found, design, replace(config, space=space))


def fit(
    base: str | Architecture | Base,
    settings: Mapping[str, Any] | None = None,
    design: Design = DEFAULT,
    *,
    display: Display | None = None,
    evaluate: Evaluate = evaluate,
) -> Fitted:
    """Train a grid of (alpha, beta, gamma) around `base` and pick the triple of the best network.

    base: as `scale` takes it. settings: data, proxy, executor, seed, run, budget as `search.launch` takes
    them, such as `{"data": "npz", "data.path": "photos.npz", "proxy.epochs": 5}`; every network is trained at
    its own resolution and width. design: which candidates, how many seeds, compared with what. evaluate: what
    workers run.

    Accuracies are of the validation split. The run and what came of it (coefficients, tables, a figure) are
    kept in runs/NAME. Raises `UserError` for what cannot be, before anything is written, and
    `search.engine.launch.Stopped` if it ended before its time; then, as after Ctrl-C, `resume` goes on with it.
    """
    return begin(plan(base, settings, design), display=display, evaluate=evaluate)


def begin(planned: Plan, *, display: Display | None = None, evaluate: Evaluate = evaluate) -> Fitted:
    """Carry out a plan as a new run. Raises as `fit`."""
    name = planned.config.settings.run or unused(RUNS, f"fit-{planned.base.name}").name
    if (RUNS / name).exists():
        raise UserError(
            f"The run {name} exists. Go on with it: scale fit --resume {name}. Or choose another run=NAME."
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
    """Take up the fit `name`, however it ended: no finished training is lost or done again.

    settings: another `budget` or `executor`. A fit that is finished trains nothing and writes its results anew.
    Raises as `fit`.
    """
    path = find(name)
    document = documents.read("run", str(path / CONFIG))
    if "fit" not in document:
        raise UserError(f"The run {name} is a search. Go on with it: search resume {name}")
    about = document["fit"]
    base = Base(about["base"]["name"], decode(about["base"]["architecture"]))
    _refuse(settings or {})
    config = Config.of_document(document).resumed(settings or {})
    config.executor.check()
    planned = _planned(base, Design.of_document(about["design"]), config)
    changed = planned.document() if settings else None
    return _driven(path, planned, _loaded(planned), display, evaluate, changed)


def _planned(base: Base, design: Design, config: Config) -> Plan:
    contents = config.data.open()
    config = config.for_data(len(contents.classes), contents.channels)
    grid = design.grid(Base(base.name, config.space.at(())))
    others = int((~contents.test).sum())
    held = contents.validation
    validated = round(others * config.data.validation) if held is None else int(held.sum())
    return Plan(base, design, config, grid, others - validated, validated)


def _loaded(planned: Plan) -> Dataset:
    """The data at the base's resolution, whose digest stands for them at every other."""
    return load(planned.config.data, planned.base.architecture.resolution)


def _driven(
    path: Path,
    planned: Plan,
    data: Dataset,
    display: Display | None,
    evaluate: Evaluate,
    changed: documents.Document | None = None,
) -> Fitted:
    from scaling.fitting.results import write

    race = planned.race()
    drive(path, planned.config, race, data, display or Silent(), evaluate, changed)
    trials = open_run(path).trials
    verdict = race.verdict(trials)
    if not race.over(trials) or verdict is None:
        raise Stopped(_unfinished(trials))
    compared = planned.rivals(planned.grid.candidates[verdict.winner])
    fitted = Fitted(path, planned, trials, verdict, compared)
    write(fitted)
    return fitted


def _unfinished(trials: Sequence[Trial]) -> str:
    if trials and all(trial.state == "failed" for trial in trials):
        return f"Every candidate failed: {trials[-1].reason}."
    complete = sum(trial.state == "complete" for trial in trials)
    return f"The budget is spent, the fit is not finished: {complete} trainings are."


def _refuse(settings: Mapping[str, Any]) -> None:
    """Raises `UserError` for settings that are a fit's own, or no fit's."""
    for key in settings:
        if key in _OWN:
            raise UserError(f"{key}: a fit trains every candidate at its own resolution, width and stem.")
        if key.partition(".")[0] not in _SETTINGS:
            raise UserError(f"{key} is no setting of a fit; permitted: {', '.join(_SETTINGS)}.")
