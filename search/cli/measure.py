"""The command `search measure`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from search.cli import completers

if TYPE_CHECKING:
    from space import Architecture
    from space.timing.standalone import Timing

_SETTINGS = """\b
Settings are KEY=VALUE words:
  cost=latency            latency: one inference; step: one training step
  runtime=onnxruntime     latency: in onnxruntime (the exported file) or torch
  batch=1                 images at a time (cost=step: 32)
  threads=1               computing threads (latency)
  device=auto             cpu, cuda, cuda:1; latency on a GPU: runtime=torch
  precision=auto          float32, bfloat16, float16; onnxruntime: float32
"""


@click.command(epilog=_SETTINGS)
@click.argument("what", metavar="NETWORK | RUN | RUN:N | MODEL", shell_complete=completers.networks)
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def measure(what: str, settings: tuple[str, ...], as_json: bool) -> None:
    """Measure a network's latency or training step on this machine.

    NETWORK is the name of a published network or a canonical string, RUN a run's best network, RUN:N a trial, MODEL
    the folder of a model. With a latency come two computed numbers: the bytes of the weights, and the most bytes of
    feature maps that are in memory at a time. Measurements that other work on the machine may have disturbed are
    marked as unreliable, with the reason.
    """
    from search.cli.terminal import print_all, print_json
    from search.settings.words import parse
    from search.tables.table import plain
    from space.refusal import unknown_name

    words = parse(settings)
    cost = str(words.pop("cost", "latency"))
    if cost not in ("latency", "step"):
        raise unknown_name("cost to measure", cost, ("latency", "step"))
    values, lines = (_latency if cost == "latency" else _step)(what, words)
    if as_json:
        return print_json(plain(values))
    print_all(lines)


def _latency(what: str, words: dict[str, Any]) -> tuple[dict[str, Any], Iterator[str]]:
    from search.cli.profile import conditions_of
    from search.models.inference import fresh, measured
    from search.training.named_models import named_model
    from space import cost
    from space.cost.memory import inference_memory
    from space.weights import rebuild

    conditions = conditions_of(words)
    _, model = named_model(what)
    network = rebuild(model.weights)
    timing = measured(network if model.trained else fresh(network), conditions)
    size, memory = cost(model.architecture).size, inference_memory(model.architecture, conditions.batch)
    values = {
        "architecture": str(model.architecture),
        "latency": asdict(timing),
        "size_bytes": size,
        "activation_bytes": memory,
    }

    def lines() -> Iterator[str]:
        yield str(model.architecture)
        yield _conditions(timing)
        yield _line("latency", "latency", timing)
        yield f"size    {size:,} bytes (float32 weights with batch normalisation folded in)"
        yield f"memory  {memory:,} bytes for feature maps at the peak, in addition to the weights"

    return values, lines()


def _step(what: str, words: dict[str, Any]) -> tuple[dict[str, Any], Iterator[str]]:
    from search.cli.profile import options_of
    from search.profiles import Predictor
    from search.profiles.lookup import best_known
    from search.profiles.profile import saved_profiles
    from search.proxy.measure import alone
    from search.runs.networks import find_network
    from space.cost.table import COSTS

    options = options_of(words, ("device", "precision", "batch"), ("cost",))
    architecture: Architecture = find_network(what).architecture
    step, memory = alone(architecture, **options)
    values = {"architecture": str(architecture), "training_step": asdict(step), "training_bytes": memory}

    def lines() -> Iterator[str]:
        yield str(architecture)
        yield _conditions(step)
        yield _line("training step", "step", step)
        yield f"memory of a training step: {memory / 2**20:,.1f} MiB"
        if profiles := saved_profiles(step.device, step.batch):
            prediction = Predictor(best_known(architecture, profiles))(architecture)
            estimated = f", {prediction.unmeasured:.0%} of it estimated" if prediction.flagged else ""
            ms = COSTS["step"].text(prediction.ms)
            yield f"training step predicted by this device's profile: {ms}{estimated}"

    return values, lines()


def _conditions(timing: Timing) -> str:
    from search.tables.units import plural

    device = timing.device
    return (
        f"{device.processor}, {device.kind}, {plural(device.threads, 'thread')}; {device.software}; "
        f"{device.precision}; {plural(timing.batch, 'image')} of {timing.resolution} px"
    )


def _line(name: str, cost: str, timing: Timing) -> str:
    from space.cost.table import COSTS

    text = COSTS[cost].text
    doubts = f"; UNRELIABLE: {'; '.join(timing.doubts)}" if timing.doubts else ""
    return (
        f"{name} {text(timing.ms)} +- {timing.spread:.1%} (95%), 95% within {text(timing.p95)}, "
        f"{timing.repeats} repetitions{doubts}"
    )
