"""The profiles that there are for this device, and which of them serves a space. No torch unless one is of a GPU."""

from __future__ import annotations

import random
from collections.abc import Sequence

from search.profiles.blocks import parts
from search.profiles.predictor import Predictor
from search.profiles.profile import BATCH, Profile, folder, kept
from space import Architecture, Space, UserError
from space.timing.device import this_device

COVERED = 0.9
"""A profile serves networks if it measured blocks that make up so much of their step times, in the mean."""


def here(batch: int = BATCH) -> list[Profile]:
    """The profiles of devices of this machine, the latest first; those of a GPU come before those of the CPU."""
    found = kept(this_device("cpu"), batch)
    if any("-cuda-" in path.name for path in folder().glob("*.json")):
        from search.profiles.profiling import device_for

        device = device_for("auto")
        found = (kept(device, batch) if device.kind != "cpu" else []) + found
    return found


def serving(space: Space, profiles: Sequence[Profile]) -> Profile | None:
    """The first of `profiles` that serves `space`, None if none does."""
    rng = random.Random(0)
    networks = [space.at(space.sample(rng)) for _ in range(20)]
    return next((profile for profile in profiles if covered(networks, profile) >= COVERED), None)


def covered(networks: Sequence[Architecture], profile: Profile) -> float:
    """The part of the networks' step times that comes from blocks that were measured, 0 to 1, in the mean."""
    return 1 - float(Predictor(profile).all(networks)[1].mean())


def closest(network: Architecture, batch: int = BATCH) -> Profile:
    """The profile of this machine that measured most blocks of `network`, and most blocks at all where several did.

    Raises `UserError` where there is none.
    """
    found, wanted = here(batch), {part.key for part in parts(network)}
    if not found:
        raise UserError("There is no profile of this device yet; make one: search profile space=effv2")
    return max(found, key=lambda profile: (len(wanted & profile.blocks.keys()), len(profile.blocks)))
