"""The placement of workers on the GPUs of this machine: the GPU of each worker, and how many share a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from search.executors.gpus import Gpu

PerGpu = int | Literal["auto"]
SHARED = 8
"""The most trials that share a GPU by default.

On an H100, 8 simultaneous trainings with CUDA graphs processed 4.1 times the images per second of a single training
under MPS, and 0.94 times without MPS. 8 trainings without graphs processed 6.0 times as many without MPS
(`experiments/LOG.md`). More than 8 were not measured.
"""
_TRIAL_MEMORY = 1.2e9
"""The bytes of GPU memory that a trial needs: about 0.6 GB for its CUDA context, 0.6 GB for images and maps."""


@dataclass(frozen=True, slots=True)
class Placement:
    """The devices of all workers.

    devices: the device of each worker, such as ("cuda:0", "cuda:1", "cuda:0", "cuda:1"). mps: True if workers share
    GPUs through NVIDIA's Multi-Process Service. text: a description of the placement in one line.
    """

    devices: tuple[str, ...]
    mps: bool
    text: str


def placed(
    gpus: Sequence[Gpu],
    *,
    per_gpu: PerGpu,
    workers: int | None,
    cores: int,
    graphed: bool,
    mps: bool,
) -> Placement:
    """Return a placement that distributes workers over `gpus` in rotation: one on each GPU, then a second on each.

    per_gpu: the number of trials that share a GPU; "auto": up to `SHARED`, as memory and cores permit, but 1 for CUDA
    graphs without MPS. workers: the total number of workers; None: the number that follows from `per_gpu`. cores: the
    number of workers for which the CPU cores suffice. graphed: True if training steps are launched as CUDA graphs.
    mps: True if NVIDIA's Multi-Process Service can be started.
    """
    if workers is not None:
        devices = tuple(f"cuda:{gpus[number % len(gpus)].number}" for number in range(workers))
        setting = f"executor.workers={workers}"
    else:
        limit = SHARED if mps or not graphed else 1
        limit = min(limit, max(1, cores // len(gpus)))
        shares = {gpu: per_gpu if per_gpu != "auto" else min(limit, _fitting(gpu)) for gpu in gpus}
        turns = range(max(shares.values()))
        devices = tuple(f"cuda:{gpu.number}" for turn in turns for gpu in gpus if turn < shares[gpu])
        setting = f"executor.per_gpu={per_gpu}"
    shared = mps and len(devices) > len(gpus)
    return Placement(devices, shared, _text(gpus, len(devices), shared, setting))


def _fitting(gpu: Gpu) -> int:
    """Return the number of trials that fit into the free memory of a GPU.

    It is at least 1: if no trial fits, the first one fails with a message that says so.
    """
    return max(1, int(gpu.free / _TRIAL_MEMORY))


def _text(gpus: Sequence[Gpu], workers: int, shared: bool, setting: str) -> str:
    trials = f"{workers} trials at a time" if workers > 1 else "one trial at a time"
    names = ", ".join(sorted({gpu.name for gpu in gpus}))
    count = f"{len(gpus)} GPUs" if len(gpus) > 1 else "one GPU"
    return f"{trials} on {count} ({names}){', which they share by MPS' if shared else ''} ({setting})"
