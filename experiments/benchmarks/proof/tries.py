"""The searches of the proof: what there was at first, and one change at a time. All are judged on validation images.

A try is the words of `search launch` that differ from the defaults. The lab book says what each one gave.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

SPACES = Path(__file__).parent / "spaces"
TRIALS = 48
TRIES: Mapping[str, Mapping[str, str]] = {
    "widths": {"space": str(SPACES / "widths.yaml")},
}
"""The settings of each try, by its name."""
RANDOM = {"sampler": "random"}
"""The settings that turn a try into the random search of equal cost."""


def words(name: str, npz: str, limit: float, profile: str, seed: int) -> list[str]:
    """Return the words of `search launch` for a try.

    name: a name of `TRIES`, after "random-" for a random search. npz: the file of the images. limit: milliseconds.
    profile: the file of a profile of latencies.
    """
    sampler = RANDOM if name.startswith("random-") else {}
    given = {
        "data": "npz",
        "data.path": npz,
        "reward": "accuracy",
        "limit.latency": f"{limit}ms",
        "latency": profile,
        "trials": str(TRIALS),
        "seed": str(seed),
        **TRIES[name.removeprefix("random-")],
        **sampler,
    }
    return [f"{key}={value}" for key, value in given.items()]
