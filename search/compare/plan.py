"""What a comparison trains: the winner, the best of a random search that cost as much, and published networks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from search.compare.baselines import Rival, rival, rival_by_step
from search.config import Config
from search.executors import Executor
from search.runs.run import Run, open_run
from search.settings.validation import validated
from search.training.recipe import Recipe
from search.training.settings import recipe_of, within
from search.training.task import Task
from space import CATALOG, Architecture, UserError, documents
from space.catalog import unpublished
from space.refusal import unknown_name

DEFAULTS = "compare", "default"
FOLDER = "compare"
"""Of a run's comparison, in the run's."""
WINNER, RANDOM = "winner", "best of random"


class Settings(BaseModel):
    """What can be set, outside the groups `recipe` and `executor`. See `experiments/settings/compare/default.yaml`."""

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
    """A network that is compared. name: what the table calls it. origin: where it is from, in a few words."""

    name: str
    architecture: Architecture
    origin: str


@dataclass(frozen=True)
class Plan:
    """A comparison, complete. out: the folder of its trainings and tables."""

    run: Run
    recipe: Recipe
    executor: Executor
    settings: Settings
    out: Path

    @property
    def seeds(self) -> tuple[int, ...]:
        """Of the trainings of every contender alike."""
        return tuple(range(self.settings.seeds))

    @property
    def random_run(self) -> str:
        """The name of the random search, "" for none."""
        asked = self.settings.random
        if asked == 0:
            return ""
        return asked if isinstance(asked, str) else f"{self.run.path.name}-random"

    def random_config(self) -> Config:
        """A search like the run's of as many whole trainings, of networks drawn uniformly, with another seed."""
        from search.pruners.pruner import NoPruner
        from search.samplers import SAMPLERS

        config, asked = self.run.config, self.settings.random
        trials = asked if isinstance(asked, int) else trainings(self.run)
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
        """All of it as plain values: trainings of two comparisons with the same document compare."""
        return {
            "run": self.run.name,
            "winner": str(self.run.best.architecture),
            "recipe": self.recipe.model_dump(mode="json", by_alias=True, exclude={"checkpoint", "workers"}),
            "match": self.settings.match,
        }


def plan_of(name: str, words: Mapping[str, Any]) -> Plan:
    """The comparison that `search compare NAME` with these settings stands for.

    Raises `UserError` for a setting that is none, and for a run that nothing is complete of.
    """
    known = documents.read(*DEFAULTS)
    for key in words:
        group, dot, _ = key.partition(".")
        if dot and group not in ("recipe", "executor"):
            raise unknown_name("group", group, ("recipe", "executor"))
        if not dot and key not in known:
            raise unknown_name("setting", key, known)
    outside = {key: value for key, value in words.items() if "." not in key}
    settings: Settings = validated("", Settings, {**known, **outside})
    executors = {key: value for key, value in words.items() if key.startswith("executor.")}
    run = open_run(name)
    _ = run.best
    if run.driver:
        raise UserError(f"The run {run.name} is still being driven by {run.driver}.")
    return Plan(
        run=run,
        recipe=recipe_of(settings.recipe, within(words, "recipe")),
        executor=Config.of({"executor": settings.executor, **executors}).executor,
        settings=settings,
        out=Path(settings.out).expanduser() if settings.out else run.path / FOLDER,
    )


def contenders(
    plan: Plan, random: Run | None, before: Mapping[str, Contender] | None = None
) -> Iterator[Contender]:
    """All that are compared, the winner first. random: the finished random search. before: rivals that are known."""
    winner = plan.run.best.architecture
    yield Contender(WINNER, winner, f"{plan.run.name}:{plan.run.best.number}")
    if random is not None:
        origin = f"{random.name}:{random.best.number}, of {networks(random)}"
        yield Contender(RANDOM, random.best.architecture, origin)
    for name in plan.settings.networks:
        if before and name in before:
            yield before[name]
            continue
        found = _rival(plan, name, winner)
        off = "" if found.equal else f", {plan.settings.match} x {found.ratio:.2f}, the nearest there is"
        yield Contender(name, found.architecture, f"width x {found.width:.3f}{off}")


def networks(run: Run) -> int:
    """How many networks a run has trained; one that was trained again counts once."""
    return len({trial.architecture for trial in run.ranked})


def trainings(run: Run) -> int:
    """What a run has cost before its finals, in whole trainings: with those of earlier runs that it began from."""
    taken = sum(trial.state == "imported" for trial in run.trials)
    return taken + math.ceil(run.trainings)


def _rival(plan: Plan, name: str, winner: Architecture) -> Rival:
    if plan.settings.match == "macs":
        return rival(name, winner)
    from search.proxy.measure import measure

    return rival_by_step(name, winner, lambda one, other: measure(one, other, plan.run.config.proxy).ratio)


def task_of(plan: Plan, contender: Contender, seed: int) -> Task:
    """A training of a contender: all have the same recipe, images, threads and seeds."""
    best = plan.run.best
    mine = contender.name == WINNER
    task = Task(
        contender.architecture,
        plan.run.config.data,
        plan.recipe,
        seed=seed,
        threads=plan.executor.threads,
        run=plan.run.name if mine else "",
        trial=best.number if mine else None,
    )
    return task.for_data()
