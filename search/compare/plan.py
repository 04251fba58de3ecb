"""The plan of a comparison: the winner, the best of a random search of the same cost, and published networks."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from search.compare.baselines import Baseline, baseline, baseline_by_step
from search.config import Config
from search.executors import Executor
from search.runs.run import Run, open_run
from search.settings.validation import unknown_setting, validated
from search.training.recipe import Recipe
from search.training.settings import recipe_of, within
from search.training.task import Task
from space import CATALOG, Architecture, UserError, documents
from space.catalog import unpublished
from space.refusal import unknown_name

DEFAULTS = "compare", "default"
FOLDER = "compare"
"""The folder of a comparison, in the folder of its run."""
WINNER, RANDOM = "winner", "best of random"


class Settings(BaseModel):
    """The settings outside the groups `recipe` and `executor`. See `experiments/settings/compare/default.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str = "small"
    seeds: int = Field(default=3, ge=1, le=1000)
    random: int | str | None = None
    networks: tuple[str, ...] = ()
    match: Literal["macs", "step"] = "macs"
    executor: str = "local"
    out: str | None = None

    @field_validator("networks", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        if value is None:
            return ()
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value

    @field_validator("networks")
    @classmethod
    def _published(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in CATALOG:
                raise unpublished("network", name)
        return value


@dataclass(frozen=True, slots=True)
class Contender:
    """A network that is compared. name: the name in the table. origin: the origin in a few words."""

    name: str
    architecture: Architecture
    origin: str


@dataclass(frozen=True)
class Plan:
    """A complete comparison. out: the folder of its trainings and tables."""

    run: Run
    recipe: Recipe
    executor: Executor
    settings: Settings
    out: Path

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the trainings, the same for every contender."""
        return tuple(range(self.settings.seeds))

    @property
    def random_run(self) -> str:
        """The name of the random search, "" for none."""
        random = self.settings.random
        if random == 0:
            return ""
        return random if isinstance(random, str) else f"{self.run.path.name}-random"

    def random_config(self) -> Config:
        """Return a random search like the run's, with as many full-budget trainings and another seed."""
        from search.pruners.pruner import NoPruner
        from search.samplers import SAMPLERS

        config, random = self.run.config, self.settings.random
        trials = random if isinstance(random, int) else trainings(self.run)
        changed = {
            "trials": trials,
            "budget": None,
            "first": (),
            "seed": config.settings.seed + 1,
            "run": self.random_run,
        }
        sampler = SAMPLERS["random"].model_validate({"sampler": "random"})
        return replace(
            config,
            sampler=sampler,
            pruner=NoPruner(pruner="none"),
            executor=self.executor,
            settings=config.settings.model_copy(update=changed),
        )

    def document(self) -> documents.Document:
        """Return the plan as plain values. Trainings of two comparisons with the same document are comparable."""
        return {
            "run": self.run.name,
            "winner": str(self.run.best.architecture),
            "recipe": self.recipe.model_dump(mode="json", by_alias=True, exclude={"checkpoint", "workers"}),
            "match": self.settings.match,
        }


def plan_of(name: str, words: Mapping[str, Any]) -> Plan:
    """Return the comparison that `search compare NAME` with these settings describes.

    Raises `UserError` for an unknown setting, and for a run without a complete trial.
    """
    known = documents.read(*DEFAULTS)
    for key in words:
        group, dot, _ = key.partition(".")
        if dot and group not in ("recipe", "executor"):
            raise unknown_name("group", group, ("recipe", "executor"))
        if not dot and key not in known:
            raise unknown_setting(key, known)
    outside = {key: value for key, value in words.items() if "." not in key}
    settings: Settings = validated("", Settings, {**known, **outside})
    recipe = recipe_of(settings.recipe, within(words, "recipe"))
    # Trainings in full fill a GPU each, unless the user knows better.
    executors = {"executor.per_gpu": 1} if settings.executor == "local" else {}
    executors |= {key: value for key, value in words.items() if key.startswith("executor.")}
    place = {"executor": settings.executor, "proxy.device": recipe.device}
    run = open_run(name)
    _ = run.best
    if run.driver:
        raise UserError(f"The run {run.name} is still running: {run.driver}.")
    return Plan(
        run=run,
        recipe=recipe,
        executor=Config.of({**place, **executors}).executor,
        settings=settings,
        out=Path(os.path.expanduser(settings.out)) if settings.out else run.path / FOLDER,
    )


def contenders(
    plan: Plan, random: Run | None, before: Mapping[str, Contender] | None = None
) -> Iterator[Contender]:
    """Yield all contenders, the winner first.

    random: the finished random search. before: contenders of an earlier comparison in this folder.
    """
    winner = plan.run.best.architecture
    yield Contender(WINNER, winner, f"{plan.run.name}:{plan.run.best.number}")
    if random is not None:
        origin = f"{random.name}:{random.best.number}, of {networks(random)}"
        yield Contender(RANDOM, random.best.architecture, origin)
    for name in plan.settings.networks:
        if before and name in before:
            yield before[name]
            continue
        network = _baseline(plan, name, winner)
        off = "" if network.equal else f", {plan.settings.match} x {network.ratio:.2f}, the nearest possible"
        yield Contender(name, network.architecture, f"width x {network.width:.3f}{off}")


def networks(run: Run) -> int:
    """Return the number of distinct networks that a run has trained."""
    return len({trial.architecture for trial in run.ranked})


def trainings(run: Run) -> int:
    """Return the cost of a run before its finals, in full-budget trainings, with those of imported trials."""
    imported = sum(trial.state == "imported" for trial in run.trials)
    return imported + math.ceil(run.trainings)


def _baseline(plan: Plan, name: str, winner: Architecture) -> Baseline:
    if plan.settings.match == "macs":
        return baseline(name, winner)
    from search.proxy.measure import measure

    return baseline_by_step(name, winner, lambda one, other: measure(one, other, plan.run.config.proxy).ratio)


def task_of(plan: Plan, contender: Contender, seed: int) -> Task:
    """Return a training of a contender; all have the same recipe, images, threads and seeds."""
    best = plan.run.best
    searched = contender.name == WINNER
    task = Task(
        contender.architecture,
        plan.run.config.data,
        plan.recipe,
        seed=seed,
        threads=plan.executor.threads,
        run=plan.run.name if searched else "",
        trial=best.number if searched else None,
    )
    return task.for_data()
