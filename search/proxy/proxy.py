"""The settings of the proxy: the low-cost training by which a search compares networks.

`experiments/settings/proxy/*.yaml` hold values of `Proxy`. The proxy reduces epochs before images, and pixels and
channels before the number of blocks. Its learning rate schedule is always complete, since networks rank badly in the
middle of a schedule. `experiments/LOG.md` describes the experiments behind the defaults. This module does not import
torch.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import partial
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from space import Architecture, Multipliers, Rounding, Space, rescale
from space.rescale import round_width, stage_width

Precision = Literal["auto", "float32", "bfloat16", "float16"]
Rate = Annotated[float, Field(ge=0, lt=1)]

RECIPE = 1
"""The version of the training recipe in `search.proxy.training`.

It must be raised with every change that changes accuracies, so that older accuracies are not mixed with new ones.
"""


_ADDED = ("ema", "recalibrate_bn", "flip_tta", "tf32", "backbone_lr_scale", "parent", "divisor")
"""The settings that the first version of `Proxy` did not have."""


class Proxy(BaseModel):
    """The settings of the proxy training: reduced size of the network, images, epochs and recipe.

    All networks are trained with the same settings, by a complete schedule that ends at learning rate 0.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    resolution: int | None = Field(default=32, ge=8, le=1024)
    """The side of the images in pixels; null: the resolution of each network, for searches over resolutions."""
    width: float = Field(default=0.25, gt=0, le=4)
    """The factor for every width, also of the stem and the head. Depths, kernel sizes and expansion ratios stay."""
    divisor: int = Field(default=8, ge=1, le=64)
    """The number of which reduced widths are multiples. With 8, half of 8 and half of 16 channels are both 8, so that
    a search cannot tell them apart; see `merged_widths`."""
    stem_stride: Literal[1, 2] | None = 2
    """The stride of the stem of the proxy network; null: the stride of the full network."""

    epochs: int = Field(default=3, ge=0, le=10_000)
    """The number of epochs. 0 is possible only with the weights of a parent: then nothing but a new classifier is
    fitted, on the network's features."""
    images: int | None = Field(default=10_000, ge=2)
    """The number of training images used, with the class proportions of all training images; null: all images."""
    validation_images: int | None = Field(default=10_000, ge=1)
    """The number of images for validation, with the class proportions of all validation images; null: all images."""
    batch: int = Field(default=64, ge=2, le=65_536)
    """The number of images in a training step."""

    learning_rate: float = Field(default=0.008, gt=0, le=100)
    """The peak of the learning rate. It is not scaled with `batch`."""
    backbone_lr_scale: float = Field(default=1.0, ge=0, le=100)
    """The learning rate of all layers before the classifier, relative to the classifier's; below 1 to fine-tune."""
    warmup: Rate = 0.2
    """The part of all steps on which the learning rate rises; on the remaining steps it falls to 0."""
    momentum: Rate = 0.9
    """AdamW's beta1."""
    weight_decay: float = Field(default=0.05, ge=0, le=10)
    """The weight decay of AdamW. It applies to weights, not to biases and normalisation scales."""
    label_smoothing: Rate = 0.1
    """The share of a label that is spread over all classes."""
    dropout: Rate = 0.0
    """The rate at which features before the classifier are dropped in training."""
    drop_path: Rate = 0.0
    """The rate at which an image skips a block in training. Block i of n, counted from 0, has drop_path * i / n."""

    shift: int = Field(default=2, ge=0, le=512)
    """The largest random shift of a training image along each axis, in pixels."""

    ema: float | None = Field(default=None, gt=0, lt=1)
    """The decay of the moving average of the weights, which is validated; null: the final weights are validated."""
    recalibrate_bn: int | None = Field(default=None, ge=2)
    """The number of training images on which batch-norm statistics are recomputed before validation; null: none."""
    flip_tta: bool = False
    """True to validate with the mean of the logits of an image and its mirror image, where data may be mirrored."""

    parent: str | None = None
    """The weights that trainings start from. null: random weights. "weights": those that a network inherits from the
    parent in `weights=FILE`; when a search begins, the digest of the parent's weights replaces this word."""

    step_pixels: int | None = Field(default=100_000, ge=1)
    """The approximate number of pixels in the batch on which the step time of the full network is measured.

    100,000 pixels are 2 images of 224 px or 98 images of 32 px; a GPU gets 32 times as many. null: the step time of
    the proxy network on `batch` images is measured. That time predicts the time of the full network badly, since the
    fixed costs of a layer dominate for narrow layers on small feature maps.
    """

    precision: Precision = "auto"
    """The number format of convolutions. auto: bfloat16 or float16 on a CUDA GPU, else float32, see
    `search.proxy.device.precision_on`."""
    tf32: bool = True
    """True if a GPU may compute float32 products in TF32, which has 10 bits of mantissa."""
    graph: Literal["auto", "never"] = "auto"
    """The way in which a GPU is given a training step. auto: as one CUDA graph where that is possible and saves time;
    never: kernel by kernel."""
    device: str = Field(default="auto", pattern=r"^(auto|cpu|mps|xpu|cuda(:\d+)?)$")
    """The device of the training. auto: the current CUDA GPU if there is one, else the CPU."""

    @model_validator(mode="after")
    def _inside(self) -> Self:
        if self.resolution is not None and self.shift >= self.resolution:
            raise ValueError(
                f"a shift of {self.shift} pixels moves an image of {self.resolution} pixels out of view; it must be"
                " smaller than the image"
            )
        if self.parent is None and not self.epochs:
            raise ValueError(
                "epochs is 0; only proxy=finetune, which starts from trained weights, permits that"
            )
        if self.parent is not None and self.width != 1:
            raise ValueError(
                f"width is {self.width:g}; networks that inherit weights have their full width, 1"
            )
        return self


def proxy_architecture(architecture: Architecture, proxy: Proxy, classes: int, channels: int) -> Architecture:
    """Return the reduced network that the proxy trains in place of `architecture`.

    classes, channels: the number of classes and of image channels of the data.
    """
    narrow = rescale(architecture, Multipliers(width=proxy.width), Rounding(divisor=proxy.divisor))
    stem = replace(narrow.stem, stride=proxy.stem_stride or narrow.stem.stride)
    pixels = proxy.resolution or architecture.resolution
    return replace(narrow, resolution=pixels, stem=stem, classes=classes, channels=channels)


def merged_widths(space: Space, proxy: Proxy) -> list[str]:
    """Return the widths of each part of the space that the proxy makes equal: "stages.1: 24 and 32"; [] if none.

    Networks that differ only in such widths have the same proxy network.
    """
    rounding = Rounding(divisor=proxy.divisor)
    parts: dict[str, dict[int, set[int]]] = {}
    for number, alternatives in enumerate(space.stages):
        for stage in alternatives:
            reduced = stage_width(stage, proxy.width, rounding)
            parts.setdefault(f"stages.{number}", {}).setdefault(reduced, set()).add(stage.width)
    for frame in space.frames:
        ends = {"stem": frame.stem.width, "head": frame.head.width, "hidden layer": frame.head.hidden}
        for part, width in ends.items():
            reduced = round_width(width, proxy.width, rounding)
            parts.setdefault(part, {}).setdefault(reduced, set()).add(width)
    return [
        f"{part}: {' and '.join(map(str, sorted(widths)))}"
        for part, merged in parts.items()
        for widths in merged.values()
        if len(widths) > 1
    ]


def timed(
    network: Architecture, reference: Architecture, proxy: Proxy, classes: int, channels: int
) -> tuple[Architecture, Architecture]:
    """Return the two networks whose training steps are measured: for `network` and for `reference`.

    If `proxy.step_pixels` is None, they are the proxy networks of both. Otherwise they are the full networks. If the
    proxy sets the resolution of all trainings, the reference gets the resolution of `network`, so that both steps are
    of similar size. If it does not, each network keeps its resolution. classes, channels: see `proxy_architecture`.
    """
    if proxy.step_pixels is None:
        proxied = partial(proxy_architecture, proxy=proxy, classes=classes, channels=channels)
        return proxied(network), proxied(reference)
    resolution = network.resolution if proxy.resolution else reference.resolution
    network = replace(network, classes=classes, channels=channels)
    return network, replace(reference, resolution=resolution, classes=classes, channels=channels)


def shorter(proxy: Proxy, epochs: int) -> Proxy:
    """Return `proxy` with another number of epochs. Its schedule is complete too and ends at learning rate 0."""
    return proxy.model_copy(update={"epochs": epochs})


def fidelity(proxy: Proxy, data_digest: str) -> str:
    """Return a digest (12 hexadecimal digits) of the settings and the data that determine a network's measurements.

    The device and the use of graphs are left out, so that a run can be resumed on another machine. Results are then
    rounded differently, and with precision=auto may have another number format. data_digest: the data's digest.
    """
    # Settings of later versions count only if they are not at their default, so that old results stay comparable.
    unused = {name for name in _ADDED if getattr(proxy, name) == Proxy.model_fields[name].default}
    recipe = proxy.model_dump_json(exclude={"device", "graph", *unused})
    return hashlib.sha256(f"{RECIPE} {data_digest} {recipe}".encode()).hexdigest()[:12]
