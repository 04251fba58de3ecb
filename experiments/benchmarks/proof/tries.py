"""The searches of the proof, in the order in which they were tried. All are judged on validation images.

A try is a set of settings of `search launch` that differ from the defaults. "defaults" changes only the number of
trials. Its space, the default under a latency limit, is the space around MobileNetV1, which the tries from "around"
to "shift" have too. The tries before "defaults" had the sampler and the first network that were the defaults when
they were made. The lab book has the result of each try.
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
RIVAL = (
    "r32_i16_s1_relu6/dw_d1_k3_s1_w24_relu6/dw_d1_k3_s1_w48_relu6/dw_d1_k3_s2_w104_relu6/dw_d2_k3_s2_w208_relu6/"
    "dw_d1_k3_s2_w416_relu6/h0_c10"
)
"""MobileNetV1 scaled to the low level."""
TWO_EPOCHS = {
    "proxy.resolution": "32",
    "proxy.width": "0.5",
    "proxy.epochs": "2",
    "proxy.learning_rate": "0.008",
    "proxy.shift": "2",
}
FOUR_EPOCHS = TWO_EPOCHS | {"proxy.width": "1", "proxy.epochs": "4", "proxy.learning_rate": "0.016"}
EIGHT_SMALL = FOUR_EPOCHS | {"proxy.resolution": "24", "proxy.epochs": "8"}
TRIES: Mapping[str, Mapping[str, str]] = {
    "widths": {"space": str(SPACES / "widths.yaml"), **TWO_EPOCHS},
    "free": {"space": str(SPACES / "free.yaml"), **TWO_EPOCHS},
    "full": {"space": str(SPACES / "free.yaml"), **TWO_EPOCHS, "proxy.width": "1"},
    "wide": {"space": str(SPACES / "wide.yaml"), **TWO_EPOCHS, "proxy.width": "1"},
    "separable": {
        "space": str(SPACES / "separable.yaml"),
        **FOUR_EPOCHS,
        "trials": "32",
        "first": MOBILENET_V1,
    },
    "around": {**FOUR_EPOCHS, "trials": "32"},
    "around24": {**EIGHT_SMALL, "trials": "32"},
    "shift": {**EIGHT_SMALL, "proxy.shift": "3", "trials": "32"},
    "encoding": {**EIGHT_SMALL, "proxy.shift": "3", "space": f"around:{RIVAL}"},
    "defaults": {"trials": "32"},
}
"""The settings of each try, by its name."""
DEFAULTS = "defaults"
"""The try that is made if no other is named."""
RANDOM = {"sampler": "random"}
"""The settings that turn a try into the random search of equal cost."""


def words(name: str, npz: str, limit: float, seed: int) -> list[str]:
    """Return the arguments of `search launch` for a try. Its latencies come from the profile of its own space.

    name: a key of `TRIES`, with the prefix "random-" for the random search of equal cost. npz: the file of the
    images. limit: milliseconds.
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
