"""The request that a worker gets for one training."""

from __future__ import annotations

from search.config import Config
from search.proxy.evaluate import Request
from search.proxy.proxy import shorter


def request(
    config: Config,
    number: int,
    attempt: int,
    architecture: str,
    seed: int,
    timed: bool,
    epochs: int | None = None,
) -> Request:
    """Return the request for a training.

    architecture: the canonical string of the full network. timed: True to measure the step time. epochs: the number
    of epochs, which is lower in low-fidelity trainings; None: the proxy's own number.
    """
    return Request(
        number=number,
        attempt=attempt,
        architecture=architecture,
        proxy=config.proxy if epochs is None else shorter(config.proxy, epochs),
        source=config.data,
        seed=seed,
        reference=str(config.reference) if timed else "",
        threads=config.executor.threads,
    )
