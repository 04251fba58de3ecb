"""`search measure`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from search.cli import completers

if TYPE_CHECKING:
    from space.timing.standalone import Timing


@click.command()
@click.argument("what", metavar="NETWORK | RUN:N", shell_complete=completers.networks)
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def measure(what: str, settings: tuple[str, ...], as_json: bool) -> None:
    """Measure time and memory of a network.

    Measured are a training step and an inference. NETWORK is the name of a published network or a canonical string,
    RUN:N a trial. Settings: batch=32 device=auto precision=auto. Measurements that other work on the machine may have
    disturbed are marked as unreliable, with the reason.
    """
    from search.cli.profile import options_of
    from search.cli.terminal import print_all, print_json
    from search.profiles import Predictor
    from search.profiles.lookup import closest, here
    from search.proxy.measure import alone
    from search.settings.words import parse
    from search.tables.table import plain

    options = options_of(parse(settings), ("device", "precision", "batch"))
    architecture = _network(what)
    step, inference, memory = alone(architecture, **options)
    if as_json:
        measured = {"training_step": asdict(step), "inference": asdict(inference), "training_bytes": memory}
        return print_json(plain({"architecture": str(architecture), **measured}))
    device = step.device
    lines = [
        str(architecture),
        f"{device.processor}, {device.kind}, one thread, torch {device.torch}, {device.precision}; {step.batch} "
        f"images of {step.resolution} px",
        _line("training step", step),
        _line("inference    ", inference),
        f"memory of a training step: {memory / 2**20:,.1f} MiB",
    ]
    if here(step.batch):
        prediction = Predictor(closest(architecture, step.batch))(architecture)
        estimated = f", {prediction.unmeasured:.0%} of it estimated" if prediction.flagged else ""
        lines.append(f"training step predicted by this device's profile: {prediction.ms:.1f} ms{estimated}")
    print_all(lines)


def _line(name: str, timing: Timing) -> str:
    doubts = f"; UNRELIABLE: {'; '.join(timing.doubts)}" if timing.doubts else ""
    return f"{name} {timing.ms:.2f} ms +- {timing.spread:.1%} (95%), {timing.repeats} repetitions{doubts}"


def _network(what: str) -> Any:
    from search.runs.networks import find_network

    return find_network(what).architecture
