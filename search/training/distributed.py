"""Data-parallel training in several processes, each with its part of every batch, as torchrun starts them.

torchrun --nproc-per-node 4 -m search train v2-s data=folder data.path=DIR recipe=effv2_s
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import nn

from space.refusal import UserError

_TIMEOUT = timedelta(hours=4)
"""The longest time that the other processes wait in their next step while the first process validates."""


@dataclass(frozen=True, slots=True)
class Processes:
    """The processes of a training, as this process sees them.

    rank: the number of this process, 0 to size - 1. size: the number of processes. local_rank: the number of this
    process, and of its GPU, on this machine.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def is_main(self) -> bool:
        """True if this process writes, prints and validates."""
        return self.rank == 0

    def device(self, name: str) -> str:
        """Return the device `name` for this process.

        With several processes on GPUs, "auto" and "cuda" become the GPU of this process, such as "cuda:1".
        """
        single = self.size == 1 or name not in ("auto", "cuda") or not torch.cuda.is_available()
        return name if single else f"cuda:{self.local_rank}"

    def wrap(self, network: nn.Module) -> nn.Module:
        """Return a wrapper of `network` that averages the gradients over the processes.

        It does so at every backward pass outside `no_sync`. With one process, `network` itself is returned.
        """
        if self.size == 1:
            return network
        return nn.parallel.DistributedDataParallel(network)

    def no_sync(self, network: Any) -> AbstractContextManager[None]:
        """Return a context in which the gradients of a wrapped network add up without being averaged.

        With one process it has no effect.
        """
        context: AbstractContextManager[None] = network.no_sync() if self.size > 1 else nullcontext()
        return context


@contextmanager
def process_group(device: str) -> Iterator[Processes]:
    """Yield the processes that torchrun has started, joined into a group, or this process alone.

    device: the device of the training, as in a recipe. The processes communicate by NCCL on CUDA GPUs, else by Gloo.
    Raises `UserError` if the environment variable WORLD_SIZE is above 1 and RANK or LOCAL_RANK is not set.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Processes()
        return
    try:
        processes = Processes(*(int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK")))
    except KeyError as error:
        raise UserError(f"WORLD_SIZE is set and {error} is not; start the training with torchrun.") from None
    gpu = torch.cuda.is_available() and (device == "auto" or device.startswith("cuda"))
    torch.distributed.init_process_group("nccl" if gpu else "gloo", timeout=_TIMEOUT)
    try:
        yield processes
    finally:
        torch.distributed.destroy_process_group()
