"""The source of a search's step times: a device profile, or a measurement before each training."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from search.config import Config
from search.data import Dataset
from search.executors.child import in_child
from search.executors.gpus import gpus_for
from search.profiles.lookup import serving
from search.profiles.profile import BATCH, Profile, folder, saved_profiles
from search.profiles.profiling import PROFILED_DEVICES, device_for, make, seconds
from space import UserError

Note = Callable[[str], None]

_SHARE = 0.1
"""The largest time to measure a profile that the user did not ask for, as a share of the search's time."""
GPU_NETWORKS = 20
"""The number of networks to measure for a profile of a GPU. With fewer, some blocks of effv2 and effv2_32 are
missing."""
_TRIALS = 50
"""The number of trials below which a profile is measured only if the user asks for it: even its estimate takes
seconds."""


def with_step(config: Config, data: Dataset, note: Note) -> Config:
    """Return `config` with step times either predicted from a profile or measured in the search.

    The setting `step` selects the source. "auto": a profile if a saved one of this device fits the space, if a
    limit on the step time needs one, or if measuring one is cheap relative to the search on `data`; on a GPU, the
    same as "profile". "profile": a saved profile that fits, else a profile that is measured now. "measured": no
    profile. Any other value: the profile in the file of that name. If neither the reward nor a limit uses step times,
    the setting is ignored and no profile is used.

    note: a function that receives lines about the profile. Raises `UserError` for a profile of another device or
    version unless force_step=true, and for step=measured with a limit on the step time.
    """
    step, limited = config.settings.step, config.limit.step is not None
    if "step" not in config.reward.costs and not limited:
        return _measured(config)
    if step != "measured" and config.executor.here and gpus_for(config.proxy.device):
        return config.with_profile(_on_gpu(config, note))
    if step == "auto":
        profile = _found(config)
        if profile:
            note(f"Step times are predicted by the profile of {profile.space} of {profile.made}")
        elif profile_time(config, data) is not None:
            profile = _made(config, note)
        return config.with_profile(profile) if profile else _measured(config)
    if step == "profile":
        return config.with_profile(_found(config) or _made(config, note))
    if step == "measured":
        if limited:
            raise UserError(
                "limit.step needs step times before training, which step=measured does not have; use step=profile."
            )
        return config
    return config.with_profile(_loaded(config))


def _loaded(config: Config) -> Profile:
    """Return the profile in the file that the setting `step` names."""
    profile = Profile.load(Path(os.path.expanduser(config.settings.step)))
    if profile.cost != "step":
        raise UserError(f"{config.settings.step} is a profile of latencies, not of training steps.")
    if not config.settings.force_step:
        device = device_for(config.proxy.device, config.proxy.precision)
        profile.check(device, profile.batch, "force_step=true uses it nevertheless")
    return profile


def _on_gpu(config: Config, note: Note) -> Profile:
    """Return the profile for a search on a GPU, which a child process finds or measures.

    Step times are not measured during trainings on a GPU: trainings fill the GPU and would wait for each measurement.
    """
    note("Step times are predicted; a profile of the GPU is measured first if none is saved")
    profile, text = in_child(_profile_of_gpu, config)
    note(text)
    return profile


def _profile_of_gpu(config: Config) -> tuple[Profile, str]:
    if config.settings.step not in ("auto", "profile"):
        profile = _loaded(config)
    elif saved := _found(config):
        profile = saved
    else:
        device, precision = config.proxy.device, config.proxy.precision
        made, path = make(config.space, device=device, precision=precision, max_networks=GPU_NETWORKS)
        return made, f"Wrote {path}: error {made.error:.1%} for the networks measured"
    return profile, f"Step times are from the profile of {profile.space} made {profile.made}"


def _gpu_profile_time(config: Config) -> float | None:
    if _found(config):
        return None
    device, precision = config.proxy.device, config.proxy.precision
    return seconds(config.space, device=device, precision=precision, max_networks=GPU_NETWORKS)


def profile_time(config: Config, data: Dataset) -> float | None:
    """Return the estimated seconds of measuring the profile of this search, None if it measures no profile."""
    step, limited = config.settings.step, config.limit.step is not None
    if ("step" not in config.reward.costs and not limited) or step not in ("auto", "profile"):
        return None
    if config.executor.here and gpus_for(config.proxy.device):
        return in_child(_gpu_profile_time, config)
    if _found(config) or (step == "auto" and not limited and not _cheap(config, data)):
        return None
    return seconds(config.space, device=config.proxy.device, precision=config.proxy.precision)


def foreseen(config: Config, data: Dataset) -> tuple[Config, float | None]:
    """Return `config` with the profile that a search would use, and the seconds of measuring it.

    The seconds are None if no profile has to be measured. If one has to be, it is not measured here, and the
    configuration is unchanged. Raises the errors of `with_step`.
    """
    ahead = profile_time(config, data)
    return (with_step(config, data, lambda text: None) if ahead is None else config), ahead


def _measured(config: Config) -> Config:
    return replace(config, settings=config.settings.model_copy(update={"step": "measured"}))


def _found(config: Config) -> Profile | None:
    if not _profiled(config) or not any(folder().glob("*.json")):
        return None  # Asking torch for its devices would take seconds.
    device = device_for(config.proxy.device, config.proxy.precision)
    return serving(config.space, saved_profiles(device, BATCH))


def _profiled(config: Config) -> bool:
    """Return True if the search uses a kind of device for which profiles can be made."""
    return config.proxy.device.partition(":")[0] in ("auto", *PROFILED_DEVICES)


def _cheap(config: Config, data: Dataset) -> bool:
    """Return True if measuring a profile here is cheap relative to the search."""
    from search.engine.estimate import trainings

    trials, executor = config.settings.trials, config.executor
    if not (_profiled(config) and executor.here) or (trials is not None and trials < _TRIALS):
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
        wait=lambda path: note(f"Another process is measuring the profile {path}; waiting for it"),
        begin=lambda campaign, missing, seconds: note(
            f"No profile of {config.space.name} on this device yet: measuring {missing} networks, "
            f"about {clock(seconds)} on an idle machine"
        ),
    )
    note(f"wrote {path}: error {profile.error:.1%} for the measured networks")
    return profile
