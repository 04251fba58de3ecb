"""Random numbers without a state: a draw is a hash of the seed and of what it is drawn for.

Integers only, so a draw is the same on every machine and with every NumPy; the same image, or the same split,
comes back whatever was drawn before it and however many others there are.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

_STEP = np.uint64(0x9E3779B97F4A7C15)


def bits(seed: int, purpose: str, *counters: NDArray[np.integer] | int) -> NDArray[np.uint64]:
    """64 random bits for each element of the counters (0 or more), which are broadcast against each other.

    Draws for different purposes have nothing to do with each other. Without that, the images that are held out
    and the sizes of what they show could come from the same numbers.
    """
    start = hashlib.sha256(f"{purpose} {seed}".encode()).digest()[:8]
    return chain(np.frombuffer(start, dtype="<u8").astype(np.uint64)[0], *counters)


def uniform(seed: int, purpose: str, *counters: NDArray[np.integer] | int) -> NDArray[np.float64]:
    """Like `bits`, as numbers in [0, 1)."""
    return (bits(seed, purpose, *counters) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def chain(start: np.uint64, *counters: NDArray[np.integer] | int) -> NDArray[np.uint64]:
    """Number k of the generator SplitMix64 (Steele, Lea, Flood 2014) with the seed `start`, for a counter k.

    For each further counter, that of a generator with the number before as its seed.
    """
    state = np.asarray(start)
    with np.errstate(over="ignore"):  # arithmetic modulo 2**64 is the point
        for counter in counters:
            state = _mixed(state + (np.asarray(counter).astype(np.uint64) + np.uint64(1)) * _STEP)
    return np.asarray(state)


def _mixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finaliser: every output bit depends on every input bit."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
