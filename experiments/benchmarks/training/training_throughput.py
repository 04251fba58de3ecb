"""Throughput of `search.proxy.training.train` relative to bare training steps, without validation.

    python -m experiments.benchmarks.training.training_throughput --epochs 9 --images 1920

The network is EfficientNetV2-B0 as in the default proxy. A bare step is forward, cross-entropy, backward and
AdamW on one batch that is already on the device. After each epoch of `train`, as many images go through bare
steps, so that both run under the same load. Other load affects the ratio of CPU times less than the ratio of wall
times. The target is a median of at least 0.95.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable
from statistics import median, quantiles

import torch
from torch.nn import functional

from search.data import Dataset, load, source_from
from search.proxy.device import choose_device, precision_on
from search.proxy.optimizer import optimiser_of
from search.proxy.proxy import Proxy, proxy_architecture
from search.proxy.training import train
from space import Architecture, documents, published
from space.network.network import build

Taken = tuple[float, float]
"""The wall-clock time and the CPU time of this thread, in seconds."""


def main() -> None:
    """Print the setting, then the images per second and their ratio to bare steps."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--epochs", type=int, default=9, help="epochs that are measured")
    parser.add_argument("--images", type=int, default=1920, help="images in each epoch")
    parser.add_argument("--device", default="cpu")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    settings = {"epochs": chosen.epochs + 1, "images": chosen.images, "device": chosen.device}
    proxy = Proxy.model_validate(documents.read("proxy", "default") | settings)
    data = load(source_from({"source": "shapes"}), proxy.resolution)
    network = proxy_architecture(published("v2-b0").architecture, proxy, len(data.classes), data.channels)
    print(f"{network}, batches of {proxy.batch} on {chosen.device}, one thread")
    print(f"{_processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, torch {torch.__version__}")
    ours, bare = interleaved(network, data, proxy)
    for clock, name in enumerate(("wall time", "CPU time")):
        ratios = [limit[clock] / own[clock] for own, limit in zip(ours, bare, strict=True)]
        low, middle, high = quantiles(ratios, n=4)
        rate = chosen.images / median(own[clock] for own in ours)
        spread = f"quartiles {low:.3f} to {high:.3f}, n={len(ratios)}"
        print(f"{name}: {rate:,.0f} images/s, {middle:.3f} of the bare steps' ({spread})")


def interleaved(network: Architecture, data: Dataset, proxy: Proxy) -> tuple[list[Taken], list[Taken]]:
    """Return the times of all epochs of `train` but the first, and of the bare steps that follow each of them."""
    ours: list[Taken] = []
    bare: list[Taken] = []
    device = choose_device(proxy.device)
    run = bare_steps(network, proxy, device)
    started = _now(device)

    def after_epoch(epoch: int, loss: float) -> None:
        nonlocal started
        own = _since(started, device)
        started = _now(device)
        run()
        if epoch > 1:  # In the first epoch, kernels are selected and compiled.
            ours.append(own)
            bare.append(_since(started, device))
        started = _now(device)

    train(network, data, proxy, seed=0, on_epoch=after_epoch)
    return ours, bare


def bare_steps(network: Architecture, proxy: Proxy, device: torch.device) -> Callable[[], None]:
    """Return a function that runs bare training steps for about as many images as an epoch has."""
    built = build(network).to(device).to(memory_format=torch.channels_last)
    optimiser = optimiser_of(built, proxy)
    dtype = precision_on(device, proxy.precision)
    size = (proxy.batch, network.channels, network.resolution, network.resolution)
    batch = torch.randn(size, device=device).to(memory_format=torch.channels_last)
    labels = torch.randint(network.classes, (proxy.batch,), device=device)
    for group in optimiser.param_groups:
        group["lr"] = 1e-3

    def run() -> None:
        for _ in range(round((proxy.images or 0) / proxy.batch)):
            with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
                logits = built(batch)
            optimiser.zero_grad()
            functional.cross_entropy(logits.float(), labels).backward()
            optimiser.step()

    return run


def _now(device: torch.device) -> Taken:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter(), time.thread_time()


def _since(start: Taken, device: torch.device) -> Taken:
    wall, cpu = _now(device)
    return wall - start[0], cpu - start[1]


def _processor() -> str:
    """Return the name of the processor if the system reports it, else the kind of machine, such as x86_64."""
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
