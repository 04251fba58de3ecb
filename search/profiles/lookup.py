"""The saved profiles of this machine, and the choice of one for a space. Only profiles of a GPU need torch."""

from __future__ import annotations

import random
from collections.abc import Sequence

from search.profiles.blocks import parts
from search.profiles.predictor import Predictor
from search.profiles.profile import BATCH, Profile, folder, saved_profiles
from space import Architecture, Space, UserError
from space.timing.device import this_device

COVERED = 0.9
"""The mean share of step times from measured blocks that a profile must reach to serve networks."""


def here(batch: int = BATCH) -> list[Profile]:
    """Return the profiles of this machine's devices, the latest first, with GPU profiles before CPU profiles."""
    profiles = saved_profiles(this_device("cpu"), batch)
    if any("-cuda-" in path.name for path in folder().glob("*.json")):
        from search.profiles.profiling import device_for

        device = device_for("auto")
        profiles = (saved_profiles(device, batch) if device.kind != "cpu" else []) + profiles
    return profiles


def serving(space: Space, profiles: Sequence[Profile]) -> Profile | None:
    """Return the first of `profiles` that serves `space`; None if none does."""
    rng = random.Random(0)
    networks = [space.at(space.sample(rng)) for _ in range(20)]
    return next((profile for profile in profiles if covered(networks, profile) >= COVERED), None)


def covered(networks: Sequence[Architecture], profile: Profile) -> float:
    """Return the mean share of the networks' step times that comes from measured blocks, 0 to 1."""
    return 1 - float(Predictor(profile).all(networks)[1].mean())


def closest(network: Architecture, batch: int = BATCH) -> Profile:
    """Return this machine's profile in which the most blocks of `network` are measured.

    If several have the same number, the one with the most blocks in all is returned. Raise `UserError` if this
    machine has no profile.
    """
    profiles, wanted = here(batch), {part.key for part in parts(network)}
    if not profiles:
        raise UserError("There is no profile of this device yet. Create one: search profile space=effv2")
    return max(profiles, key=lambda profile: (len(wanted & profile.blocks.keys()), len(profile.blocks)))
