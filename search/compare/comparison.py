"""Carry out a comparison. Repeated, it continues after the finished trainings, which are models on disk."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from search.compare.plan import Contender, Plan, contenders, task_of
from search.engine.display import Display, Silent
from search.engine.launch import create, resume
from search.executors.jobs import done
from search.files import sole_writer, write_file
from search.models.model import Document, Metric, is_model, read_document
from search.proxy.proxy import timed
from search.runs.run import PROFILE, RUNS, Run, open_run
from search.tables.units import clock
from search.training.task import Task
from space import UserError, decode, documents
from space.timing.ratio import StepTime

PLAN, CONTENDERS, STEPS = "compare.yaml", "contenders.json", "steps.json"

Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Training:
    """One training of a contender, as it is sent to a worker.

    device: the worker's GPU; "" leaves it to the recipe.
    """

    number: int
    task: Task
    folder: Path
    device: str = ""


@dataclass(frozen=True, slots=True)
class Trained:
    """A contender with its measurements.

    accuracies: the accuracies on the test split, seed by seed. validated: the accuracies on the validation split.
    seconds: the duration of all trainings together. step: the time of a training step, measured with the reference's;
    None where the reward does not use it.
    """

    contender: Contender
    accuracies: tuple[float, ...]
    validated: tuple[float, ...]
    seconds: float
    step: StepTime | None


def compare(plan: Plan, note: Note = lambda text: None, display: Display | None = None) -> list[Trained]:
    """Carry out all missing trainings. Returns the contenders, the winner first.

    Raises `UserError` if the folder holds a comparison with another plan, or a training fails.
    """
    with sole_writer(plan.out, "a comparison"):
        return _compared(plan, note, display)


def _compared(plan: Plan, note: Note, display: Display | None) -> list[Trained]:
    """Carry out all missing trainings in a folder that no other process writes to."""
    _check_folder(plan)
    random = random_search(plan, note, display or Silent())
    every = _contenders(plan, random)
    note(
        f"{plan.out}: {len(every)} networks, {len(plan.seeds)} trainings of each, {plan.recipe.epochs} epochs"
    )
    jobs = [
        Training(number, task_of(plan, contender, seed), folder_of(plan, contender, seed))
        for number, (contender, seed) in enumerate((one, seed) for seed in plan.seeds for one in every)
    ]
    left = [job for job in jobs if not is_model(job.folder)]
    started, count = time.monotonic(), 0

    def finished(job: Training, accuracy: float) -> None:
        nonlocal count
        count += 1
        rest = (time.monotonic() - started) / count * (len(left) - count)
        place = f"{len(jobs) - len(left) + count} of {len(jobs)}"
        note(f"{place}: {job.folder.name}, accuracy on test {accuracy:.4f}; about {clock(rest)} left")

    failed = done(plan.executor, left, trained, finished)
    if failed:
        job, reason = failed[0]
        raise UserError(f"The training {job.folder.name} failed: {reason.rstrip('.')}.")
    steps = _steps(plan, every, note)
    return [_gathered(plan, contender, steps.get(str(contender.architecture))) for contender in every]


def trained(job: Training, report: Callable[[int, float], None]) -> float:
    """Carry out one full training in a worker. Returns its accuracy on the test split."""
    from search.proxy.device import current
    from search.training.loop import train

    with current(job.device):
        metric = train(job.task, job.folder).metric("accuracy")
    assert metric is not None
    return metric.value


def random_search(plan: Plan, note: Note, display: Display) -> Run | None:
    """Return the random search of the same cost as the run; it is started or continued if it is not finished."""
    name = plan.random_run
    if not name:
        return None
    if isinstance(plan.settings.random, str):
        return open_run(name)
    if not (RUNS / name).exists():
        config = plan.random_config()
        note(f"random search of {config.settings.trials} networks, the cost of the search: run {name}")
        data = config.dataset()
        files = {PROFILE: config.forecast.profile.model_dump_json(indent=1)} if config.forecast else {}
        create(name, config.document(), data, files)
    # Returns at once if it is finished.
    return resume(name, display=display)


def folder_of(plan: Plan, contender: Contender, seed: int) -> Path:
    """Return the folder of the training of a contender with `seed`."""
    plain = re.sub("[^A-Za-z0-9.]+", "-", contender.name)
    return plan.out / f"{plain}-{contender.architecture.digest[:6]}-seed{seed}"


def _check_folder(plan: Plan) -> None:
    """Write the plan into the folder. Raises `UserError` if the folder holds another one."""
    path, document = plan.out / PLAN, plan.document()
    if not path.exists():
        return write_file(path, yaml.safe_dump(document, sort_keys=False))
    before = documents.read("comparison", str(path))
    for key, value in document.items():
        if before.get(key) != value:
            raise UserError(
                f"{plan.out} holds a comparison with another {key}, which is not comparable. "
                "Choose another out=DIR."
            )


def _contenders(plan: Plan, random: Run | None) -> list[Contender]:
    """Return all contenders. Networks of an earlier comparison here are reused, even if step times differ now."""
    path = plan.out / CONTENDERS
    saved = json.loads(path.read_text()) if path.exists() else {}
    before = {name: Contender(name, decode(text), origin) for name, (text, origin) in saved.items()}
    every = list(contenders(plan, random, before))
    saved |= {one.name: (str(one.architecture), one.origin) for one in every}
    write_file(path, json.dumps(saved, indent=1) + "\n")
    return every


def _steps(plan: Plan, every: list[Contender], note: Note) -> dict[str, StepTime]:
    """Return the step time of each contender, measured with the reference's, once, one network after the other."""
    config = plan.run.config
    if "step" not in config.reward.costs:
        return {}
    path = plan.out / STEPS
    saved = json.loads(path.read_text()) if path.exists() else {}
    missing = [c.architecture for c in every if str(c.architecture) not in saved]
    if missing:
        from search.proxy.measure import measure

        note(f"measuring the training steps of {len(missing)} networks")
        for network in missing:
            shape = network.classes, network.channels
            pair = timed(network, config.reference, config.proxy, *shape)
            saved[str(network)] = asdict(measure(*pair, config.proxy))
            write_file(path, json.dumps(saved, indent=1) + "\n")
    return {network: StepTime(**values) for network, values in saved.items()}


def _gathered(plan: Plan, contender: Contender, step: StepTime | None) -> Trained:
    models = [read_document(folder_of(plan, contender, seed)) for seed in plan.seeds]
    return Trained(
        contender=contender,
        accuracies=tuple(_metric(model, "test").value for model in models),
        validated=tuple(_metric(model, "validation").value for model in models),
        seconds=sum(model.provenance.seconds or 0.0 for model in models),
        step=step,
    )


def _metric(model: Document, split: str) -> Metric:
    return next(m for m in model.metrics if (m.name, m.split) == ("accuracy", split))
