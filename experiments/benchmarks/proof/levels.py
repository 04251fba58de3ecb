"""The limits of the proof, which are latencies of MobileNetV3-Small in two sizes, and the rivals that keep them.

A level, "low" or "high", is one of these limits with its rivals. The latency of a network is measured on its exported
file in onnxruntime, with one image on one thread, in turns with the reference of a profile. Limits and rivals are
measured once, on an idle machine, and kept in a file.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from statistics import median

import numpy as np

from search.compare.settings import DEFAULTS
from search.engine.around import Frame
from search.files import write_file
from search.profiles.latency_bench import latency_bench
from search.profiles.lookup import like
from search.profiles.predictor import Predictor
from search.profiles.profile import Profile
from space import Architecture, UserError, decode, documents
from space.catalog.matching import Match, measured_rival, rival
from space.cost.table import exact_cost

NAMED = "mobilenet-v3-small"
"""The network whose latencies are the limits."""
MACS = {"low": 6e6, "high": 18e6}
"""The multiply-adds of `NAMED` at each level."""
_REPEATS = 7
"""The number of timings of the network `NAMED`, each the median of three measurements. The limit is the median of the
timings, since other load on the memory slows some of them."""


@dataclass(frozen=True, slots=True)
class Level:
    """A latency limit in milliseconds, with its rivals.

    named: the network whose latency is the limit; it is also the rival `NAMED`. rivals: the network of each rival, by
    the rival's name. ms: the measured latency of each rival in milliseconds, by name.
    """

    limit: float
    named: str
    rivals: dict[str, str]
    ms: dict[str, float]


def frame(npz: str) -> Frame:
    """Return the side in pixels, the channels and the number of classes of the training images in a .npz file."""
    with np.load(npz) as arrays:
        (_, side, _, *channels), labels = arrays["train_x"].shape, arrays["train_y"]
    return Frame(side, *(channels or [1]), len(np.unique(labels)))


def level(name: str, npz: str, profile: Profile, file: Path) -> Level:
    """Return the level `name` from `file`; if the file lacks it, measure it and write it there.

    name: "low" or "high". npz: the file of the images. profile: a profile of latencies. Raises `UserError` if `NAMED`
    cannot be scaled down to the multiply-adds of the level.
    """
    known = json.loads(file.read_text("utf-8")) if file.exists() else {}
    if name not in known:
        known[name] = asdict(_measured(name, frame(npz), profile))
        write_file(file, json.dumps(known, indent=1) + "\n")
    return Level(**known[name])


def _measured(name: str, images: Frame, profile: Profile) -> Level:
    one = rival(NAMED, images, Match({"macs": MACS[name]}, exact_cost))
    if one is None:
        raise UserError(f"{NAMED} has no member of {MACS[name]:,.0f} multiply-adds.")
    named = one.architecture
    with latency_bench(like(profile), decode(profile.reference), profile.reference_ms) as bench:

        def measured(network: Architecture) -> float:
            return median(bench.ratio(network) for _ in range(3)) * profile.reference_ms

        ms = cache(measured)
        limit = round(median(measured(named) for _ in range(_REPEATS)), 3)
        rivals = {NAMED: named, **_rivals(limit, images, profile, ms)}
        times = {rival: round(ms(network), 4) for rival, network in rivals.items()}
    return Level(limit, str(named), {rival: str(network) for rival, network in rivals.items()}, times)


def _rivals(
    limit: float, images: Frame, profile: Profile, ms: Callable[[Architecture], float]
) -> dict[str, Architecture]:
    """Return each published rival except `NAMED`, as large as `limit` milliseconds permit, by its name.

    If no size within the limit comes close to it, the rival can be the next larger size. A rival that would need
    widths under 8 is left out, and a message says so. ms: the function that measures the milliseconds of a network.
    profile: predicts them, so that few networks are measured.
    """
    match, predictor = Match({"latency": limit}, lambda _, network: ms(network)), Predictor(profile)
    rivals = {}
    for name in str(documents.read(*DEFAULTS)["networks"]).split(","):
        if name == NAMED:
            continue
        one = measured_rival(name, images, match, lambda _, network: predictor(network).ms)
        if one is None:
            print(f"{name} is left out: it would need widths under 8")
        else:
            print(f"{name}: {one}, {one.left:+.1%} of the limit left", flush=True)
            rivals[name] = one.architecture
    return rivals
