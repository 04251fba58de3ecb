"""Placement: which GPU each worker of this machine trains on, and how many share one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from search.executors.gpus import Gpu

PerGpu = int | Literal["auto"]
SHARED = 8
"""Trials that share a GPU at most if nobody says how many. On an H100 8 graphed trainings at a time gave 4.1 times
the images per second of one under MPS, and 0.94 times without it; 8 eager ones gave 6.0 times without MPS
(`experiments/LOG.md`). More were not measured."""
_TRIAL_MEMORY = 1.2e9
"""Bytes of GPU memory for a trial: about 0.6 GB for its CUDA context, and as much for images and activations."""


@dataclass(frozen=True, slots=True)
class Placement:
    """The device of each worker, such as ("cuda:0", "cuda:1", "cuda:0", "cuda:1"), and whether they share by MPS.

    text: the same in words.
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
    """Place workers on `gpus` in turns.

    per_gpu: trials on a GPU at a time. workers: their total; None: as many as `per_gpu` says. cores: CPU cores, of
    which every worker keeps one busy. graphed: whether steps are launched as CUDA graphs. mps: whether NVIDIA's
    Multi-Process Service can be started here.
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
    """Return how many trials the free memory of a GPU holds, at least 1: the first one says so where none fits."""
    return max(1, int(gpu.free / _TRIAL_MEMORY))


def _text(gpus: Sequence[Gpu], workers: int, shared: bool, setting: str) -> str:
    trials = f"{workers} trials at a time" if workers > 1 else "one trial at a time"
    names = ", ".join(sorted({gpu.name for gpu in gpus}))
    count = f"{len(gpus)} GPUs" if len(gpus) > 1 else "one GPU"
    return f"{trials} on {count} ({names}){', which they share by MPS' if shared else ''} ({setting})"
