"""The section of `experiments.benchmarks.engine.gpu` that compares predicted with measured step times."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.benchmarks.engine.gpu_searches import SPACE
from experiments.benchmarks.engine.gpu_sharing import members
from experiments.benchmarks.engine.gpu_speed import captured

if TYPE_CHECKING:
    from search.profiles.profile import Profile
    from space import Architecture, Space


def times(setup: Any) -> dict[str, Any]:
    """Compare predicted with measured step times, alone and during trainings, and measure latencies.

    The profile is the one that a search of this benchmark measured, or else a new one of a few networks.
    """
    from search.profiles import Predictor
    from space import Space

    space = Space.load("tiny_space" if setup.tiny else SPACE)
    count, batch = (3, 4) if setup.tiny else (30, 32)
    begun = time.perf_counter()
    profile = _profile(space, setup, batch)
    figures: dict[str, Any] = {
        "profile_seconds": time.perf_counter() - begun,
        "profile_error": profile.error,
        "profile_wall": profile.wall,
        "reference_ms": profile.reference_ms,
    }
    setup.note(figures)
    rng, predict = random.Random(1000), Predictor(profile)
    networks = [space.at(space.sample(rng)) for _ in range(count)]
    rows: list[dict[str, Any]] = []
    for network in networks:
        if time.perf_counter() - begun > setup.seconds / 2:
            break
        row = {"macs": _macs(network), "predicted_ms": predict(network).ms}
        rows.append(row | measured(network, setup.device, batch))
        figures |= {"rows": rows, **errors(rows)}
        setup.note(figures)
    with members(1 if setup.tiny else 2, setup) as team:
        for pipe in team:
            pipe.send(("auto", 1.0 if setup.tiny else 12.0))
        for pipe in team:
            pipe.recv()
        for pipe in team:
            pipe.send(time.time())
        for row, network in zip(rows[: max(1, len(rows) // 3)], networks, strict=False):
            row |= {f"loaded_{key}": value for key, value in measured(network, setup.device, batch).items()}
    return figures


def _profile(space: Space, setup: Any, batch: int) -> Profile:
    from search.profiles.lookup import serving
    from search.profiles.profile import saved_profiles
    from search.profiles.profiling import device_for, make

    saved = serving(space, saved_profiles(device_for(setup.device), batch))
    if saved:
        return saved
    networks = 3 if setup.tiny else 16
    return make(space, device=setup.device, batch=batch, max_networks=networks)[0]


def errors(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return, for eager steps and for graphs, the errors of predicted steps, and Kendall's tau.

    mape: the mean absolute error relative to the measured time. mape_scaled: the same after all predictions are
    multiplied by the median ratio of measured to predicted.
    """
    from scipy.stats import kendalltau

    predicted, figures = np.array([row["predicted_ms"] for row in rows]), {}
    for key in ("step_ms", "graph_step_ms"):
        truth = np.array([row.get(key, np.nan) for row in rows])
        scale = np.median(truth / predicted)
        figures[key] = {
            "mape": float(np.mean(np.abs(predicted / truth - 1))),
            "mape_scaled": float(np.mean(np.abs(scale * predicted / truth - 1))),
            "tau": float(kendalltau(predicted, truth).statistic),
        }
    return figures


def measured(network: Architecture, device: str, batch: int) -> dict[str, float]:
    """Return the milliseconds of a training step and of an inference of `network` on `batch` images.

    Both are measured in eager mode, and on a GPU also as a CUDA graph.
    """
    import torch

    from search.proxy.device import choose_device, precision_on
    from space.network.network import build
    from space.timing.clock import timer_of, undisturbed
    from space.timing.ratio import training_step

    place = choose_device(device)
    dtype = precision_on(place, "auto")
    dtype_or_none = None if dtype == torch.float32 else dtype
    built = build(replace(network, classes=10)).to(place).to(memory_format=torch.channels_last)
    shape = batch, network.channels, network.resolution, network.resolution
    images = torch.randn(shape, device=place).contiguous(memory_format=torch.channels_last)
    labels = torch.arange(batch, device=place) % 10
    timer, found = timer_of(place), {}

    def infer() -> None:
        with torch.no_grad(), torch.autocast(place.type, dtype, enabled=dtype_or_none is not None):
            built(images)

    with undisturbed(place):
        step = training_step(built, images, labels, dtype_or_none)
        for name, run, evaluates in (("step", step, False), ("latency", infer, True)):
            if evaluates:
                built.eval()
            for _ in range(4):
                run()
            found[f"{name}_ms"] = median(timer(run)[0] for _ in range(9))
            if place.type == "cuda":
                launch = captured(run)
                found[f"graph_{name}_ms"] = median(timer(launch)[0] for _ in range(15))
    return found


def _macs(network: Architecture) -> int:
    from space import cost

    return cost(network).macs
