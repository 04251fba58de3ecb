"""Seeds for random draws, each from what it is for: so a training that is taken up draws what it would have."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def draw(*parts: object) -> int:
    """A seed 0 <= s < 2^63 that depends on `parts` alone: draw(seed, "order", epoch)."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8]) >> 1


def generator(*parts: object) -> torch.Generator:
    """A generator on the CPU, at the beginning of the draws of `parts`."""
    return torch.Generator().manual_seed(draw(*parts))


@contextmanager
def drawing(*parts: object) -> Iterator[None]:
    """Meanwhile torch's global generator on the CPU makes the draws of `parts`; afterwards it is as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(draw(*parts))
        yield
