"""Sections of `experiments.benchmarks.engine.gpu` about trainings and their times."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import get_context
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from search.data import Dataset
    from search.proxy.proxy import Proxy
    from space import Architecture

SHARES = (1, 2, 4, 8)


def proxy_of(tiny: bool, **changes: Any) -> Proxy:
    """Return the default proxy with `changes`; of a rehearsal one of 8 px."""
    from search.proxy.proxy import Proxy
    from space import documents

    small = {"resolution": 8, "width": 0.1, "shift": 1} if tiny else {}
    return Proxy.model_validate(documents.read("proxy", "default") | small | changes)


def network_of(proxy: Proxy, classes: int = 10) -> Architecture:
    """Return EfficientNetV2-B0 as `proxy` trains it."""
    from search.proxy.proxy import proxy_architecture
    from space import published

    return proxy_architecture(published("v2-b0").architecture, proxy, classes, 3)


def noise(count: int, pixels: int) -> Dataset:
    """Return random images of ten classes: what they show makes no difference to the time of a step."""
    from search.data import Dataset, Split

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, pixels, pixels, 3), dtype=np.uint8)
    split = Split(images, rng.integers(0, 10, count))
    return Dataset(
        name="noise",
        classes=tuple("0123456789"),
        channels=3,
        resolution=pixels,
        train=split,
        validation=split,
        mean=(0.5,) * 3,
        std=(0.25,) * 3,
        flip=True,
        skipped=(),
        digest="noise",
    )


def steps(setup: Any) -> dict[str, Any]:
    """Images a second of the proxy's loop, eager and as a graph, and of a bare loop of the same kind."""
    rows: list[dict[str, Any]] = []
    for batch in (8, 16) if setup.tiny else (64, 256, 512):
        for graph in ("auto", "never"):
            rows.append(loop_rate(setup, batch, graph) | {"bare": bare_rate(setup, batch, graph == "auto")})
            rows[-1]["of_bare"] = rows[-1]["images_per_second"] / rows[-1]["bare"]
            setup.note({"rows": rows})
    return {"rows": rows}


def loop_rate(setup: Any, batch: int, graph: str) -> dict[str, Any]:
    """Images a second of `train`'s loop, of all epochs but the first, and what a training has around them."""
    from search.proxy.training import train

    count = 3 if setup.tiny else 60
    proxy = proxy_of(
        setup.tiny, batch=batch, epochs=5, graph=graph, device=setup.device, images=count * batch
    )
    moments = [time.perf_counter()]
    result = train(
        network_of(proxy),
        noise(count * batch, proxy.resolution or 8),
        proxy,
        0,
        on_epoch=lambda epoch, loss: moments.append(time.perf_counter()),
    )
    own = median(after - before for before, after in itertools.pairwise(moments[1:]))
    return {
        "batch": batch,
        "graph": result.graph,
        "step_ms": 1e3 * own / count,
        "images_per_second": count * batch / own,
        "first_epoch_s": moments[1] - moments[0],
        "after_last_epoch_s": time.perf_counter() - moments[-1],
    }


def bare_rate(setup: Any, batch: int, graph: bool) -> float:
    """Images a second of forward, cross-entropy, backward and AdamW on one batch at rest, in plain torch."""
    import torch
    from torch.nn import functional

    from search.proxy.device import choose_device, precision_on
    from space.network.network import build

    proxy = proxy_of(setup.tiny, batch=batch)
    device, network = choose_device(setup.device), network_of(proxy)
    built = build(network).to(device).to(memory_format=torch.channels_last).train()
    dtype, cuda = precision_on(device, "auto"), device.type == "cuda"
    optimizer = torch.optim.AdamW(built.parameters(), 1e-3, fused=True, capturable=cuda)
    images = torch.randn(batch, 3, network.resolution, network.resolution, device=device)
    images, labels = (
        images.to(memory_format=torch.channels_last),
        torch.zeros(batch, dtype=torch.long, device=device),
    )

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            logits = built(images)
        functional.cross_entropy(logits.float(), labels).backward()
        optimizer.step()

    run = captured(step) if cuda and graph else step
    return batch / seconds_each(run, device, 2 if setup.tiny else 100)


def captured(step: Callable[[], None]) -> Callable[[], None]:
    """Return the launch of a CUDA graph of `step`, after a few steps."""
    import torch

    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(4):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def seconds_each(run: Callable[[], None], device: Any, times: int) -> float:
    """Seconds of one `run` on the clock, in a queue of many: the median of three."""
    import torch

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize()

    for _ in range(3):
        run()
    taken = []
    for _ in range(3):
        wait()
        begun = time.perf_counter()
        for _ in range(times):
            run()
        wait()
        taken.append((time.perf_counter() - begun) / times)
    return median(taken)


def sharing(setup: Any) -> dict[str, Any]:
    """Images a second of 1, 2, 4 and 8 trainings at a time on one device, in processes of their own."""
    rows: list[dict[str, Any]] = []
    shares = (1, 2) if setup.tiny else SHARES
    with members(max(shares), setup) as team:
        for graph in ("auto", "never"):
            for count in shares:
                rows.append(shared_rate(team[:count], graph, 0.2 if setup.tiny else 2.0))
                setup.note({"rows": rows})
    return {"rows": rows, "nvidia_smi": _memory()}


def sharing_with_mps(setup: Any) -> dict[str, Any]:
    """Share the GPU through NVIDIA's Multi-Process Service, which runs kernels of several processes at once."""
    if setup.tiny:
        return sharing(setup)
    folder = setup.out / "mps"
    folder.mkdir()
    os.environ |= {"CUDA_MPS_PIPE_DIRECTORY": str(folder), "CUDA_MPS_LOG_DIRECTORY": str(folder)}
    begun = subprocess.run(["nvidia-cuda-mps-control", "-d"], capture_output=True, text=True, timeout=15)
    if begun.returncode:
        return {"failed": begun.stderr + begun.stdout}
    try:
        return sharing(setup)
    finally:
        quit_ = subprocess.run(
            ["nvidia-cuda-mps-control"], input="quit -t 1\n", capture_output=True, text=True, timeout=15
        )
        logs = {path.name: path.read_text()[-1500:] for path in folder.glob("*.log")}
        print("mps", quit_.stdout, quit_.stderr, logs, flush=True)


@contextmanager
def members(count: int, setup: Any) -> Iterator[list[Any]]:
    """Start processes that train on request."""
    # Not the fork server's: these must find today's environment.
    context = get_context("spawn")
    pipes, processes = [], []
    try:
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_member, args=(theirs, setup.device, setup.tiny), daemon=False)
            process.start()
            pipes.append(ours)
            processes.append(process)
        for pipe in pipes:
            pipe.recv()
        yield pipes
    finally:
        for process in processes:
            process.kill()
            process.join()


def shared_rate(team: list[Any], graph: str, seconds: float) -> dict[str, Any]:
    """Images a second of all members of `team` together, training for some seconds."""
    for pipe in team:
        pipe.send((graph, seconds))
    for pipe in team:
        pipe.recv()
    begin = time.time() + 0.05
    for pipe in team:
        pipe.send(begin)
    rates = [pipe.recv() for pipe in team]
    total = sum(rate for rate, _ in rates)
    return {
        "trainings": len(team),
        "graph": rates[0][1],
        "images_per_second": total,
        "slowest": min(rate for rate, _ in rates),
    }


def _member(pipe: Any, device: str, tiny: bool) -> None:
    import torch

    from search.proxy.resident import Resident
    from space.network.network import build

    torch.set_num_threads(1)
    batch, count = (8, 2) if tiny else (64, 20)
    torch.zeros(1, device=device)
    pipe.send("ready")
    while True:
        graph, seconds = pipe.recv()
        proxy = proxy_of(tiny, batch=batch, epochs=3000, graph=graph, device=device)
        data = noise(batch * count, proxy.resolution or 8)
        network = build(network_of(proxy)).to(device).to(memory_format=torch.channels_last)
        pixels, labels = torch.from_numpy(data.train.images).to(device), torch.from_numpy(data.train.labels)
        loop = Resident(network, data, proxy, pixels, labels)
        epochs = loop.epochs(0)
        next(epochs)
        pipe.send("warm")
        begin, images = pipe.recv(), 0
        time.sleep(max(0.0, begin - time.time()))
        while time.time() < begin + seconds:
            next(epochs)
            images += batch * count
        pipe.send((images / (time.time() - begin), loop.graph))
        del loop, epochs, network


def repeats(setup: Any) -> dict[str, Any]:
    """How far a training repeats: one seed twice, with and without a graph, and in other precisions."""
    from search.data import load, source_from
    from search.proxy.training import train

    source = {"source": "npz", "path": str(setup.data)} if setup.data else {"source": "shapes"}
    source |= {"images": 300} if setup.tiny and not setup.data else {}
    base = proxy_of(setup.tiny, device=setup.device, **({"images": 64, "epochs": 1} if setup.tiny else {}))
    data = load(source_from(source), base.resolution or 8)
    kinds = [("graph", {}, 0), ("graph", {}, 0), ("graph", {}, 1), ("graph", {}, 2)]
    kinds += [("eager", {"graph": "never"}, 0), ("eager", {"graph": "never"}, 0)]
    kinds += [
        ("float32", {"precision": "float32"}, 0),
        ("no TF32", {"precision": "float32", "tf32": False}, 0),
    ]
    rows = []
    for name, change, seed in kinds:
        proxy = base.model_copy(update=change)
        result = train(network_of(proxy, len(data.classes)), data, proxy, seed)
        rows.append(
            {
                "kind": name,
                "seed": seed,
                "accuracy": result.accuracy,
                "loss": result.loss,
                "last": result.curve[-1],
                "seconds": result.seconds,
                "images_per_second": result.images_per_second,
                "graph": result.graph,
            }
        )
        setup.note({"rows": rows})
    return {"rows": rows}


def times(setup: Any) -> dict[str, Any]:
    """Step times by a profile and measured, latencies, alone and beside trainings; the graph's as a third opinion."""
    from scipy.stats import kendalltau

    from search.profiles import Predictor
    from search.profiles.profiling import make
    from space import Space

    space = Space.load("tiny_space" if setup.tiny else "effv2_32")
    count, batch = (3, 4) if setup.tiny else (30, 32)
    begun = time.perf_counter()
    profile, _ = make(space, device=setup.device, batch=batch, most=count, out=setup.out / "profile.json")
    figures: dict[str, Any] = {
        "profile_seconds": time.perf_counter() - begun,
        "profile_error": profile.error,
        "profile_wall": profile.wall,
        "reference_ms": profile.reference_ms,
    }
    setup.note(figures)
    rng, predict = random.Random(1000), Predictor(profile)
    networks = [space.at(space.sample(rng)) for _ in range(count)]
    rows = [
        {"macs": _macs(one), "predicted_ms": predict(one).ms} | measured(one, setup.device, batch)
        for one in networks
    ]
    figures["rows"] = rows
    setup.note(figures)
    with members(1 if setup.tiny else 2, setup) as team:
        for pipe in team:
            pipe.send(("auto", 1.0 if setup.tiny else 12.0))
        for pipe in team:
            pipe.recv()
        for pipe in team:
            pipe.send(time.time())
        for row, one in zip(rows[: len(rows) // 3], networks, strict=False):
            row |= {f"loaded_{key}": value for key, value in measured(one, setup.device, batch).items()}
    predicted = np.array([row["predicted_ms"] for row in rows])
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
    """Milliseconds of a training step and of an inference of `network`, step by step and as a graph."""
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


def _memory() -> str:
    try:
        words = ["nvidia-smi", "--query-gpu=memory.used,utilization.gpu,clocks.sm", "--format=csv"]
        return subprocess.run(words, capture_output=True, text=True, timeout=15).stdout
    except OSError as error:
        return str(error)
