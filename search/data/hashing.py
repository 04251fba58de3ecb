"""Random numbers without a state: a number is a hash of the seed, its purpose and a counter.

Only integers are used, so numbers are the same on every machine and with every NumPy. A number does not depend on
what was drawn before it, or on how many others are drawn.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

_STEP = np.uint64(0x9E3779B97F4A7C15)


def bits(seed: int, purpose: str, *counters: NDArray[np.integer] | int) -> NDArray[np.uint64]:
    """Return 64 random bits for each element of the counters (>= 0), which are broadcast against each other.

    Numbers for different purposes are independent. Otherwise the same numbers could choose the held-out images and
    the sizes of the figures in the images.
    """
    start = hashlib.sha256(f"{purpose} {seed}".encode()).digest()[:8]
    return chain(np.frombuffer(start, dtype="<u8").astype(np.uint64)[0], *counters)


def uniform(seed: int, purpose: str, *counters: NDArray[np.integer] | int) -> NDArray[np.float64]:
    """Return random numbers in [0, 1), made from the results of `bits` for the same arguments."""
    return (bits(seed, purpose, *counters) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def chain(start: np.uint64, *counters: NDArray[np.integer] | int) -> NDArray[np.uint64]:
    """Return outputs of the generator SplitMix64 (Steele, Lea, Flood 2014) with the seed `start`.

    For each element k of a counter (>= 0), the result is output k, counted from 0. If there are more counters, they
    are broadcast against each other, and each output is the seed of a generator for the next counter. The result has
    the shape of the broadcast counters. Without a counter it is `start`, of shape ().
    """
    state = np.asarray(start)
    with np.errstate(over="ignore"):  # The arithmetic is modulo 2**64.
        for counter in counters:
            state = _mixed(state + (np.asarray(counter).astype(np.uint64) + np.uint64(1)) * _STEP)
    return np.asarray(state)


def _mixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Apply SplitMix64's finaliser, in which every output bit depends on every input bit."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
