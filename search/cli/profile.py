"""`search profile`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from search.cli.terminal import fail, print_all

if TYPE_CHECKING:
    from search.profiles import Profile
    from search.profiles.campaign import Campaign, Progress

_SETTINGS = """\b
Settings are KEY=VALUE words:
  space=effv2_32          whose blocks are measured     space.resolution=32
  batch=32                images of a step
  device=auto             cpu, cuda, cuda:1             precision=auto
  networks=60             to measure at most
"""


@click.command(epilog=_SETTINGS)
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it there.")
@click.option("--again", is_flag=True, help="Measure also where there is a profile.")
def profile(settings: tuple[str, ...], out: Path | None, again: bool) -> None:
    """Measure how long the blocks of a space take here.

    From that follows the time of a training step of every network of the space, which a search then has before
    training (step=profile). What was interrupted goes on where it was when it is asked for again. Best on an idle
    machine.
    """
    from search.profiles.profile import Profile, file_of
    from search.profiles.profiling import device_for, make

    space, options = _read(settings)
    device = device_for(options["device"], options["precision"])
    path = out or file_of(device, options["batch"], space)
    if path.exists() and not again:
        click.echo(f"There is a profile already; measure anew with --again. {path}", err=True)
        return print_all(_summary(Profile.load(path), space))
    networks = options.pop("networks")
    try:
        found, path = make(space, **options, most=networks, out=out, begin=_begin, watch=_progress)
    except KeyboardInterrupt:
        fail("Stopped. What was measured is kept; the same words go on with it.", 130)
    print_all(_summary(found, space))
    click.echo(f"Wrote {path}", err=True)


def options_of(
    settings: dict[str, Any], names: tuple[str, ...], others: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The settings of these `names` with their defaults; `others` stand beside them and are named in refusals.

    Raises `UserError` for a setting that is none, and for a value that isn't permitted.
    """
    from search.profiles.campaign import MOST
    from search.profiles.profile import BATCH
    from space.refusal import UserError, unknown_name

    defaults = {"device": "auto", "precision": "auto", "batch": BATCH, "networks": MOST}
    options = {name: defaults[name] for name in names} | settings
    for key, value in options.items():
        if key not in names:
            raise unknown_name("setting", key, (*others, *names))
        if key in _WORDS and value not in _WORDS[key]:
            raise unknown_name(key, str(value), _WORDS[key])
        if key in _MOST and (type(value) is not int or not 1 < value <= _MOST[key]):
            raise UserError(f"{key}={value}: it must be a whole number from 2 to {_MOST[key]:,}.")
    return options


_MOST = {"batch": 65_536, "networks": 10_000}
_WORDS = {
    "precision": ("auto", "float32", "bfloat16", "float16"),
    "device": ("auto", "cpu", "cuda", *(f"cuda:{number}" for number in range(16))),
}


def _read(words: tuple[str, ...]) -> tuple[Any, dict[str, Any]]:
    """The space, and the other settings with their defaults."""
    from search.config import Config
    from search.settings.words import parse

    settings = parse(words)
    chosen = {key: value for key, value in settings.items() if key == "space" or key.startswith("space.")}
    rest = {key: value for key, value in settings.items() if key not in chosen}
    options = options_of(rest, ("device", "precision", "batch", "networks"), ("space",))
    return Config.of({**chosen, "data": "shapes"}).space, options


def _begin(campaign: Campaign, seconds: float) -> None:
    from search.profiles.blocks import parts_of_space
    from search.tables.units import clock

    click.echo(
        f"Space {campaign.space.name} at {campaign.reference.resolution} px on {campaign.device.processor}, "
        f"one thread, {campaign.batch} images a step: {len(parts_of_space(campaign.space))} blocks in "
        f"{len(campaign.networks)} networks. About {clock(seconds)} where nothing else runs.",
        err=True,
    )


def _progress(progress: Progress) -> None:
    """A line that is written over on a terminal; every tenth network elsewhere."""
    import sys

    from search.tables.units import clock

    left = f", about {clock(progress.left)} left" if progress.left is not None else ""
    text = f"{progress.done} of {progress.total} networks, {clock(progress.seconds)} so far{left}"
    last = progress.done == progress.total
    if sys.stderr.isatty():
        click.echo(f"\r\033[K{text}", err=True, nl=last)
    elif last or progress.done % 10 == 0:
        click.echo(text, err=True)


def _summary(found: Profile, space: Any) -> Any:
    """What a profile says, in a few lines."""
    from search.profiles import Predictor
    from search.profiles.blocks import parts_of_space

    wanted = parts_of_space(space)
    known = sum(key in found.blocks for key in wanted)
    low, high = Predictor(found).range(space)
    yield (
        f"{known} of {len(wanted)} blocks of {space.name} measured in {found.networks} networks, {found.made}; "
        f"torch {found.device.torch}, {found.device.precision}, {found.batch} images a step"
    )
    yield f"step time of the space's networks: {low:.1f} to {high:.1f} ms"
    yield f"error {found.error:.1%} for the networks measured" + (
        f"; blocks never measured are estimated, half of them within {found.work_error:.1%}"
        if found.work_error
        else ""
    )
    if found.wall > 1.1:
        yield (
            f"Other work ran beside it (wall time was {found.wall:.2f} of the device's); "
            "measure --again when the machine is idle"
        )
