"""The rules of `proxy=auto`: the size of a proxy training that ranks networks, by their space and the images."""

from __future__ import annotations

import math
import random
import statistics
from dataclasses import dataclass
from typing import Any

from search.config import Config
from search.engine.around import MIDDLE
from search.proxy.proxy import Proxy, merged_widths
from space import Space, cost

AUTO = "auto"
BATCH = 64
"""The number of images in a step, for which the learning rate of the proxies was tuned."""
STEPS = 300
"""The number of steps of a proxy training: 2 epochs of 9,600 images. At half the width, networks are then ranked by
validation loss almost as after 10 epochs, for a tenth of the cost. Kendall's tau between the two rankings is 0.92 of
the tau between two trainings of 10 epochs with different seeds (lab book, table of proxies)."""
FULL_STEPS, FULL_SIDE, FULL_RATE, FULL_MACS = 1200, 0.75, 0.016, 25e6
"""The proxy of full width: its number of steps, the side of its images relative to the space's resolution, its
learning rate, and the largest number of multiply-adds of the networks that it is for. Where widths are choices, small
networks have layers of 8 channels, and a search with half the width ended 2 to 4 points behind one with full width.
Half as many steps on images of the full side take as long, but rank shallow networks too high (lab book, proof)."""
SHIFT = 0.125
"""The largest shift of a training image in the proxy of full width, as a share of the image's side. Full trainings
(recipe=small) have the same share. With smaller shifts, networks that use the exact position of an image are ranked
too high (lab book, the proof)."""
MIN_EPOCHS, MAX_EPOCHS = 2, 20
DIVISORS = (8, 4, 2, 1)
MAX_IMAGES = 10_000
"""The largest number of training images of a proxy. More images cost more time than their better ranking is worth."""
SYNTHETIC_STEPS = 105
"""The number of steps of a proxy training on synthetic images: few, so that a first search ends after some minutes
(lab book, the first run: 5 min 43 s on two cores). With 62 steps, chance would explain most differences."""
_SAMPLE = 64
"""The number of random networks whose median size stands for the networks of a space."""


@dataclass(frozen=True, slots=True)
class Images:
    """The properties of the images on which decisions depend.

    train, validation: the numbers of images. side: the median of the shorter sides, in pixels; None if images are
    rendered at any size. classes, channels: the numbers of classes, and of the channels of an image.
    """

    train: int
    validation: int
    side: int | None
    classes: int
    channels: int


def narrow(config: Config, *, around: bool) -> bool:
    """Return True if the proxy must keep the full width, since widths are choices and images and networks are small.

    around: True if the space is around a network, whose size then counts as the size of its networks. In other
    spaces, the median size of random networks counts.
    """
    space = config.space
    if not any(choice.name.endswith(".width") for choice in space.choices):
        return False
    rng = random.Random(0)
    sizes = [config.base] if around else [space.at(space.sample(rng)) for _ in range(_SAMPLE)]
    return max(frame.resolution for frame in space.frames) <= MIDDLE and (
        statistics.median(cost(network).macs for network in sizes) <= FULL_MACS
    )


def proxy_settings(
    space: Space, images: Images, *, synthetic: bool, full: bool
) -> tuple[dict[str, Any], str]:
    """Return the settings of the proxy for the networks of a space on these images, and the reason for its shape.

    full: True if the proxy must keep the full width of networks.
    """
    count = min(images.train, MAX_IMAGES)
    steps = SYNTHETIC_STEPS if synthetic else FULL_STEPS if full else STEPS
    per_epoch = max(1, count // BATCH)
    epochs = min(MAX_EPOCHS, max(MIN_EPOCHS, math.ceil(steps / per_epoch)))
    if synthetic and per_epoch * MIN_EPOCHS > steps:
        count = max(BATCH, steps * BATCH // MIN_EPOCHS)
    values: dict[str, Any] = {
        "proxy": AUTO,
        "proxy.epochs": epochs,
        "proxy.images": None if count == images.train else count,
        "proxy.batch": min(BATCH, max(2, images.train)),
    }
    resolutions = {frame.resolution for frame in space.frames}
    if max(resolutions) <= MIDDLE:
        own = max(resolutions) if len(resolutions) == 1 else None
        values |= {"proxy.resolution": own, "proxy.width": 0.5, "proxy.stem_stride": None}
        why = "half the width with an unchanged stem ranks best at a tenth of the cost of 10 epochs (24 networks)"
        if full:
            side = own and max(8 * round(FULL_SIDE * own / 8), *(frame.stride for frame in space.frames), 8)
            values |= {"proxy.resolution": side, "proxy.width": 1.0, "proxy.learning_rate": FULL_RATE}
            values["proxy.shift"] = round(SHIFT * (side or min(resolutions)))
            why = "full width, since widths are choices and these networks are narrow"
    else:
        values |= {"proxy.resolution": 32, "proxy.width": 0.25, "proxy.stem_stride": 2}
        why = "a quarter of the width and 32 px make trainings of large networks affordable (ranking not measured)"
    return values, "synthetic images only serve to try a search" if synthetic else why


def reason_for(proxy: Proxy, images: Images, why: str) -> str:
    """Return the number of steps and images of the proxy in words, and the reason `why` unless it is empty."""
    count = min(proxy.images or images.train, images.train)
    trained = f"{proxy.epochs * max(1, count // proxy.batch)} steps on {count:,} of {images.train:,} images"
    return f"{trained}; {why}" if why else trained


def divisor_for(space: Space, width: float) -> int:
    """Return the largest of `DIVISORS` for which the space's widths stay different in the proxy; 8 if none does."""
    for divisor in DIVISORS:
        if not merged_widths(space, Proxy(width=width, divisor=divisor)):
            return divisor
    return DIVISORS[0]
