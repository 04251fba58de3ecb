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
    "free": {"space": str(SPACES / "free.yaml")},
    "full": {"space": str(SPACES / "free.yaml"), "proxy.width": "1"},
    "wide": {"space": str(SPACES / "wide.yaml"), "proxy.width": "1"},
}
"""The settings of each try, by its name."""
RANDOM = {"sampler": "random"}
"""The settings that turn a try into the random search of equal cost."""


def words(name: str, npz: str, limit: float, seed: int) -> list[str]:
    """Return the words of `search launch` for a try. Its latencies come from the profile of its own space.

    name: a name of `TRIES`, after "random-" for a random search. npz: the file of the images. limit: milliseconds.
    """
    sampler = RANDOM if name.startswith("random-") else {}
    given = {
        "data": "npz",
        "data.path": npz,
        "reward": "accuracy",
        "limit.latency": f"{limit}ms",
        "trials": str(TRIALS),
        "seed": str(seed),
        **TRIES[name.removeprefix("random-")],
        **sampler,
    }
    return [f"{key}={value}" for key, value in given.items()]
