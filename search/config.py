"""The configuration of a search: groups of settings chosen by name, and single settings by `key=value`.

    space=effv2_32 data=npz data.path=photos.npz proxy.epochs=3 space.stages.2.kernel=3,5 trials=100

`experiments/settings/GROUP/NAME.yaml` holds the settings of `GROUP=NAME`. `GROUP=./my.yaml` names a file of the user.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from search.data import DATASETS, Dataset, Source, load, source_from
from search.executors import EXECUTORS, Executor
from search.profiles.forecast import Forecast
from search.profiles.profile import Profile
from search.proxy.proxy import Proxy
from search.pruners import PRUNERS, Ladder, Pruner, Workload
from search.reward import REWARDS, Reward
from search.samplers import SAMPLERS, Sampler
from search.settings.limits import Limits
from search.settings.run_settings import KEYS, RunSettings
from search.settings.validation import mapping, of_kind, validated
from search.settings.words import GROUPS, KIND
from search.trials.finals import Finals
from space import CATALOG, Architecture, Space, UserError, decode, documents
from space.catalog import unpublished
from space.choices.loading import load_space
from space.choices.named_networks import FORMS, named_network
from space.extension_points import Registry
from space.refusal import unknown_name


@dataclass(frozen=True, slots=True)
class Config:
    """A search with a value for every setting.

    The networks of `first` are stored as canonical strings. Trials of other runs ("RUN:12") are replaced by strings
    before a configuration is made, so it can be read without those runs.

    >>> config = Config.of({"space": "effv2_32", "proxy.epochs": 3, "trials": 50})
    >>> config.space.name, config.proxy.epochs, config.settings.trials
    ('effv2_32', 3, 50)
    """

    space: Space
    data: Source
    proxy: Proxy
    reward: Reward
    limit: Limits
    sampler: Sampler
    pruner: Pruner
    executor: Executor
    finals: Finals
    settings: RunSettings
    forecast: Forecast | None = None
    """The forecast of step times before training, None if no profile predicts them.

    This forecast and `latencies` are not part of `document`, since their profiles are stored in separate files.
    """
    latencies: Forecast | None = None
    """The forecast of latencies; None before `with_profile`, and where neither the reward nor a limit needs it."""

    def __post_init__(self) -> None:
        # The device of the proxy decides how many trials run at a time.
        object.__setattr__(self, "executor", self.executor.on(self.proxy))
        # Without training, a fresh seed changes nothing.
        if not self.proxy.epochs and self.finals.top is None:
            object.__setattr__(self, "finals", self.finals.model_copy(update={"top": 0}))

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """Return the search with `settings`, such as `{"space": "effv2", "proxy.epochs": 3}`.

        Settings that are not given have their defaults, except that with a budget and without `trials`, the number of
        trials is not limited. Networks in `first` are words that `space.choices.named_networks` knows. Raises
        `UserError` for an unknown name or an invalid value.
        """
        chosen, inner = _sorted(settings)
        defaults = documents.read("launch", "default")
        if chosen.get("budget") is not None and "trials" not in chosen:
            defaults["trials"] = None
        names = {group: str(chosen.pop(group, defaults.pop(group))) for group in GROUPS}
        groups = {
            group: _validated(group, {**_document(group, names[group]), **inner[group]})
            for group in GROUPS[1:]
        }
        space = load_space(names["space"], inner["space"])
        groups["reward"] = _referred(groups["reward"], space)
        run_settings = validated("", RunSettings, {**defaults, **chosen})
        return cls(space, **groups, settings=_adapted(run_settings, space))

    @classmethod
    def of_document(cls, document: documents.Document) -> Self:
        """Return the search of a document that `document` returned.

        Raises `UserError` for any other content, with the key that is missing or invalid.
        """
        missing = [group for group in GROUPS if group not in document]
        if not missing:
            mapping("space", document["space"])
            missing = [f"space.{key}" for key in ("name", "document") if key not in document["space"]]
        if missing:
            raise UserError(f"The configuration of the run lacks {missing[0]}.")
        space = Space.of(document["space"]["document"], document["space"]["name"])
        groups = {group: _validated(group, document[group]) for group in GROUPS[1:]}
        run_settings = {key: document[key] for key in KEYS if key in document}
        return cls(space, **groups, settings=validated("", RunSettings, run_settings))

    def document(self) -> documents.Document:
        """Return all settings as plain values, ready for YAML."""
        groups = {group: getattr(self, group).model_dump(mode="json") for group in GROUPS[1:]}
        space = {"name": self.space.name, "document": self.space.document}
        return {**self.settings.document(), "space": space, **groups}

    @property
    def reference(self) -> Architecture:
        """The reward's reference network, with as many classes and channels as the networks of the space."""
        frame = self.space.frames[0]
        return replace(self.reward.network, classes=frame.classes, channels=frame.channels)

    @property
    def base(self) -> Architecture:
        """The network that winners are compared with: the first of `first=`, or the reference if `first` is empty."""
        return decode(self.settings.first[0]) if self.settings.first else self.reference

    @property
    def ladder(self) -> Ladder:
        """The rungs at which networks may be trained, by epochs. The last rung is the full proxy training."""
        return self.pruner.ladder(self.workload)

    @property
    def workload(self) -> Workload:
        """The properties of the search by which a pruner decides about rungs."""
        return Workload(
            epochs=self.proxy.epochs,
            trials=self.settings.trials,
            workers=self.executor.parallel or 1,
            sampler=self.sampler.sampler,
            multi_objective=self.reward.multi_objective,
            inherits=self.proxy.parent is not None,
        )

    def dataset(self) -> Dataset:
        """Return the data at `proxy.resolution`; if that is not set, at the first resolution of the space.

        The digest of these data identifies the data at every resolution. Raises `UserError` for unusable data.
        """
        return load(self.data, self.proxy.resolution or self.space.frames[0].resolution)

    def for_data(self, classes: int, channels: int) -> Self:
        """Return this search with its networks, including `first`, adapted to so many classes and image channels."""
        document = {**self.space.document, "classes": classes, "channels": channels}
        space = Space.of(document, self.space.name)
        return replace(self, space=space, settings=_adapted(self.settings, space))

    def with_profile(self, profile: Profile) -> Self:
        """Return this search with the step times or latencies that `profile` predicts.

        With a profile of step times, the setting `step` becomes "profile".
        """
        if profile.cost == "latency":
            return replace(self, latencies=Forecast(profile, self.reference, False))
        settings = self.settings.model_copy(update={"step": "profile"})
        forecast = Forecast(profile, self.reference, self.proxy.resolution is not None)
        return replace(self, settings=settings, forecast=forecast)

    def inheriting(self, digest: str) -> Self:
        """Return this search with the digest of the weights that its networks inherit."""
        return replace(self, proxy=self.proxy.model_copy(update={"parent": digest}))

    def exceeded(self, network: Architecture) -> str:
        """Return a text that names the limit that `network` exceeds, "" if it keeps all limits.

        Limits on the step time and the latency are checked only if a profile predicts them.
        """
        sources = (("step", self.forecast), ("latency", self.latencies))
        limited = dict(self.limit.predicted)
        times = {name: one.step(network).ms for name, one in sources if one and name in limited}
        return self.limit.exceeded(network, times)

    def resumed(self, settings: Mapping[str, Any]) -> Self:
        """Return this search with other values of the settings that a resume may change.

        These are `trials`, `budget`, `max_failures`, the groups `executor` and `finals`, and `data.path`, in case the
        data have moved. Raises `UserError` for an invalid value, and for any other setting, since trials before and
        after its change could not be compared.
        """
        chosen, inner = _sorted(settings)
        permitted = ("trials", "budget", "max_failures", *_RESUMED, "data.path")
        changed = [*chosen, *(group for group, values in inner.items() if values and group != "data")]
        changed += [f"data.{key}" for key in inner["data"]]
        for key in changed:
            if key not in permitted:
                raise UserError(
                    f"{key} cannot change in a run that has begun; permitted: {', '.join(permitted)}. "
                    "For other changes, launch a new search."
                )
        groups = {}
        for group in _RESUMED:
            before = getattr(self, group).model_dump()
            named = _document(group, str(chosen.pop(group))) if group in chosen else before
            groups[group] = _validated(group, {**named, **inner[group]})
        run_settings = validated("", RunSettings, {**self.settings.document(), **chosen})
        # The content of the data at another path is checked when the run is driven.
        data = source_from({**self.data.model_dump(), **inner["data"]})
        # The former settings decide the pruner: another total or more workers must not change the rungs of a run.
        return replace(
            self, **groups, data=data, settings=run_settings, pruner=self.pruner.decided(self.workload)
        )


def objective_of(before: Config, settings: Mapping[str, Any]) -> tuple[Reward, Limits]:
    """Return the objective and limits of `before` with other settings: {"reward": "mnasnet", "limit.params": "3M"}.

    If `settings` name no reference network, the reference network of `before` stays. Raises `UserError` for settings
    of other groups, and for invalid values.
    """
    chosen, inner = _sorted(settings)
    for key in (*chosen, *(f"{group}.{key}" for group, values in inner.items() for key in values)):
        if key.partition(".")[0] not in ("reward", "limit"):
            raise UserError(
                f"{key} is not part of an objective; give reward=NAME, reward.SETTING=VALUE or limit.COST=VALUE."
            )
    found = []
    for group, known in (("reward", before.reward), ("limit", before.limit)):
        values = _document(group, str(chosen[group])) if group in chosen else known.model_dump()
        found.append(_validated(group, {**values, **inner[group]}))
    reward, limits = found
    if reward.reference is None:
        reward = reward.model_copy(update={"reference": before.reward.reference})
    return reward, limits


def _sorted(settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return the settings outside all groups, and for each group the settings inside it."""
    chosen: dict[str, Any] = {}
    inner: dict[str, dict[str, Any]] = {group: {} for group in GROUPS}
    for key, value in settings.items():
        group, dot, rest = key.partition(".")
        if dot and group in GROUPS and rest:
            inner[group][rest] = value
        elif not dot and group in (*GROUPS, *KEYS):
            chosen[key] = value
        elif dot and group in GROUPS:
            raise UserError(f"{key} names no setting of the group; write {group}.SETTING=VALUE.")
        elif dot and group in KEYS:
            raise UserError(f"{key}: {group} is a single setting; write {group}=VALUE.")
        else:
            place = "group" if dot else "setting"
            raise unknown_name(place, group if dot else key, GROUPS if dot else (*GROUPS, *KEYS))
    return chosen, inner


_KINDS: dict[str, Registry[Any]] = {
    "data": DATASETS,
    "reward": REWARDS,
    "sampler": SAMPLERS,
    "pruner": PRUNERS,
    "executor": EXECUTORS,
}
"""The kinds of settings of each group that has several kinds."""

_MODELS: dict[str, type[Proxy] | type[Limits] | type[Finals]] = {
    "proxy": Proxy,
    "limit": Limits,
    "finals": Finals,
}
"""The model of the settings of each other group."""

_RESUMED = ("executor", "finals")
"""The groups that can change when a run is resumed: the executor of its trainings, and the finals."""


def _document(group: str, name: str) -> documents.Document:
    """Return the settings of `GROUP=NAME`. Raises `UserError` for an unknown name.

    A kind without a document, such as the class of another package, has its defaults in the class.
    """
    shipped = documents.names(group)
    if group in _KINDS and name not in shipped and not name.endswith((".yaml", ".yml")):
        if name in _KINDS[group]:
            return {KIND[group]: name}
        raise unknown_name(group, name, dict.fromkeys((*shipped, *_KINDS[group], "./FILE.yaml")))
    return documents.read(group, name)


def _validated(group: str, settings: Any) -> Any:
    """Return the settings of a group as an instance of their model. Raises `UserError` for an invalid setting."""
    if group in _KINDS:
        return of_kind(group, KIND[group], _KINDS[group], settings)
    mapping(group, settings)
    return validated(f"{group}.", _MODELS[group], settings)


def _adapted(settings: RunSettings, space: Space) -> RunSettings:
    """Return `settings` with `first` as canonical strings of networks adapted to `space`, without duplicates."""
    networks = (space.adapt(_network(word)) for word in settings.first)
    return settings.model_copy(update={"first": tuple(dict.fromkeys(map(str, networks)))})


_BASES = ("v2-b0", "b0", "mobilenet-v3-large", "mobilenet-v2-1.0")
"""Published networks in order of preference. The first one that a space contains is its reference."""


def _referred(reward: Reward, space: Space) -> Reward:
    """Return `reward` with a reference network, which is chosen from `space` if none is named.

    It is the first of `_BASES` that the space contains, else the network with the middle option of every choice. So
    the cost terms of the space's networks are around 1.
    """
    if reward.reference is not None:
        return reward
    bases = (space.adapt(CATALOG[name].architecture) for name in _BASES)
    middle = tuple((len(choice.options) - 1) // 2 for choice in space.choices)
    network = next((base for base in bases if space.find(base) is not None), None) or space.at(middle)
    return reward.model_copy(update={"reference": str(network)})


def _network(word: str) -> Architecture:
    if named := named_network(word):
        return named.architecture
    raise unpublished("network for first", word, forms=FORMS)
