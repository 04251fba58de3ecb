"""The saved profiles of this machine, and the choice of one for a space.

torch is imported only where there are profiles of a GPU or of latencies.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from search.profiles.blocks import parts
from search.profiles.predictor import Predictor
from search.profiles.profile import BATCH, Profile, TimedCost, file_of, folder, saved_profiles
from space import Architecture, Space, UserError
from space.timing.device import this_device

if TYPE_CHECKING:
    from search.models.inference import Conditions
    from search.proxy.proxy import Precision

COVERED = 0.9
"""The mean share of the predicted times that must come from measured blocks for a profile to serve a space."""


def here(batch: int = BATCH, cost: TimedCost = "step") -> list[Profile]:
    """Return this machine's profiles of `cost`, the latest first, with GPU profiles before CPU profiles.

    batch: the number of images that the profiles are for. Profiles of latencies are for onnxruntime with one thread;
    if onnxruntime is not installed, none are returned.
    """
    if cost == "latency":
        return _latencies(batch)
    profiles = saved_profiles(this_device("cpu"), batch)
    if any("-cuda-" in path.name for path in folder().glob("*.json")):
        from search.profiles.profiling import device_for

        device = device_for("auto")
        profiles = (saved_profiles(device, batch) if device.kind != "cpu" else []) + profiles
    return profiles


def latency_profile(space: Space, near: float | None = None) -> Profile | None:
    """Return a saved profile of latencies that serves `space`, in onnxruntime with one image and one thread.

    The first choice is the profile of the space, even if few of its blocks were measured: in a space of thousands of
    blocks, most are estimated. The second is the profile of networks of the space near the latency `near` in
    milliseconds, if given. The third is any profile that `serving` finds. Returns None if no profile serves the space
    or onnxruntime is missing. Raises `UserError` if the file of the space's profile is damaged.
    """
    profiles = _latencies(1)
    if not profiles:
        return None
    for path in dict.fromkeys(
        file_of(profiles[0].device, 1, space, "latency", which) for which in (None, near)
    ):
        if path.exists():
            return Profile.load(path)
    return serving(space, [profile for profile in profiles if profile.near is None])


def _latencies(batch: int) -> list[Profile]:
    if not any("-latency-" in path.name for path in folder().glob("*.json")):
        return []  # Importing torch would take seconds.
    from search.models.inference import Conditions
    from search.models.onnx_session import missing

    return [] if missing() else saved_profiles(Conditions(batch=batch).described(), batch, "latency")


def like(profile: Profile) -> Conditions:
    """Return the conditions under which this machine would measure the latencies of `profile`."""
    from search.models.inference import Conditions

    device = profile.device
    if device.runtime != "torch":
        return Conditions(batch=profile.batch, threads=device.threads)
    precision: Precision = device.precision  # type: ignore[assignment]
    return Conditions("torch", profile.batch, device.threads, device.kind, precision)


def unmeasurable(profile: Profile) -> str:
    """Return why this machine cannot measure times under the conditions of `profile`; "" if it can."""
    try:
        different = profile.differences(like(profile).described(), profile.batch)
    except UserError as error:
        return str(error).rstrip(".")
    return f"the profile was made with {', '.join(different)}" if different else ""


def serving(space: Space, profiles: Sequence[Profile]) -> Profile | None:
    """Return the first of `profiles` that serves `space`; None if none does.

    A profile serves a space if at least `COVERED` of the predicted times of 20 random networks come from measured
    blocks.
    """
    rng = random.Random(0)
    networks = [space.at(space.sample(rng)) for _ in range(20)]
    return next((profile for profile in profiles if covered(networks, profile) >= COVERED), None)


def covered(networks: Sequence[Architecture], profile: Profile) -> float:
    """Return the mean share of the networks' predicted times that comes from measured blocks, 0 to 1."""
    return 1 - float(Predictor(profile).all(networks)[1].mean())


def closest(network: Architecture, batch: int = BATCH, cost: TimedCost = "step") -> Profile:
    """Return this machine's profile of `cost` in which the most blocks of `network` are measured.

    If there are profiles of a GPU, only these count. Raises `UserError` if this machine has no profile.
    """
    profiles = here(batch, cost)
    if not profiles:
        kind = "" if cost == "step" else f" cost={cost}"
        raise UserError(
            f"There is no profile of this device yet. Create one: search profile space=effv2{kind}"
        )
    return best_known(network, [profile for profile in profiles if profile.device == profiles[0].device])


def best_known(network: Architecture, profiles: Sequence[Profile]) -> Profile:
    """Return the profile in which the most blocks of `network` are measured. `profiles` must not be empty.

    If several profiles have the same number, the profile with the most blocks in all is returned.
    """
    wanted = {part.key for part in parts(network)}
    return max(profiles, key=lambda profile: (len(wanted & profile.blocks.keys()), len(profile.blocks)))
