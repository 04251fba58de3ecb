"""The execution of a comparison. A repeated call reuses finished trainings, whose models are on disk."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from search.compare.contender import Contender
from search.compare.costs import Costs, Note
from search.compare.evaluation import Evaluation, Split, evaluation_file, read_evaluation, record_look
from search.compare.levels import CONTENDERS, Lineup, lineup
from search.compare.plan import Plan, task_of
from search.compare.price import price
from search.compare.rates import best_rates, representatives
from search.compare.training import Returned, Training, packed, trained, unpack
from search.data import load
from search.engine.display import Display, Silent
from search.engine.driving import Stopped
from search.engine.latency_source import profile_files
from search.engine.launch import resume
from search.engine.parent import parent_file
from search.executors.jobs import Tally, done
from search.files import sole_writer, write_file
from search.models.model import is_model, read_document
from search.runs.creation import create
from search.runs.run import PARENT, Run, open_run
from search.trials.ledger import LedgerFailed
from space import UserError, decode, documents
from space.timing.ratio import StepTime

PLAN, TIMES = "compare.yaml", "times.json"


@dataclass(frozen=True, slots=True)
class Trained:
    """A contender with its measurements.

    evaluations: the results on the split of the comparison, seed by seed. rate: the factor of the recipe's learning
    rate. seconds: the sum of the durations of the contender's trainings. step: the time of a training step, measured
    in alternation with steps of the reference network. latency: the milliseconds of an inference, see
    `Costs.latency`. step and latency are None where the comparison does not use them.
    """

    contender: Contender
    evaluations: tuple[Evaluation, ...]
    rate: float
    seconds: float
    step: StepTime | None = None
    latency: float | None = None

    @property
    def accuracies(self) -> tuple[float, ...]:
        """The accuracy of each training, 0 to 1, in the order of the seeds."""
        return tuple(evaluation.accuracy for evaluation in self.evaluations)


@dataclass(frozen=True, slots=True)
class Compared:
    """The result of a comparison: every network of the lineup with its measurements, in the same order.

    costs: the function of (name of a cost, network) that returns a cost. It measures each cost at most once.
    """

    plan: Plan
    lineup: Lineup
    every: tuple[Trained, ...]
    costs: Costs

    def cost(self, name: str, one: Trained) -> float:
        """Return the cost `name` of the network `one`, in the unit of `space.cost.table`."""
        if name == "step" and one.step:
            return one.step.ms
        return self.costs(name, one.contender.architecture)


def compare(plan: Plan, note: Note = lambda text: None, display: Display | None = None) -> Compared:
    """Carry out all missing trainings and evaluations, and return the result.

    note: a function that receives lines about the progress. display: the display of the random search, None for none.
    Raises `UserError` if the folder holds a comparison with another plan or on other images, if another process works
    on it, and if a training or the random search fails.
    """
    with sole_writer(plan.out, "a comparison"):
        _check_folder(plan)
        _check_images(plan)
        random = random_search(plan, note, display or Silent())
        costs = plan.costs(plan.out / TIMES, note)
        line = lineup(plan, random, costs, note, plan.out / CONTENDERS)
        for sentence in line.left_out:
            note(sentence)
        if not any(plan.out.glob("*/model.json")):
            note(str(price(plan, line.contenders)))
        rates = _rates(plan, line.contenders, note)
        _train(plan, [(one, seed, rates[one.family]) for seed in plan.seeds for one in line.contenders], note)
        every = tuple(_gathered(plan, one, rates[one.family], costs) for one in line.contenders)
        return Compared(plan, line, every, costs)


def random_search(plan: Plan, note: Note, display: Display) -> Run | None:
    """Return the random search of the plan, None if the plan has none.

    If the setting `random` names a run, that run is returned as it is. Any other random search is first started, or
    continued until it is finished and has enough networks. Raises `UserError` if the search stops before its end or
    has more trials than the setting asks for, and the errors of `Plan.random_found`.
    """
    name = plan.random_run
    if not name:
        return None
    found = plan.random_found()
    if isinstance(plan.settings.random, str):
        return found
    if found is None:
        config = plan.random_config()
        note(f"random search of {config.settings.trials} networks: run {name}")
        data, files = config.dataset(), profile_files(config)
        if plan.run and config.proxy.parent is not None:
            files[PARENT] = parent_file(config, plan.run.path)
        create(name, config.document(), data, files)
        found = open_run(name)
    wanted = plan.random_trials(found)
    more = wanted != found.config.settings.trials
    # `resume` returns a finished search at once if it needs no more networks. It refuses fewer than it already has.
    try:
        return resume(name, {"trials": wanted} if more else None, display=display)
    except (Stopped, LedgerFailed) as error:
        raise UserError(
            f"The random search {name} stopped: {str(error).rstrip('.')}. Repeat the command to continue it."
        ) from None


def folder_of(plan: Plan, contender: Contender, seed: int, rate: float = 1.0) -> Path:
    """Return the folder of a contender's training with `seed`. rate: the factor of the recipe's learning rate."""
    plain = re.sub("[^A-Za-z0-9.]+", "-", contender.name)
    rated = "" if rate == 1 else f"-rate{rate:g}"
    return plan.out / f"{plain}-{contender.architecture.digest[:6]}{rated}-seed{seed}"


def _check_folder(plan: Plan) -> None:
    """Write the plan into the folder if it holds none. Raises `UserError` if it holds a different plan."""
    path, document = plan.out / PLAN, plan.document()
    if not path.exists():
        return write_file(path, yaml.safe_dump(document, sort_keys=False))
    before = documents.read("comparison", str(path))
    for key, value in document.items():
        if before.get(key) != value:
            raise UserError(
                f"{plan.out} holds a comparison with another {key}, so results could not be compared. "
                "Choose another out=DIR."
            )


def _check_images(plan: Plan) -> None:
    """Raise `UserError` if a finished training in the folder was on other images than those of the plan.

    The plan names the images by their settings only: files at the same or another path can have other content.
    """
    digests: dict[int, str] = {}
    for folder in sorted(filter(is_model, plan.out.glob("*"))):
        model = read_document(folder)
        resolution = decode(model.architecture).resolution
        if resolution not in digests:
            digests[resolution] = load(plan.source, resolution).digest
        if model.provenance.data_digest != digests[resolution]:
            raise UserError(
                f"{folder} was trained on other images, or this version reads them differently, so results could not "
                "be compared. Choose another out=DIR."
            )


def _rates(plan: Plan, every: Sequence[Contender], note: Note) -> dict[str, float]:
    """Return the best factor of the learning rate for each family, after the trainings that this choice needs."""
    chosen, rates, seed = representatives(every), plan.settings.rates, plan.seeds[0]
    if len(rates) > 1:
        note(f"learning rates: {len(rates)} trainings of one network of each of {len(chosen)} families")
        tries = [(contender, seed, rate) for contender in chosen.values() for rate in rates]
        _train(plan, tries, note, "validation")

    def accuracy(contender: Contender, rate: float) -> float:
        return read_evaluation(folder_of(plan, contender, seed, rate), "validation").accuracy

    return best_rates(chosen, rates, accuracy)


def _train(
    plan: Plan, wanted: Sequence[tuple[Contender, int, float]], note: Note, split: Split | None = None
) -> None:
    """Carry out the trainings and evaluations of `wanted`, (contender, seed, rate), that are missing."""
    on = split or plan.settings.split
    jobs = []
    for number, (contender, seed, rate) in enumerate(wanted):
        # A worker can have another working directory.
        folder = folder_of(plan, contender, seed, rate).absolute()
        jobs.append(Training(number, task_of(plan, contender, seed, rate), folder, split=on))
    left = [job for job in jobs if not evaluation_file(job.folder, on).exists()]
    note(
        f"{plan.out}: {len(jobs)} trainings, {sum(is_model(job.folder) for job in jobs)} of them finished already"
    )
    if on == "test" and left:
        record_look(plan.out, [job.folder for job in jobs])
    tally = Tally(len(jobs), len(left))

    def returned(job: Training, back: Returned) -> bool:
        unpack(job, back)
        if back.accuracy is None:
            return True
        place, rest = tally.finished()
        note(f"{place}: {job.folder.name}, accuracy on {on} {back.accuracy:.4f}; {rest}")
        return False

    failed = done(plan.executor, left, trained, returned, packed)
    if failed:
        job, reason = failed[0]
        raise UserError(f"The training {job.folder.name} failed: {reason.rstrip('.')}.")


def _gathered(plan: Plan, contender: Contender, rate: float, costs: Costs) -> Trained:
    folders = [folder_of(plan, contender, seed, rate) for seed in plan.seeds]
    counted = plan.reward is not None and "step" in plan.reward.costs
    return Trained(
        contender=contender,
        evaluations=tuple(read_evaluation(folder, plan.settings.split) for folder in folders),
        rate=rate,
        seconds=sum(read_document(folder).provenance.seconds or 0.0 for folder in folders),
        step=costs.step(contender.architecture) if counted or plan.drawn else None,
        latency=costs("latency", contender.architecture) if plan.drawn or plan.tells_latency else None,
    )
