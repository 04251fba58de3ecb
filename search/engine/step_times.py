"""Where a search has its step times from: a profile, or a measurement beside each training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from search.config import Config
from search.data import Dataset
from search.profiles.lookup import serving
from search.profiles.profile import BATCH, Profile, folder, saved_profiles
from search.profiles.profiling import PROFILED_DEVICES, device_for, make, seconds
from space import UserError

Note = Callable[[str], None]

_SHARE = 0.1
"""Of a search's time: what a profile may take that nobody asked for."""
_TRIALS = 50
"""With fewer a search is not asked how long it will be, which takes seconds itself."""


def with_step(config: Config, data: Dataset, note: Note) -> Config:
    """`config` with `settings.step` settled, "profile" or "measured", and in the first case with its forecast.

    auto: a profile, if one of this device serves the space, if a limit on the step time asks for one, or if making
    one costs little beside the search on `data`. profile: that which serves, or else one that is made now, of which
    `note` is told. A file: the profile in it. Raises `UserError` for a profile of another device or version, and where
    step=measured is to keep a limit on the step time.
    """
    step, limited = config.settings.step, config.limit.step is not None
    if "step" not in config.reward.costs and not limited:
        return _measured(config)
    if step == "auto":
        profile = _found(config)
        if profile:
            note(f"Step times are predicted, from the profile of {profile.space} made {profile.made}")
        elif limited or _cheap(config, data):
            profile = _made(config, note)
        return config.with_profile(profile) if profile else _measured(config)
    if step == "profile":
        return config.with_profile(_found(config) or _made(config, note))
    if step == "measured":
        if limited:
            raise UserError("limit.step needs step times before training; step=profile predicts them.")
        return config
    profile = Profile.load(Path(step))
    if not config.settings.force_step:
        device = device_for(config.proxy.device, config.proxy.precision)
        profile.check(device, profile.batch, "force_step=true uses it nevertheless")
    return config.with_profile(profile)


def _measured(config: Config) -> Config:
    return replace(config, settings=config.settings.model_copy(update={"step": "measured"}))


def _found(config: Config) -> Profile | None:
    if not _told(config) or not any(folder().glob("*.json")):
        return None  # Before torch is asked for its devices, which takes seconds.
    device = device_for(config.proxy.device, config.proxy.precision)
    return serving(config.space, saved_profiles(device, BATCH))


def _told(config: Config) -> bool:
    """Whether there are profiles of such devices as the search computes on."""
    return config.proxy.device.partition(":")[0] in ("auto", *PROFILED_DEVICES)


def _cheap(config: Config, data: Dataset) -> bool:
    """Whether measuring a profile here costs little beside the search."""
    from search.engine.estimate import trainings

    trials, executor = config.settings.trials, config.executor
    if not (_told(config) and executor.here) or (trials is not None and trials < _TRIALS):
        return False
    total = trainings(config, data)
    if total is None:
        return True
    return (
        seconds(config.space, device=config.proxy.device, precision=config.proxy.precision) <= _SHARE * total
    )


def _made(config: Config, note: Note) -> Profile:
    from search.tables.units import clock

    profile, path = make(
        config.space,
        device=config.proxy.device,
        precision=config.proxy.precision,
        begin=lambda campaign, seconds: note(
            f"No profile of {config.space.name} on this device yet: measuring {len(campaign.networks)} networks, "
            f"about {clock(seconds)} where nothing else runs"
        ),
    )
    note(f"Wrote {path}: error {profile.error:.1%} for the networks measured")
    return profile
