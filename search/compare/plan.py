"""The plan of a comparison: the leads, to whose costs other networks are matched, the settings, and the folder."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from search.compare.contender import Contender, Family, apart, named_contender, named_contenders
from search.compare.costs import Costs, Note, matched_costs
from search.compare.settings import DEFAULTS, GROUPS, Settings
from search.config import Config
from search.data.dataset import contents_of
from search.data.source import Source
from search.executors import Executor
from search.proxy.proxy import Proxy
from search.reward import Reward
from search.runs.comparable import require_comparable
from search.runs.names import RUNS
from search.runs.networks import FoundNetwork, model_folder
from search.runs.run import Run, open_run
from search.settings.run_settings import RunSettings
from search.settings.validation import unknown_setting, validated
from search.training.networks import NetworkToTrain, network_to_train
from search.training.recipe import Recipe
from search.training.settings import recipe_of, source_of, within
from search.training.task import Task
from search.trials.answers import memory_batch
from space import Architecture, UserError, documents
from space.cost.table import BATCH
from space.refusal import unknown_name

FOLDER, FAMILY_FOLDER = "compare", "family"
"""The folders of a comparison, and of a comparison of families, in the folder of a run."""
COMPARISONS = Path("comparisons")
"""The parent of the folders of comparisons without a run."""


@dataclass(frozen=True)
class Plan:
    """The inputs of a comparison, all settings resolved.

    run: the run of the first network, None if no run found it. source: the source of the images. leads: the networks
    to whose costs others, their rivals, are matched; a level is a lead with its rivals. others: networks that are
    compared as they are. recipe, executor: the recipe and the executor of the trainings. settings: the settings of
    `search compare`. out: the folder of trainings and tables. drawn: True for a comparison of families. It is drawn
    as curves, for which latency and step time of every network are measured.
    """

    run: Run | None
    source: Source
    leads: tuple[Contender, ...]
    others: tuple[Contender, ...]
    recipe: Recipe
    executor: Executor
    settings: Settings
    out: Path
    drawn: bool = False

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the trainings, the same for every contender."""
        return tuple(range(self.settings.seeds))

    @property
    def config(self) -> Config | None:
        """The configuration of the run, None without a run."""
        return self.run.config if self.run else None

    @property
    def reward(self) -> Reward | None:
        """The reward of the run, None without a run."""
        return self.config.reward if self.config else None

    @property
    def reference(self) -> Architecture:
        """The network that step times and rewards are relative to: the run's reference, else the first lead."""
        return self.config.reference if self.config else self.leads[0].architecture

    @property
    def matched(self) -> tuple[str, ...]:
        """The names of the costs by which rivals are matched: a rival is as large as the lead's costs permit."""
        return matched_costs(self.settings.match, self.config)

    @property
    def tells_latency(self) -> bool:
        """True if rivals are matched by latency, or if a profile predicts it."""
        return "latency" in self.matched or bool(self.config and self.config.latencies)

    def costs(self, file: Path | None, note: Note) -> Costs:
        """Return the function that computes network costs. file: the file of measured costs, None for no file."""
        proxy = self.config.proxy if self.config else Proxy(device=self.recipe.device)
        known = (("step", self.config.forecast), ("latency", self.config.latencies)) if self.config else ()
        forecasts = {name: forecast for name, forecast in known if forecast}
        batch = memory_batch(self.config.reward, self.config.limit) if self.config else BATCH
        return Costs(proxy, self.reference, forecasts, file, note, batch)

    @property
    def random_run(self) -> str:
        """The name of the random search, "" for none."""
        random = self.settings.random
        if random == 0 or self.run is None or self.drawn:
            return ""
        return random if isinstance(random, str) else f"{self.run.path.name}-random"

    def random_found(self) -> Run | None:
        """Return the random search as it is now, None if it has not begun, or the plan has none.

        Raises `UserError` if the run found is not a random search, or if its rewards cannot be compared with those of
        the plan's run.
        """
        name = self.random_run
        if not self.run or not name or not (isinstance(self.settings.random, str) or (RUNS / name).exists()):
            return None
        found = open_run(name)
        advice = f"Give another random=RUN or random=0, or delete the run {found.name}."
        if (sampler := found.config.sampler.sampler) != "random":
            raise UserError(f"The run {found.name} is no random search: it has sampler={sampler}. {advice}")
        try:
            require_comparable(self.run, found)
        except UserError as error:
            raise UserError(f"{error} {advice}") from None
        return found

    def random_trials(self, found: Run | None) -> int | None:
        """Return the number of networks that the random search is to have; None if only its budget limits it.

        If the setting `random` is a number, it is returned. Otherwise the random search gets as many networks as the
        run had full-budget trainings, but never fewer than it is already set to try. found: the random search as it
        is now, None if it has not begun.
        """
        assert self.run
        if isinstance(self.settings.random, int):
            return self.settings.random
        before = found.config.settings.trials if found else 0
        return before if before is None else max(before, trainings(self.run))

    def random_config(self) -> Config:
        """Return the configuration of a random search in the space of the run, with another seed.

        The budget, the first networks and the pruner of the run are left out. Raises `UserError` if the name of the
        random search, the run's name with "-random", is not permitted.
        """
        from search.pruners.pruner import NoPruner
        from search.samplers import SAMPLERS

        assert self.run
        config = self.run.config
        changed = {
            "trials": self.random_trials(None),
            "budget": None,
            "first": (),
            "seed": (config.settings.seed + 1) % 2**32,
            "run": self.random_run,
        }
        sampler = SAMPLERS["random"].model_validate({"sampler": "random"})
        return replace(
            config,
            sampler=sampler,
            pruner=NoPruner(pruner="none"),
            executor=self.executor,
            settings=validated("", RunSettings, {**config.settings.document(), **changed}),
        )

    def document(self) -> documents.Document:
        """Return the plan as plain values. Trainings of two comparisons with the same document are comparable.

        Settings that only add networks (networks, random, weights) or seeds are not in it: they change no training.
        """
        return {
            "networks": [str(lead.architecture) for lead in self.leads],
            "data": self.source.model_dump(mode="json", exclude={"path"}),
            "recipe": self.recipe.model_dump(mode="json", by_alias=True, exclude={"checkpoint", "workers"}),
            "rates": list(self.settings.rates),
            "match": list(self.matched),
        }


def plan_of(words: Sequence[str] | Family, given: Mapping[str, Any]) -> Plan:
    """Return the comparison of the networks that `words` mean, or of a family.

    The first network is the lead, whose costs bound the rivals; the others are compared as they are. In a family,
    every member is a lead. given: the settings of `search compare`, by name. Raises `UserError` for an unknown
    network or setting, if the first network's run is still running, if a run has no complete trial, if a random
    search is asked for without a run, and if no images are known.
    """
    settings = _settings(given)
    recipe = recipe_of(settings.recipe, within(given, "recipe"))
    others: tuple[Contender, ...] = ()
    if isinstance(words, Family):
        name, family = words.name, apart(words.name, settings.networks)
        leads = tuple(replace(member, family=family) for member in words.members)
        run = open_run(leads[0].run) if leads[0].run else None
        first = NetworkToTrain(leads[0].architecture, name, source=run.config.data if run else None)
    else:
        every = named_contenders(words, settings.networks)
        name = every[0][1].name
        leads, others = (every[0][0],), tuple(contender for contender, _ in every[1:])
        run = next((_idle(network) for _, network in every[:1] if network.run), None)
        first = network_to_train(words[0])
    drawn = isinstance(words, Family)
    _check_random(settings, run, drawn)
    source = source_of(first, settings.data, within(given, "data"))
    images = contents_of(source)
    shape = len(images.classes), images.channels
    return Plan(
        run=run,
        source=source,
        leads=tuple(lead.for_data(*shape) for lead in leads),
        others=tuple(other.for_data(*shape) for other in (*others, *_pretrained(settings))),
        recipe=recipe,
        executor=_executor(settings, recipe, given),
        settings=settings,
        out=_folder(settings, run, name, drawn),
        drawn=drawn,
    )


def _settings(given: Mapping[str, Any]) -> Settings:
    known = documents.read(*DEFAULTS)
    for key in given:
        group, dot, _ = key.partition(".")
        if dot and group not in GROUPS:
            raise unknown_name("group", group, GROUPS)
        if not dot and key not in known:
            raise unknown_setting(key, known)
    outside = {key: value for key, value in given.items() if "." not in key}
    settings: Settings = validated("", Settings, {**known, **outside})
    return settings


def _check_random(settings: Settings, run: Run | None, drawn: bool) -> None:
    """Raise `UserError` if the setting `random` asks for a random search in a comparison that cannot have one.

    These are comparisons of families (`drawn`), and comparisons whose first network comes from no run.
    """
    if settings.random and (run is None or drawn):
        why = "families have" if drawn else "a first network that is from no run has"
        raise UserError(
            f"random={settings.random}: {why} no random search; permitted: random=null, random=0."
        )


def _idle(network: FoundNetwork) -> Run:
    """Return the run of a network. Raises `UserError` if the run is still running."""
    assert network.run
    if network.run.driver:
        raise UserError(f"The run {network.run.name} is still running: {network.run.driver}.")
    return network.run


def _executor(settings: Settings, recipe: Recipe, given: Mapping[str, Any]) -> Executor:
    # A full training keeps a GPU busy, so trainings share none unless the user sets executor.per_gpu.
    executors = {"executor.per_gpu": 1} if settings.executor == "local" else {}
    executors |= {key: value for key, value in given.items() if key.startswith("executor.")}
    executor = Config.of({"executor": settings.executor, "proxy.device": recipe.device, **executors}).executor
    executor.check()
    return executor


def _folder(settings: Settings, run: Run | None, name: str, drawn: bool) -> Path:
    if settings.out:
        return Path(os.path.expanduser(settings.out))
    if run:
        return run.path / (FAMILY_FOLDER if drawn else FOLDER)
    return COMPARISONS / re.sub("[^A-Za-z0-9._-]+", "-", name).strip("._-")[:60]


def _pretrained(settings: Settings) -> list[Contender]:
    """Return a contender for each model in the setting `weights`; its training starts from the model's weights."""
    every = []
    for word in settings.weights:
        contender, network = named_contender(word)
        model = model_folder(network, word)
        # The name is the whole word, since the folders of two models can have the same name.
        name = f"{word}, fine-tuned"
        origin = f"weights of {model}"
        every.append(replace(contender, name=name, family=name, origin=origin, weights=model.absolute()))
    return every


def networks(run: Run) -> int:
    """Return the number of distinct networks among a run's complete and imported trials."""
    return len({trial.architecture for trial in run.ranked})


def trainings(run: Run) -> int:
    """Return the cost of a run without its finals, in full-budget trainings. Each imported trial counts as one."""
    imported = sum(trial.state == "imported" for trial in run.trials)
    return imported + math.ceil(run.trainings)


def task_of(plan: Plan, contender: Contender, seed: int, rate: float = 1.0) -> Task:
    """Return a training of a contender. All trainings have the same recipe, except for the learning rate.

    rate: the factor of the recipe's learning rate. The training does not evaluate the test split.
    """
    recipe = plan.recipe.model_copy(update={"learning_rate": plan.recipe.learning_rate * rate})
    task = Task(
        contender.architecture,
        plan.source,
        recipe,
        seed=seed,
        weights=contender.weights,
        threads=plan.executor.threads,
        run=contender.run,
        trial=contender.trial,
        test=False,
    )
    return task.for_data()
