"""The proxy: the cheap training that stands in for the real one while networks are compared. No torch here.

`experiments/settings/proxy/*.yaml` are values of `Proxy`. Its rules: all data before many epochs, fewer pixels and
channels before other blocks, and a complete schedule, since half of one ranks badly. Where the numbers come
from is in `experiments/LOG.md`.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import partial
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from space import Architecture, Multipliers, rescale

Precision = Literal["auto", "float32", "bfloat16", "float16"]
Rate = Annotated[float, Field(ge=0, lt=1)]

RECIPE = 1
"""Of `search.proxy.training`: raised when a change to it changes accuracies, so that old ones are not mixed in."""


_ADDED = ("ema", "recalibrate_bn", "flip_tta", "tf32")
"""Settings that proxies of the first version lacked."""


class Proxy(BaseModel):
    """The cheap training that compares networks: their reduced size, images, epochs and recipe.

    Every network is trained alike, by a complete schedule that ends at learning rate 0.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    resolution: int | None = Field(default=32, ge=8, le=1024)
    """Side of the images in pixels; null: the network's own, for studies in which it is what is compared."""
    width: float = Field(default=0.25, gt=0, le=4)
    """Multiplies every width, the stem's and the head's too; depths, kernels and expansions stay."""
    stem_stride: Literal[1, 2] | None = 2
    """Of the proxy network; null: the network's own."""

    epochs: int = Field(default=4, ge=1, le=10_000)
    images: int | None = Field(default=None, ge=2)
    """Training images that are used, of every class in its proportion; null: all of them."""
    validation_images: int | None = Field(default=None, ge=1)
    """Validation images that the accuracy is measured on, chosen alike; null: all of them."""
    batch: int = Field(default=64, ge=2, le=65_536)

    learning_rate: float = Field(default=0.008, gt=0, le=100)
    """The peak of the schedule, for the `batch` that is given: nothing is scaled behind the scenes."""
    warmup: Rate = 0.2
    """The part of all steps on which the learning rate rises; on the others it falls to 0."""
    momentum: Rate = 0.9
    weight_decay: float = Field(default=0.05, ge=0, le=10)
    """AdamW's, of weights alone; biases and normalisation have none."""
    label_smoothing: Rate = 0.1
    dropout: Rate = 0.0
    drop_path: Rate = 0.0

    shift: int = Field(default=2, ge=0, le=512)
    """The most pixels by which an image is moved along each axis, at random."""

    ema: float | None = Field(default=None, gt=0, lt=1)
    """Decay of the running average of weights that is validated; null: the last weights are."""
    recalibrate_bn: int | None = Field(default=None, ge=2)
    """Training images over which the statistics of normalisation are taken anew for validation; null: not at all."""
    flip_tta: bool = False
    """Whether validation takes the mean of an image's and its mirror image's logits, where data may be mirrored."""

    step_pixels: int | None = Field(default=100_000, ge=1)
    """The step time is the full network's, on a batch of about so many pixels (2 images of 224 px, 98 of 32 px);
    on a GPU 32 times as many. null: the proxy network's on its own batch, which is no good guide to the full
    network's: narrow layers on small maps cost mostly what any layer costs."""

    precision: Precision = "auto"
    """auto: float32 on a CPU, where results repeat to the bit; what a GPU is fastest with, on a GPU."""
    tf32: bool = True
    """Whether a GPU may compute float32 products in TF32, with 10 bits of mantissa, where it does compute float32."""
    graph: Literal["auto", "never"] = "auto"
    """auto: a GPU is given the whole step as a CUDA graph where the network allows that; never: kernel by kernel."""
    device: str = Field(default="auto", pattern=r"^(auto|cpu|mps|xpu|cuda(:\d+)?)$")
    """auto: the first GPU if there is one, else the CPU."""

    @model_validator(mode="after")
    def _inside(self) -> Self:
        if self.resolution is not None and self.shift >= self.resolution:
            raise ValueError(
                f"a shift of {self.shift} pixels moves an image of {self.resolution} out of view"
            )
        return self


def proxy_architecture(architecture: Architecture, proxy: Proxy, classes: int, channels: int) -> Architecture:
    """Return the network that is trained instead of `architecture`, for images of `channels` and `classes`."""
    narrow = rescale(architecture, Multipliers(width=proxy.width))
    stem = replace(narrow.stem, stride=proxy.stem_stride or narrow.stem.stride)
    pixels = proxy.resolution or architecture.resolution
    return replace(narrow, resolution=pixels, stem=stem, classes=classes, channels=channels)


def timed(
    network: Architecture, reference: Architecture, proxy: Proxy, classes: int, channels: int
) -> tuple[Architecture, Architecture]:
    """Return the two networks whose training steps are compared for the step time of `network`.

    A proxy with its own resolution compares networks at any resolution, so the reference adopts the network's, and
    the unit has the size of what it measures. Otherwise each keeps its own.
    """
    if proxy.step_pixels is None:
        proxied = partial(proxy_architecture, proxy=proxy, classes=classes, channels=channels)
        return proxied(network), proxied(reference)
    resolution = network.resolution if proxy.resolution else reference.resolution
    network = replace(network, classes=classes, channels=channels)
    return network, replace(reference, resolution=resolution, classes=classes, channels=channels)


def shorter(proxy: Proxy, epochs: int) -> Proxy:
    """`proxy` with another number of epochs: a whole schedule, which ends at learning rate 0 too."""
    return proxy.model_copy(update={"epochs": epochs})


def fidelity(proxy: Proxy, data_digest: str) -> str:
    """12 hexadecimal digits for all that decides what is measured, apart from network and seed.

    The precision is part of it as it was asked for: it is a choice about the training. The device and its graphs
    are not: they round in another order, which changes an accuracy as another seed would and no more, and a study
    must survive being resumed on another machine.
    """
    # What a later version added counts where it is used: what was measured without it stays comparable.
    unused = {name for name in _ADDED if getattr(proxy, name) == Proxy.model_fields[name].default}
    recipe = proxy.model_dump_json(exclude={"device", "graph", *unused})
    return hashlib.sha256(f"{RECIPE} {data_digest} {recipe}".encode()).hexdigest()[:12]
