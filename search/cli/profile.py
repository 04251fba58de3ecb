"""The command `search profile`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli.terminal import UserPath, fail, print_all

if TYPE_CHECKING:
    from search.models.inference import Conditions
    from search.profiles import Profile
    from search.profiles.campaign import Campaign, Progress
    from search.profiles.profile import TimedCost
    from space.timing.device import Device

_SETTINGS = """\b
Settings are KEY=VALUE words:
  space=effv2_32          the space whose blocks are measured; also
                          space.resolution=32
  cost=step               step: one training step; latency: one inference
  batch=32                images in a training step (latency: 1)
  device=auto             cpu, cuda, cuda:1
  precision=auto          float32, bfloat16, float16
  networks=60             maximum number of networks to measure
  near=5ms                latency: measure networks with about this latency,
                          which predicts others like them better
  runtime=onnxruntime     latency: in onnxruntime (the exported file) or torch
  threads=1               computing threads (latency)
"""


@click.command(epilog=_SETTINGS)
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...")
@click.option(
    "--out",
    type=UserPath(dir_okay=False),
    metavar="FILE",
    help="The file to write (default: one in compound-nas/profiles in the user's cache, where searches find it).",
)
@click.option("--again", is_flag=True, help="Measure even if there is a profile already.")
def profile(settings: tuple[str, ...], out: Path | None, again: bool) -> None:
    """Measure the blocks of a space on this device.

    The profile predicts the time of a training step, or with cost=latency the latency, of every network of the
    space, so that a search knows that time before it trains (step=profile, limit.latency=5ms). Use an idle machine.
    Repeat the command to continue an interrupted measurement.
    """
    from search.profiles.profile import Profile, file_of
    from search.profiles.profiling import device_for, make

    space, cost, options = _read(settings)
    networks, near = options.pop("networks"), options.pop("near", None)
    if cost == "latency":
        conditions = conditions_of(options)
        device, batch = conditions.described(), conditions.batch
        options = {"latency": conditions, "near": near}
    else:
        device, batch = device_for(options["device"], options["precision"]), options["batch"]
    path = out or file_of(device, batch, space, cost, near)
    if path.exists() and not again:
        click.echo(f"There is already a profile: {path}. --again replaces it by a new measurement.", err=True)
        return print_all(_summary(Profile.load(path), space))
    try:
        result, path = make(
            space, **options, max_networks=networks, out=out, wait=_wait, begin=_begin, watch=_progress
        )
    except KeyboardInterrupt:
        fail("Stopped. Finished measurements are kept; repeat the command to continue.", 130)
    print_all(_summary(result, space))
    click.echo(f"wrote {path}", err=True)


def options_of(
    settings: dict[str, Any], names: tuple[str, ...], others: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return the values of the settings `names`: those in `settings`, and defaults for the others.

    others: further settings that the command permits, for error messages. Raises `UserError` for an unknown setting
    and for a value that is not permitted.
    """
    from search.profiles.campaign import MAX_NETWORKS
    from search.profiles.profile import BATCH
    from space.refusal import UserError, unknown_name

    defaults = {"device": "auto", "precision": "auto", "batch": BATCH, "networks": MAX_NETWORKS}
    options = {name: defaults[name] for name in names} | settings
    for key, value in options.items():
        if key not in names:
            raise unknown_name("setting", key, (*others, *names))
        if key in _WORDS and value not in _WORDS[key]:
            raise unknown_name(key, str(value), _WORDS[key])
        if key in _MAXIMUM and (type(value) is not int or not 1 < value <= _MAXIMUM[key]):
            raise UserError(f"{key}={value}: it must be a whole number from 2 to {_MAXIMUM[key]:,}.")
    return options


def conditions_of(settings: dict[str, Any], others: tuple[str, ...] = ("cost",)) -> Conditions:
    """Return the conditions of a latency: runtime, batch, threads, device, precision.

    others: further settings that the command permits, for error messages. Raises `UserError` for an unknown setting
    and for a value that is not permitted.
    """
    from search.models.inference import RUNTIMES, Conditions
    from space.refusal import UserError, unknown_name

    names = ("runtime", "batch", "threads", "device", "precision")
    for key, value in settings.items():
        if key not in names:
            raise unknown_name("setting", key, (*others, *names))
        permitted = RUNTIMES if key == "runtime" else _WORDS.get(key)
        if permitted and value not in permitted:
            raise unknown_name(key, str(value), permitted)
        most = _MAXIMUM.get(key)
        if most and (type(value) is not int or not 1 <= value <= most):
            raise UserError(f"{key}={value}: it must be a whole number from 1 to {most:,}.")
    return Conditions(**{"device": "auto" if settings.get("runtime") == "torch" else "cpu", **settings})


_MAXIMUM = {"batch": 65_536, "threads": 1024, "networks": 10_000}
_WORDS = {
    "precision": ("auto", "float32", "bfloat16", "float16"),
    "device": ("auto", "cpu", "cuda", *(f"cuda:{number}" for number in range(16))),
}


def _read(words: tuple[str, ...]) -> tuple[Any, TimedCost, dict[str, Any]]:
    """Return the space, the cost to profile, and the settings of the measurement.

    Missing settings have their defaults; for latencies, only `networks` has. Raises `UserError` for an unknown cost,
    an unknown setting or an invalid value.
    """
    from search.config import Config
    from search.engine.initial_networks import resolved
    from search.profiles.profile import BATCHES
    from search.settings.words import parse
    from space.refusal import UserError, unknown_name

    settings = parse(words)
    chosen = {key: value for key, value in settings.items() if key == "space" or key.startswith("space.")}
    rest = {key: value for key, value in settings.items() if key not in chosen}
    cost = str(rest.pop("cost", "step"))
    if cost not in BATCHES:
        raise unknown_name("cost to profile", cost, BATCHES)
    if cost == "step":
        if "near" in rest:
            raise UserError(f"near={rest['near']} is for profiles of latencies: add cost=latency.")
        options = options_of(rest, ("device", "precision", "batch", "networks"), ("space", "cost"))
    else:
        networks = options_of({key: rest.pop(key) for key in ("networks",) if key in rest}, ("networks",))
        near = {"near": _milliseconds(rest.pop("near"))} if "near" in rest else {}
        conditions_of(rest, ("space", "cost", "networks", "near"))
        options = {**rest, **networks, **near}
    return Config.of({**resolved(chosen), "data": "shapes"}).space, cost, options


def _milliseconds(value: object) -> float:
    from space.cost.table import COSTS
    from space.refusal import UserError

    try:
        return COSTS["latency"].parse(value)
    except UserError as error:
        raise UserError(f"near: {error}") from None


def _wait(path: Path) -> None:
    click.echo(f"Another process is measuring {path}; waiting for it.", err=True)


def _begin(campaign: Campaign, missing: int, seconds: float) -> None:
    from search.profiles.blocks import parts_of_space
    from search.tables.units import clock, plural

    device, what = campaign.device, "a step" if campaign.cost == "step" else "an inference"
    known = len(campaign.networks) - missing
    already = f", {known} of them measured already" if known else ""
    near = "" if campaign.near is None else f"networks near {campaign.near:g} ms of "
    click.echo(
        f"Measuring {near}space {campaign.space.name} at {campaign.reference.resolution} px on {device.processor}, "
        f"{_software(device)}, {plural(device.threads, 'thread')}, {plural(campaign.batch, 'image')} in {what}: "
        f"{len(parts_of_space(campaign.space))} blocks in "
        f"{len(campaign.networks)} networks{already}. About {clock(seconds)} on an idle machine.",
        err=True,
    )


def _software(device: Device) -> str:
    """Return the name and version of the runtime, such as "onnxruntime 1.20.1" or "torch 2.14.1", without options."""
    return device.software.partition(",")[0]


def _progress(progress: Progress) -> None:
    """Print the progress: on a terminal in one line that is overwritten, else in a line for every tenth network."""
    import sys

    from search.tables.units import clock

    left = f", about {clock(progress.left)} left" if progress.left is not None else ""
    text = f"{progress.done} of {progress.total} networks, {clock(progress.seconds)} so far{left}"
    last = progress.done == progress.total
    if sys.stderr.isatty():
        click.echo(f"\r\033[K{text}", err=True, nl=last)
    elif last or progress.done % 10 == 0:
        click.echo(text, err=True)


def _summary(profile: Profile, space: Any) -> Any:
    """Yield a profile's content in a few lines."""
    from search.profiles import Predictor
    from search.profiles.blocks import parts_of_space
    from search.tables.units import plural
    from space.cost.table import COSTS

    wanted = parts_of_space(space)
    known = sum(key in profile.blocks for key in wanted)
    low, high = Predictor(profile).range(space)
    yield (
        f"{known} of {len(wanted)} blocks of {space.name} measured in {profile.networks} networks, {profile.made}; "
        f"{_software(profile.device)}, {profile.device.precision}, {plural(profile.batch, 'image')} at a time"
    )
    kind, text = ("step time" if profile.cost == "step" else "latency"), COSTS[profile.cost].text
    yield f"{kind} of the space's networks: {text(low)} to {text(high)}"
    yield f"error for the measured networks: {profile.error:.1%}" + (
        f"; blocks that were not measured are estimated, half of them within {profile.work_error:.1%}"
        if profile.work_error
        else ""
    )
    if profile.wall > 1.1:
        yield (
            f"other work ran at the same time (measurements took {profile.wall:.2f} times the computing time); "
            "measure again on an idle machine: --again"
        )
