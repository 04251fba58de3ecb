"""The source of a search's latencies: a profile of this machine, or the file of a profile from another machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from search.config import Config
from search.profiles.campaign import Campaign
from search.profiles.lookup import COVERED, latency_profile, like
from search.profiles.profile import Profile
from search.profiles.profiling import make, seconds
from search.profiles.sampling import chosen, covering
from search.runs.run import LATENCIES, PROFILE
from search.tables.units import clock
from space import UserError

Note = Callable[[str], None]

MAX_SECONDS = 600
"""The largest estimated time, in seconds, to measure a profile that the user did not ask for. If all networks would
take longer, fewer are measured."""
_FEWEST = 20
"""The smallest `max_networks` of such a profile, even if the networks take longer than `MAX_SECONDS`."""


def with_latencies(config: Config, note: Note) -> Config:
    """Return `config` with latencies predicted, if they count in the reward or are limited.

    The setting `latency` selects the profile. "auto": a saved profile of this device (onnxruntime, one image, one
    thread) that serves the space, else a profile that is measured now. Any other value: the profile in that file.

    note: a function that receives lines about the profile. Raises `UserError` for a file that does not hold a profile
    of latencies, for a profile of another device or version unless force_step=true, and where onnxruntime is missing.
    """
    if not needed(config):
        return config
    if given := loaded(config):
        return config.with_profile(given)
    profile = latency_profile(config.space, _near(config))
    if profile is None:
        profile = _made(config, note)
    else:
        near = "" if profile.near is None else f" near {profile.near:g} ms"
        note(f"Latencies are predicted by the profile of {profile.space}{near} of {profile.made}")
    return config.with_profile(profile)


def loaded(config: Config) -> Profile | None:
    """Return the profile in the file of the setting `latency`; None with "auto", and if latencies are not needed.

    Raises the errors of `with_latencies` for the file.
    """
    if not needed(config) or config.settings.latency == "auto":
        return None
    profile = profile_in(config.settings.latency)
    if not config.settings.force_step:
        profile.check(like(profile).described(), profile.batch, "force_step=true uses it nevertheless")
    return profile


def profile_in(file: str) -> Profile:
    """Return the profile of latencies in `file`. Raises `UserError` if the file holds none."""
    profile = Profile.load(Path(os.path.expanduser(file)))
    if profile.cost != "latency":
        raise UserError(f"{file} is a profile of training steps, not of latencies.")
    return profile


def latency_profile_time(config: Config) -> float | None:
    """Return the estimated seconds of measuring the profile of latencies of this search, None if it measures none."""
    if not needed(config) or config.settings.latency != "auto":
        return None
    if latency_profile(config.space, _near(config)):
        return None
    return _affordable(config)[1]


def profile_files(config: Config) -> dict[str, str | bytes]:
    """Return the profiles of a search as files of its run."""
    forecasts = {PROFILE: config.forecast, LATENCIES: config.latencies}
    return {file: one.profile.model_dump_json(indent=1) for file, one in forecasts.items() if one}


def needed(config: Config) -> bool:
    """Return True if latencies count in the reward or are limited."""
    return "latency" in config.reward.costs or config.limit.latency is not None


def _affordable(config: Config) -> tuple[int, float]:
    """Return the number of networks to measure, and the estimated seconds, at most `MAX_SECONDS` if possible."""
    from search.models.inference import Conditions
    from search.profiles.campaign import MAX_NETWORKS

    total = seconds(config.space, latency=Conditions())
    if total <= MAX_SECONDS:
        return MAX_NETWORKS, total
    count = max(_FEWEST, int(MAX_NETWORKS * MAX_SECONDS / total))
    return count, total * count / MAX_NETWORKS


def _near(config: Config) -> float | None:
    """Return the latency in milliseconds near which predictions have to be exact; None if everywhere."""
    return None if "latency" in config.reward.costs else config.limit.latency


def _made(config: Config, note: Note) -> Profile:
    from search.models.inference import Conditions

    count, _ = _affordable(config)
    # In a space with many blocks, most are estimated. Measured networks near the limit make the estimates more exact.
    estimated = covering(config.space, chosen(config.space, count)) < COVERED
    profile, path = make(
        config.space,
        latency=Conditions(),
        max_networks=count,
        near=_near(config) if estimated else None,
        wait=lambda path: note(f"Another process is measuring the profile {path}; waiting for it"),
        begin=lambda campaign, missing, seconds: note(_beginning(campaign, missing, seconds)),
    )
    note(f"wrote {path}: error {profile.error:.1%} for the measured networks")
    return profile


def _beginning(campaign: Campaign, missing: int, seconds: float) -> str:
    """Return a note of the measurements that begin. missing: the number of networks not measured yet."""
    if campaign.near is not None:
        what = f"Measuring, near {campaign.near:g} ms, {missing} networks"
    elif missing < len(campaign.networks):
        what = f"Measuring {missing} more networks of {campaign.space.name}"
    else:
        what = f"No profile of latencies of {campaign.space.name} on this device yet: measuring {missing} networks"
    return f"{what} in onnxruntime, about {clock(seconds)} on an idle machine"
