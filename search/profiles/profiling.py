"""The procedure that makes a profile: it chooses the device, measures the networks and writes the file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from search.files import locked_file
from search.profiles.campaign import FIRST, MAX_NETWORKS, Campaign, Progress, run, samples
from search.profiles.profile import BATCH, Profile, file_of
from search.profiles.regression import Sample
from search.proxy.proxy import Precision
from space import Architecture, Space, UserError
from space.timing.device import Device, this_device

if TYPE_CHECKING:
    from search.models.inference import Conditions

PROFILED_DEVICES = ("cpu", "cuda")
"""The kinds of devices that can be profiled."""

Begin = Callable[[Campaign, int, float], None]
"""A callback begin(campaign, missing, seconds), called before the measurements. missing: the number of networks that
have not been measured yet. seconds: the estimated time to measure these on an idle machine."""
Watch = Callable[[Progress], None]
"""A callback watch(progress), called before the first network and after each one."""
Wait = Callable[[Path], None]
"""A callback wait(path), called before waiting for another process that is measuring the profile `path`."""


class Bench(Protocol):
    """The interface of benches, which time networks: `StepBench` (training steps) and `LatencyBench` (inferences)."""

    def seconds(self, networks: list[Architecture]) -> float:
        """Return the estimated seconds to measure `networks` on an idle machine."""

    def measure(self, architecture: Architecture) -> Sample:
        """Return the times of a network and of its blocks, as ratios to the reference network's time."""


def device_for(name: str = "auto", precision: Precision = "auto") -> Device:
    """Return the device of a search with these settings.

    Raises `UserError` if the machine lacks it, and for a device that is neither a CPU nor a CUDA GPU.
    """
    from search.proxy.device import choose_device, precision_on

    place = choose_device(name)
    if place.type not in PROFILED_DEVICES:
        raise UserError(
            f"There are no profiles of the device {name!r}; permitted: {', '.join(PROFILED_DEVICES)}."
        )
    dtype = precision_on(place, precision)
    return this_device(str(place), str(dtype).removeprefix("torch."))


def seconds(
    space: Space,
    *,
    device: str = "auto",
    precision: Precision = "auto",
    max_networks: int = MAX_NETWORKS,
    latency: Conditions | None = None,
) -> float:
    """Run the reference network a few times, and return the estimated seconds that `make` takes on an idle machine.

    The arguments are those of `make`, without `near`, and with `BATCH` images in a training step. Raises `UserError`
    for a device that does not exist, and for conditions `latency` that this machine cannot meet.
    """
    campaign = _campaign(space, device, precision, BATCH, max_networks, latency)
    with _bench(campaign, device, latency) as place:
        return place.seconds(campaign.networks)


def make(
    space: Space,
    *,
    device: str = "auto",
    precision: Precision = "auto",
    batch: int = BATCH,
    max_networks: int = MAX_NETWORKS,
    latency: Conditions | None = None,
    near: float | None = None,
    out: Path | None = None,
    wait: Wait = lambda path: None,
    begin: Begin = lambda campaign, missing, seconds: None,
    watch: Watch = lambda progress: None,
) -> tuple[Profile, Path]:
    """Measure the blocks of `space`, and return the profile and its file: `out`, or a file in the folder of profiles.

    An interrupted measurement of the same profile is continued. If another process is measuring this profile, its
    result is awaited and returned if it wrote one.

    device, precision, batch: the conditions of a training step, for a profile of step times. latency: the conditions
    of an inference, for a profile of latencies instead. max_networks: see `Campaign`. near: a latency in
    milliseconds. With it, `FIRST` networks of the whole space are measured, then networks near that latency. The
    profile is fitted to the latter; the former have little weight, and only in the estimates for blocks that were not
    measured. If few networks are near the latency, more networks of the whole space are measured instead. wait,
    begin, watch: see `Wait`, `Begin` and `Watch`. With `near`, `begin` and `watch` are called for the first networks,
    and again for the others. Raises `UserError` for a device that does not exist, conditions `latency` that this
    machine cannot meet, a batch that is too large, or a file that cannot be written.
    """
    campaign = _campaign(space, device, precision, batch, max_networks, latency)
    path = out or file_of(campaign.device, campaign.batch, space, campaign.cost, near)
    partial = path.with_name(path.name + ".part")
    before = _written(path)
    with locked_file(partial, lambda: wait(path)):
        if _written(path) != before:
            profile = Profile.load(path)
        else:
            far: list[Sample] = []
            with _bench(campaign, device, latency) as place:
                if near is not None:
                    first = replace(campaign, max_networks=min(FIRST, max_networks))
                    _measure(first, place, partial, begin, watch)
                    far = samples(first, partial)
                    campaign = campaign.narrowed(first.fit(far), near)
                _measure(campaign, place, partial, begin, watch)
            profile = campaign.fit(samples(campaign, partial), far if campaign.near else None)
            profile.save(path)
        partial.unlink(missing_ok=True)
    return profile, path


def _written(path: Path) -> tuple[int, int] | None:
    """Return values that change when another process replaces the file at `path`; None if there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def _measure(campaign: Campaign, place: Bench, partial: Path, begin: Begin, watch: Watch) -> None:
    """Measure those networks of the campaign that the file of samples `partial` lacks, and add them to the file."""
    done = {sample.architecture for sample in samples(campaign, partial)}
    missing = [network for network in campaign.networks if str(network) not in done]
    known, total = len(done), len(campaign.networks)
    begin(campaign, len(missing), place.seconds(missing))
    started = time.monotonic()
    watch(Progress(known, total, 0.0, None))
    for number, _ in enumerate(run(campaign, partial, place.measure), 1):
        spent = time.monotonic() - started
        watch(Progress(known + number, total, spent, spent / number * (len(missing) - number)))


def _campaign(
    space: Space,
    device: str,
    precision: Precision,
    batch: int,
    max_networks: int,
    latency: Conditions | None,
) -> Campaign:
    if latency is None:
        return Campaign(space, device_for(device, precision), batch, max_networks)
    return Campaign(space, latency.described(), latency.batch, max_networks, "latency")


@contextmanager
def _bench(campaign: Campaign, device: str, latency: Conditions | None) -> Iterator[Bench]:
    """Open the bench for the networks of `campaign`."""
    if latency is not None:
        from search.profiles.latency_bench import latency_bench

        with latency_bench(latency, campaign.reference) as place:
            yield place
        return
    from search.profiles.step_bench import step_bench
    from search.proxy.device import choose_device

    with step_bench(campaign.device, choose_device(device), campaign.batch, campaign.reference) as steps:
        yield steps
