"""What a search is told: groups of settings chosen by name, single settings by `key=value`. Nothing else reads them.

    space=effv2_32 data=npz data.path=photos.npz proxy.epochs=3 space.stages.2.kernel=3,5 trials=100

`experiments/GROUP/NAME.yaml` holds what `GROUP=NAME` stands for; `GROUP=./my.yaml` is a file of the user's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from search.data import DATASETS, Source
from search.engine.initial_networks import enqueued
from search.executors import EXECUTORS, Executor
from search.profiles.forecast import Forecast
from search.proxy.proxy import Proxy
from search.pruners import PRUNERS, Ladder, Pruner, Workload
from search.reward import REWARDS, Reward, network
from search.samplers import SAMPLERS, Sampler
from search.settings.run_settings import KEYS, RunSettings, started
from search.settings.validation import mapping, of_kind, validated
from search.settings.words import GROUPS, KIND
from search.trials.finals import OFF, Finals
from space import Architecture, Space, UserError, decode, documents
from space.refusal import unknown_name
from space.registry import Registry


@dataclass(frozen=True, slots=True)
class Config:
    """A search, resolved: every setting has its value."""

    space: Space
    data: Source
    proxy: Proxy
    reward: Reward
    sampler: Sampler
    pruner: Pruner
    executor: Executor
    finals: Finals
    settings: RunSettings
    forecast: Forecast | None = None
    """Step times before training, where a profile tells them; no part of the document, but a file beside it."""

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """From `{"space": "effv2", "proxy.epochs": 3}`. Raises `UserError` in one line for anything unknown."""
        chosen, inner = _sorted(settings)
        defaults = documents.read("launch", "default")
        if chosen.get("budget") is not None and "trials" not in chosen:
            defaults["trials"] = None
        names = {group: str(chosen.pop(group, defaults.pop(group))) for group in GROUPS}
        made = {
            group: _made(group, {**_document(group, names[group]), **inner[group]}) for group in GROUPS[1:]
        }
        space = Space.load(names["space"], inner["space"])
        seed, first = started(chosen.pop("seed", defaults["seed"]))
        settings = {**defaults, **chosen, "seed": seed, "first": enqueued(first, space)}
        return cls(space, **made, settings=validated("", RunSettings, settings))

    @classmethod
    def of_document(cls, document: documents.Document) -> Self:
        """The inverse of `document`. Raises `UserError` if it isn't one."""
        try:
            name, space = document["space"]["name"], document["space"]["document"]
            # Runs of versions that knew no finals have none, and those that knew no rungs neither.
            document = {"finals": OFF.model_dump(), "pruner": {"pruner": "none"}, **document}
            if isinstance(document["finals"], dict):  # Nor did the first that had finals have the base's.
                document["finals"] = {"base": False, **document["finals"]}
            made = {group: _made(group, document[group]) for group in GROUPS[1:]}
            settings = {key: document[key] for key in KEYS if key in document}
        except (KeyError, TypeError) as error:
            raise UserError(f"The configuration of the run lacks {error}.") from None
        return cls(Space.of(space, name), **made, settings=validated("", RunSettings, settings))

    def document(self) -> documents.Document:
        """All settings as plain values, ready for YAML."""
        groups = {group: getattr(self, group).model_dump(mode="json") for group in GROUPS[1:]}
        space = {"name": self.space.name, "document": self.space.document}
        return {**self.settings.document(), "space": space, **groups}

    @property
    def reference(self) -> Architecture:
        """The reward's reference network, for the classes and channels of the data."""
        frame = self.space.frames[0]
        return replace(network(self.reward.reference), classes=frame.classes, channels=frame.channels)

    @property
    def base(self) -> Architecture:
        """The network that a winner is measured by: the first that was named to be trained, else the reference."""
        return decode(self.settings.first[0]) if self.settings.first else self.reference

    @property
    def ladder(self) -> Ladder:
        """The rungs that its networks may climb; the last is the proxy's training."""
        return self.pruner.ladder(self.workload)

    @property
    def workload(self) -> Workload:
        """The size of the search, by which a pruner decides about rungs."""
        return Workload(
            epochs=self.proxy.epochs,
            trials=self.settings.trials,
            workers=self.executor.parallel or 1,
            sampler=self.sampler.sampler,
            multi_objective=self.reward.multi_objective,
        )

    def for_data(self, classes: int, channels: int) -> Self:
        """This search for images of so many classes and channels: all its networks have them."""
        document = {**self.space.document, "classes": classes, "channels": channels}
        space = Space.of(document, self.space.name)
        settings = self.settings.model_copy(update={"first": enqueued(self.settings.first, space)})
        return replace(self, space=space, settings=settings)

    def resumed(self, settings: Mapping[str, Any]) -> Self:
        """This search with other limits, finals or another executor: what a resume may change.

        Raises `UserError` for anything else, since trials before and after would not compare.
        """
        chosen, inner = _sorted(settings)
        permitted = ("trials", "budget", "max_failures", *_RESUMED)
        changed = [*chosen, *(group for group, values in inner.items() if values)]
        for key in changed:
            if key not in permitted:
                raise UserError(
                    f"{key} cannot change in a run that has begun; permitted: {', '.join(permitted)}. "
                    "A new launch can search differently."
                )
        made = {}
        for group in _RESUMED:
            before = getattr(self, group).model_dump()
            named = _document(group, str(chosen.pop(group))) if group in chosen else before
            made[group] = _made(group, {**named, **inner[group]})
        run_settings = validated("", RunSettings, {**self.settings.document(), **chosen})
        # Decided by what it was: other limits or workers must not take the rungs away in the middle.
        return replace(self, **made, settings=run_settings, pruner=self.pruner.decided(self.workload))


def reward_of(before: Reward, settings: Mapping[str, Any]) -> Reward:
    """The objective `before` with other settings, or the one that they name: {"reward": "mnasnet", ...}.

    Raises `UserError` for settings that are of no objective.
    """
    chosen, inner = _sorted(settings)
    for key in (*chosen, *(f"{group}.{key}" for group, values in inner.items() for key in values)):
        if key.partition(".")[0] != "reward":
            raise UserError(f"{key} is no part of an objective; give reward=NAME or reward.SETTING=VALUE.")
    named = _document("reward", str(chosen["reward"])) if "reward" in chosen else before.model_dump()
    made: Reward = _made("reward", {**named, **inner["reward"]})
    return made


_SINGLE = tuple(key for key in KEYS if key != "first")
"""Settings that stand outside all groups. What comes first is said by `seed`."""


def _sorted(settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Top-level settings, and for each group the settings inside it."""
    chosen: dict[str, Any] = {}
    inner: dict[str, dict[str, Any]] = {group: {} for group in GROUPS}
    for key, value in settings.items():
        group, dot, rest = key.partition(".")
        if dot and group in GROUPS and rest:
            inner[group][rest] = value
        elif not dot and group in (*GROUPS, *_SINGLE):
            chosen[key] = value
        elif dot and group in GROUPS:
            raise UserError(f"{key} names no setting of the group; write {group}.SETTING=VALUE.")
        elif dot and group in _SINGLE:
            raise UserError(f"{key}: {group} is a single setting; write {group}=VALUE.")
        else:
            place = "group" if dot else "setting"
            raise unknown_name(place, group if dot else key, GROUPS if dot else (*GROUPS, *_SINGLE))
    return chosen, inner


_KINDS: dict[str, Registry[Any]] = {
    "data": DATASETS,
    "reward": REWARDS,
    "sampler": SAMPLERS,
    "pruner": PRUNERS,
    "executor": EXECUTORS,
}
"""For each group that has several kinds of settings: the kinds."""

_MODELS: dict[str, type[Proxy] | type[Finals]] = {"proxy": Proxy, "finals": Finals}
"""For each other group: what its settings are."""

_RESUMED = ("executor", "finals")
"""Groups that can change when a run is resumed: where it is trained, and what comes after the search."""


def _document(group: str, name: str) -> documents.Document:
    """The settings that `GROUP=NAME` stands for. What another package adds has its defaults in its class."""
    shipped = documents.names(group)
    if group in _KINDS and name not in shipped and not name.endswith((".yaml", ".yml")):
        if name in _KINDS[group]:
            return {KIND[group]: name}
        raise unknown_name(group, name, dict.fromkeys((*shipped, *_KINDS[group], "./FILE.yaml")))
    return documents.read(group, name)


def _made(group: str, settings: Any) -> Any:
    if group in _KINDS:
        return of_kind(group, KIND[group], _KINDS[group], settings)
    mapping(group, settings)
    return validated(f"{group}.", _MODELS[group], settings)
