"""Several processes that train one network, each on its part of every batch, as torchrun starts them:

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

_PATIENCE = timedelta(hours=4)
"""For who validates: the others wait in their next step."""


@dataclass(frozen=True, slots=True)
class Team:
    """This process among `size` of them. local: its number on this machine, and that of its GPU."""

    rank: int = 0
    size: int = 1
    local: int = 0

    @property
    def leads(self) -> bool:
        """Whether it is this process that writes, prints and validates."""
        return self.rank == 0

    def device(self, name: str) -> str:
        """The device `name` for this process: a GPU of its own where there are several processes."""
        alone = self.size == 1 or name not in ("auto", "cuda") or not torch.cuda.is_available()
        return name if alone else f"cuda:{self.local}"

    def spread(self, network: nn.Module) -> nn.Module:
        """`network`, its gradients averaged over the team at every backward pass."""
        if self.size == 1:
            return network
        return nn.parallel.DistributedDataParallel(network)

    def apart(self, network: Any) -> AbstractContextManager[None]:
        """While it lasts, gradients of what `spread` gave are not averaged, but kept until the next that are."""
        kept: AbstractContextManager[None] = network.no_sync() if self.size > 1 else nullcontext()
        return kept


@contextmanager
def team() -> Iterator[Team]:
    """The team that torchrun has started, or this process alone. gloo on CPUs, nccl on GPUs.

    Raises `UserError` where torchrun's variables are half there.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Team()
        return
    try:
        found = Team(*(int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK")))
    except KeyError as error:
        raise UserError(f"WORLD_SIZE is set and {error} is not; start it through torchrun.") from None
    backend = "nccl" if torch.cuda.is_available() else "gloo"
    torch.distributed.init_process_group(backend, timeout=_PATIENCE)
    try:
        yield found
    finally:
        torch.distributed.destroy_process_group()
