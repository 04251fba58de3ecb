"""The settings that are decided from the images: the space, the proxy and the number of trials.

One function makes these decisions:

    decided({"data": "folder", "data.path": "pets"})

It returns the settings with the decisions filled in, which the run stores, and a reason for each decision, which
`search launch` and its --dry-run print.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from search.config import Config
from search.data.dataset import contents_of
from search.data.source import Source
from search.engine.around import MIDDLE, SMALL, Frame, beginning_with, centre_of, fitted
from search.engine.automatic_proxy import (
    AUTO,
    DIVISORS,
    Images,
    divisor_for,
    narrow,
    proxy_settings,
    reason_for,
)
from space import CATALOG, decode, published
from space.choices.loading import AROUND

SIDES = (28, 32, 48, 64, 96, 128, 160, 192, 224)
"""The possible resolutions of a space in pixels. The largest up to the side of the images is used, else the first."""
CPU = "mobilenet-v1"
"""The network around which a search looks under a latency limit. At 0.37 ms it was the most accurate of seven
published networks on photographs of 32 px. Three default searches around it ended 2.3 to 4.4 points above its
accuracy (lab book `experiments/LOG.md`, the proof)."""
TRIALS = 20
"""The default number of trials. The default sampler needs 9 trials to equal the accuracy of 256 random trials on
NAS-Bench-Macro, and 14 trials to equal that of 64 random trials on effv2_mini (lab book)."""
LARGE, LARGE_TRIALS = 30, 32
"""The smallest number of choices of a large space, and the default number of trials in large spaces. Five searches in
such spaces found their best network after 21 to 46 trials (lab book, the proof)."""
_SHAPE = frozenset({"proxy.resolution", "proxy.width", "proxy.stem_stride"})
"""The settings that the reason for the proxy's shape explains. If the user sets one, that reason is left out."""
_SAMPLE = 64
"""The number of images that are decoded to learn the size of all images."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision about a setting, with its reason: "space=effv2_32" because "the images have 32 px"."""

    setting: str
    reason: str

    def __str__(self) -> str:
        return f"{self.setting}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Decided:
    """Settings after all decisions, and the decisions with their reasons."""

    settings: dict[str, Any]
    decisions: tuple[Decision, ...]


def decided(settings: Mapping[str, Any]) -> Decided:
    """Return `settings` with decisions in place of a `space`, `proxy` and `trials` that are "auto" or missing.

    The decisions are returned too, with their reasons. A published network in space=around:NETWORK is replaced by the
    one that `search.engine.around.fitted` returns. The network of such a space becomes the first to try unless
    `first` is given. With `weights`, a missing proxy becomes finetune. With a `budget`, no number of trials is
    decided. The data are read only if `space`, `proxy` or `trials` is still undecided after that, or if a published
    network has to be fitted. A setting inside a group takes precedence over the decision: proxy.epochs=3 keeps its
    value. Raises `UserError` for invalid settings and data.
    """
    chosen, decisions = dict(settings), list[Decision]()
    if chosen.get("weights") is not None and str(chosen.get("proxy", AUTO)) == AUTO:
        chosen.pop("proxy", None)
        _take(chosen, decisions, {"proxy": "finetune"}, "networks inherit the weights of weights=FILE")
    automatic = [key for key in ("space", "proxy", "trials") if str(chosen.get(key, AUTO)) == AUTO]
    for key in automatic:
        chosen.pop(key, None)
    centre = centre_of(chosen)
    if not automatic and centre not in CATALOG:
        return Decided(beginning_with(chosen, centre), tuple(decisions))
    source = Config.of({key: value for key, value in chosen.items() if key.partition(".")[0] == "data"}).data
    synthetic = source.source == "shapes"
    images = images_of(source)
    chosen = _with_space(chosen, decisions, images, "space" in automatic and not synthetic)
    config = Config.of({key: value for key, value in chosen.items() if key.partition(".")[0] != "proxy"})
    if "proxy" in automatic:
        full = not synthetic and narrow(config, around=centre_of(chosen) is not None)
        values, why = proxy_settings(config.space, images, synthetic=synthetic, full=full)
        reason = reason_for(Config.of(values | chosen).proxy, images, "" if chosen.keys() & _SHAPE else why)
        _take(chosen, decisions, values, reason)
        divisor = divisor_for(config.space, Config.of(chosen).proxy.width)
        if divisor != DIVISORS[0]:
            reason = (
                f"with {DIVISORS[0]}, several widths of the space would become the same width in the proxy"
            )
            _take(chosen, decisions, {"proxy.divisor": divisor}, reason)
    if "trials" in automatic and chosen.get("budget") is None:
        _take(chosen, decisions, *_trials(config))
    return Decided(chosen, tuple(decisions))


def _with_space(
    chosen: dict[str, Any], decisions: list[Decision], images: Images, missing: bool
) -> dict[str, Any]:
    """Return `chosen` with a space that fits the images, and add the decision to the list `decisions`.

    missing: True if the settings name no space. The published network of space=around:NETWORK is scaled.
    """
    centre = centre_of(chosen)
    if missing and images.side:
        if _limited(chosen).limit.latency is None:
            _take(chosen, decisions, *_space(chosen, images.side))
        else:
            centre = CPU
    if centre in CATALOG:
        centre, reason = _scaled(str(centre), chosen, images)
        chosen["space"] = AROUND + centre
        decisions.append(Decision(f"space={chosen['space']}", reason))
    return beginning_with(chosen, centre)


def _take(
    chosen: dict[str, Any], decisions: list[Decision], decision: Mapping[str, Any], reason: str
) -> None:
    """Add a decision to the settings `chosen`, whose own values take precedence, and to the list `decisions`."""
    taken = {key: value for key, value in decision.items() if key not in chosen}
    chosen |= taken
    words = " ".join(f"{key}={'null' if value is None else value}" for key, value in taken.items())
    if words:
        decisions.append(Decision(words, reason))


def images_of(source: Source) -> Images:
    """Return the properties of the images of `source`. Up to `_SAMPLE` images are decoded, but none of data=shapes.

    Raises `UserError` for unusable data.
    """
    contents = contents_of(source)
    used = np.flatnonzero(~contents.test)
    validation = (
        round(len(used) * source.validation)
        if contents.validation is None
        else int(contents.validation.sum())
    )
    # The sample is spread over all data, since files of a folder are in the order of their classes.
    sample = used[np.linspace(0, len(used) - 1, min(_SAMPLE, len(used))).astype(np.int64)]
    sizes = contents.decode(sample, SIDES[0]).sizes if source.source != "shapes" else None
    side = None if sizes is None or not len(sizes) else int(np.median(sizes.min(axis=1)))
    return Images(len(used) - validation, validation, side, len(contents.classes), contents.channels)


def _scaled(name: str, settings: Mapping[str, Any], images: Images) -> tuple[str, str]:
    """Return a published network, scaled to the images and the limits, as a string, and the reason for the scale."""
    side = _given_side(settings) or _fitting(images.side or published(name).architecture.resolution)
    config = _limited(settings)
    frame = Frame(side, images.channels, images.classes)
    network, reason = fitted(name, frame, config.limit, config.settings.latency)
    return str(network), reason


def _limited(settings: Mapping[str, Any]) -> Config:
    """Return a configuration with the limits and the source of latencies in `settings`, and defaults for the rest."""
    return Config.of(
        {key: value for key, value in settings.items() if key.partition(".")[0] in ("limit", "latency")}
    )


def _fitting(side: int) -> int:
    """Return the resolution for images of `side` pixels: the largest of `SIDES` up to `side`, else the first."""
    return max((fitting for fitting in SIDES if fitting <= side), default=SIDES[0])


def _given_side(settings: Mapping[str, Any]) -> int | None:
    """Return the largest side of `space.resolution` in pixels, None if it is not set."""
    given = settings.get("space.resolution")
    sides = given if isinstance(given, list | tuple) else [given]
    return max((side for side in sides if isinstance(side, int)), default=None)


def _space(settings: Mapping[str, Any], side: int) -> tuple[dict[str, Any], str]:
    """Return the settings of the space for images of this side in pixels, and the reason.

    If `space.resolution` is set, it replaces the side. Up to `MIDDLE` pixels the space is effv2_32, whose stem has
    stride 1 up to `SMALL` pixels and 2 above. For larger images the space is effv2. The last feature map has a side
    of 4 to 7 pixels, as for published networks in a comparison.
    """
    given = _given_side(settings)
    resolution = given or _fitting(side)
    reason = (
        "space.resolution is given" if given else f"the shorter side of the images has {side} px (median)"
    )
    if resolution <= MIDDLE:
        stride = 1 if resolution <= SMALL else 2
        return {"space": "effv2_32", "space.resolution": resolution, "space.stem.stride": stride}, reason
    return {"space": "effv2", "space.resolution": resolution}, reason


def _trials(config: Config) -> tuple[dict[str, Any], str]:
    """Return the setting of the number of trials, and the reason."""
    space = config.space
    if space.size <= TRIALS:
        outside = sum(space.find(decode(text)) is None for text in config.settings.first)
        more = f", and {outside} of first outside it" if outside else ""
        return {"trials": space.size + outside}, f"all networks of the space{more}"
    if len(space.choices) >= LARGE:
        return {"trials": LARGE_TRIALS}, f"the space has {len(space.choices)} choices"
    reason = (
        "on two tables, the default sampler needs 9 and 14 trials to equal 256 and 64 random ones in accuracy"
    )
    return {"trials": TRIALS}, reason
