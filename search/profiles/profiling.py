"""A profile from the beginning to the end: the device, the networks, the file."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from search.profiles.campaign import MOST, Campaign, Progress, run, samples
from search.profiles.profile import BATCH, Profile, file_of
from search.proxy.proxy import Precision
from space import Space, UserError
from space.timing.device import Device, this_device

TOLD = ("cpu", "cuda")
"""Kinds of devices that profiles are of."""

Begin = Callable[[Campaign, float], None]
"""begin(campaign, seconds): before anything is measured, with an estimate of how long it takes when idle."""
Watch = Callable[[Progress], None]


def device_for(name: str = "auto", precision: Precision = "auto") -> Device:
    """The device that a search computes on which is told these.

    Raises `UserError` if there is none, and for one whose time nothing here tells: not a CPU nor of CUDA.
    """
    from search.proxy.device import choose_device, precision_on

    place = choose_device(name)
    if place.type not in TOLD:
        raise UserError(f"There are no profiles of the device {name!r}; permitted: {', '.join(TOLD)}.")
    dtype = precision_on(place, precision)
    return this_device(str(place), str(dtype).removeprefix("torch."))


def seconds(space: Space, *, device: str = "auto", precision: Precision = "auto") -> float:
    """About how long `make` takes on a machine that is idle. Takes some steps of a network."""
    from search.profiles.bench import bench
    from search.proxy.device import choose_device

    campaign = Campaign(space, device_for(device, precision), BATCH)
    with bench(campaign.device, choose_device(device), BATCH, campaign.reference) as place:
        return place.seconds(campaign.networks)


def make(
    space: Space,
    *,
    device: str = "auto",
    precision: Precision = "auto",
    batch: int = BATCH,
    most: int = MOST,
    out: Path | None = None,
    begin: Begin = lambda campaign, seconds: None,
    watch: Watch = lambda progress: None,
) -> tuple[Profile, Path]:
    """Measures the blocks of `space` and writes the profile to `out`, or among the kept ones; where that is.

    Goes on with what an interrupted measurement of the same left behind. most: networks to measure at most.
    Raises `UserError` for a device that isn't there, a batch that is too large, a file that cannot be written.
    """
    from search.profiles.bench import bench
    from search.proxy.device import choose_device

    found = device_for(device, precision)
    campaign = Campaign(space, found, batch, most)
    path = out or file_of(found, batch, space)
    partial = path.with_name(path.name + ".part")
    done = {sample.architecture for sample in samples(campaign, partial)}
    missing = [network for network in campaign.networks if str(network) not in done]
    known, total = len(done), len(campaign.networks)
    with bench(found, choose_device(device), batch, campaign.reference) as place:
        begin(campaign, place.seconds(missing))
        started = time.monotonic()
        watch(Progress(known, total, 0.0, None))
        for number, _ in enumerate(run(campaign, partial, place.measure), 1):
            spent = time.monotonic() - started
            watch(Progress(known + number, total, spent, spent / number * (len(missing) - number)))
    profile = campaign.fit(samples(campaign, partial))
    profile.save(path)
    partial.unlink(missing_ok=True)
    return profile, path
