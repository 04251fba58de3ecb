"""Random numbers without a state: a draw is a hash of the seed and of what it is drawn for.

Integers only, so a draw is the same on every machine and with every NumPy; the same image, or the same split,
comes back whatever was drawn before it and however many others there are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_STEP = np.uint64(0x9E3779B97F4A7C15)


def bits(seed: int, *counters: NDArray[np.integer] | int) -> NDArray[np.uint64]:
    """64 random bits for each element of the counters, which are broadcast and, like `seed`, not negative.

    For one counter k: number k of the generator SplitMix64 (Steele, Lea, Flood 2014) with this seed; for each
    further counter, that of a generator with the number before as its seed.
    """
    with np.errstate(over="ignore"):  # arithmetic modulo 2**64 is the point
        state = np.asarray(seed, dtype=np.uint64)
        for counter in counters:
            state = _mixed(state + (np.asarray(counter).astype(np.uint64) + np.uint64(1)) * _STEP)
    return np.asarray(state)


def uniform(seed: int, *counters: NDArray[np.integer] | int) -> NDArray[np.float64]:
    """Like `bits`, as numbers in [0, 1)."""
    return (bits(seed, *counters) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finaliser: every output bit depends on every input bit."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
