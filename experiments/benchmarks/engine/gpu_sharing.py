"""Sections of `experiments.benchmarks.engine.gpu` about several trainings on one device."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

from experiments.benchmarks.engine.gpu_inputs import network_of, noise, proxy_of

SHARES = (1, 2, 4, 8)


def sharing(setup: Any) -> dict[str, Any]:
    """Measure the images per second of 1, 2, 4 and 8 simultaneous training processes on one device.

    Each number of processes is measured with CUDA graphs where possible, and without. A rehearsal has only 1 and 2.
    """
    rows: list[dict[str, Any]] = []
    shares = (1, 2) if setup.tiny else SHARES
    with members(max(shares), setup) as team:
        for graph in ("auto", "never"):
            for count in shares:
                rows.append(shared_rate(team[:count], graph, 0.2 if setup.tiny else 2.0))
                setup.note({"rows": rows})
    return {"rows": rows, "nvidia_smi": _memory()}


def sharing_with_mps(setup: Any) -> dict[str, Any]:
    """Measure as `sharing` does, with NVIDIA's Multi-Process Service, which runs several processes' kernels at once.

    A rehearsal does without the service. If the service does not start, its messages are under "failed".
    """
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
    """Start `count` processes that train on request (see `shared_rate`), and yield a pipe to each.

    The processes are killed when the context ends.
    """
    # A fork server could have started before the environment variables of MPS were set.
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
    """Return the images per second of all members and of the slowest, while they train for `seconds`.

    team: the pipes to the members. graph: the proxy's setting `graph`, "auto" or "never".
    """
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

    from search.proxy.loop_resident import Resident
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


def _memory() -> str:
    try:
        words = ["nvidia-smi", "--query-gpu=memory.used,utilization.gpu,clocks.sm", "--format=csv"]
        return subprocess.run(words, capture_output=True, text=True, timeout=15).stdout
    except OSError as error:
        return str(error)
