"""The searches of the proof, in the order in which they were tried. All are judged on validation images.

A try is the words of `search launch` that differ from the defaults. "around" has the defaults, under a limit of
latency the space around MobileNetV1. The lab book says what each one gave.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

SPACES = Path(__file__).parent / "spaces"
TRIALS = 48
MOBILENET_V1 = (
    "r32_i16_s1_relu/dw_d1_k3_s1_w24_relu/dw_d1_k3_s1_w48_relu/dw_d1_k3_s2_w96_relu/dw_d2_k3_s2_w192_relu/"
    "dw_d1_k3_s2_w384_relu/h0_c10"
)
"""The member of `separable.yaml` that is closest to MobileNetV1 at the low level."""
TRIES: Mapping[str, Mapping[str, str]] = {
    "widths": {"space": str(SPACES / "widths.yaml")},
    "free": {"space": str(SPACES / "free.yaml")},
    "full": {"space": str(SPACES / "free.yaml"), "proxy.width": "1"},
    "wide": {"space": str(SPACES / "wide.yaml"), "proxy.width": "1"},
    "separable": {
        "space": str(SPACES / "separable.yaml"),
        "proxy.width": "1",
        "proxy.epochs": "4",
        "proxy.learning_rate": "0.016",
        "trials": "32",
        "first": MOBILENET_V1,
    },
    "around": {"trials": "32"},
    "around24": {"trials": "32", "proxy.resolution": "24", "proxy.epochs": "8"},
    "shift": {"trials": "32", "proxy.resolution": "24", "proxy.epochs": "8", "proxy.shift": "3"},
}
"""The settings of each try, by its name."""
DEFAULTS = "around"
"""The try that is made unless others are named."""
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
