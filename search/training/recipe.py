"""The recipe of a full training: what is set, and what each stage of it makes of that. No torch here.

`experiments/settings/recipe/*.yaml` are values of `Recipe`. Progressive learning (Tan and Le 2021, EfficientNetV2, section
4) is a recipe of several stages: `resolution`, `randaugment`, `mixup`, `cutmix` and `dropout` may be one number
for all of them, a list of one for each, or {from: A, to: B}, which is Algorithm 1's interpolation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from search.proxy.proxy import Precision, Rate

_FROZEN = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)


class Span(BaseModel):
    """From one number in the first stage to another in the last, in equal steps."""

    model_config = _FROZEN

    first: float = Field(alias="from")
    last: float = Field(alias="to")


PerStage = Annotated[float | Span | tuple[float, ...], Field(union_mode="left_to_right")]


class Recipe(BaseModel):
    """How a network is trained in full. The defaults are `recipe=small`."""

    model_config = _FROZEN

    epochs: int = Field(default=30, ge=1, le=100_000)
    stages: int = Field(default=1, ge=1, le=1000)
    """Of equal length, in whole epochs."""
    resolution: PerStage = 1.0
    """Side of the images that are trained on, in pixels; up to 1, a share of those that are evaluated."""
    evaluation: int | None = Field(default=None, ge=8, le=4096)
    """Side of the images in validation and test, in pixels; None: the network's own."""

    batch: int = Field(default=64, ge=2, le=1_000_000)
    """Images a step, over all processes."""
    accumulate: int = Field(default=1, ge=1, le=10_000)
    """Parts in which a batch is computed one after the other, where memory is too small for it."""

    optimizer: Literal["adamw", "sgd", "rmsprop"] = "adamw"
    learning_rate: float = Field(default=0.008, gt=0, le=1000)
    """The peak, for the `batch` that is given."""
    momentum: Rate = 0.9
    """AdamW's beta1."""
    beta2: Rate = 0.99
    """Of squared gradients: AdamW's beta2, RMSProp's alpha."""
    epsilon: float = Field(default=1e-8, gt=0)
    weight_decay: float = Field(default=0.05, ge=0, le=10)
    """Of weights alone; biases and normalisation have none. AdamW's is decoupled from the gradient."""
    backbone_lr_scale: float = Field(default=1.0, ge=0, le=100)
    """The learning rate of everything before the classifier over the classifier's: below 1 to fine-tune."""
    clip: float | None = Field(default=None, gt=0)
    """The most that the norm of all gradients may be."""
    ema: float | None = Field(default=None, gt=0, lt=1)
    """Decay of the running average of weights that is evaluated and kept; None: the last weights are."""

    schedule: Literal["linear", "cosine", "exponential", "constant"] = "linear"
    """How the learning rate falls after its peak; linear and cosine end at 0."""
    warmup: Rate = 0.2
    """The part of all steps on which it rises."""
    decay_rate: float = Field(default=0.97, gt=0, le=1)
    decay_epochs: float = Field(default=2.4, gt=0)
    """exponential: times `decay_rate` at the end of every `decay_epochs`."""

    label_smoothing: Rate = 0.1
    dropout: PerStage = 0.0
    drop_path: Rate = 0.0
    randaugment: PerStage = 0.0
    """Magnitude of two operations, on torchvision's scale from 0 to 30, rounded; 0: none."""
    randaugment_shared: int = Field(default=1, ge=1)
    """Images of a batch that share a draw: of small images 8 are done in little more time than one."""
    mixup: PerStage = 0.0
    """Alpha of Beta(alpha, alpha); 0: none. With cutmix too, each has half of the batch."""
    cutmix: PerStage = 0.0
    crop: Literal["shift", "resized"] = "shift"
    """shift: moved by a few pixels; resized: a part of random size and shape, blown up (Inception's)."""
    shift: float = Field(default=0.125, ge=0, lt=1)
    """The most that an image is moved by along each axis, as a share of its side."""
    crop_area: float = Field(default=0.08, gt=0, le=1)
    """The least area of a resized crop."""

    precision: Precision = "auto"
    channels_last: bool = True
    compile: bool = False
    """Through torch.compile: minutes at the start, faster steps on a GPU."""
    device: str = Field(default="auto", pattern=r"^(auto|cpu|mps|xpu|cuda(:\d+)?)$")
    workers: int = Field(default=0, ge=0, le=1024)
    """Processes that prepare batches; 0: the one that trains does it. The batches are the same."""
    validate_every: int = Field(default=1, ge=1)
    """Epochs from one validation to the next; the last epoch has one in any case."""
    checkpoint: float = Field(default=60.0, ge=0)
    """Seconds from one checkpoint to the next, at least."""

    @model_validator(mode="after")
    def _stagewise(self) -> Self:
        if self.stages > self.epochs:
            raise ValueError(f"{self.epochs} epochs are too few for {self.stages} stages")
        for name, (least, most) in _RANGES.items():
            value = getattr(self, name)
            if isinstance(value, tuple) and len(value) != self.stages:
                raise ValueError(f"{name} lists {len(value)} numbers for {self.stages} stages")
            for number in _numbers(value):
                if not least <= number <= most:
                    raise ValueError(f"{name} is {number:g}; it must lie from {least:g} to {most:g}")
        for number in _numbers(self.resolution):
            if number <= 0 or (1 < number < 8):
                raise ValueError(f"resolution is {number:g}; it must be 8 pixels or more, or a share up to 1")
        return self


_RANGES = {"dropout": (0.0, 0.99), "randaugment": (0, 30), "mixup": (0, 100), "cutmix": (0, 100)}


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a training in which nothing but the learning rate changes.

    first, last: its epochs, counted from 0, `last` not among them. resolution: pixels. The others as in `Recipe`.
    """

    first: int
    last: int
    resolution: int
    dropout: float
    randaugment: int
    mixup: float
    cutmix: float


def stages(recipe: Recipe, evaluated: int) -> Iterator[Stage]:
    """The stages of a training whose networks are evaluated on images of `evaluated` pixels.

    They share the epochs equally, as far as whole epochs go.
    """
    count = recipe.stages
    for number in range(count):
        pixels = at_stage(recipe.resolution, number, count)
        yield Stage(
            first=round(number * recipe.epochs / count),
            last=round((number + 1) * recipe.epochs / count),
            resolution=max(1, math.floor((pixels if pixels > 1 else pixels * evaluated) + 0.5)),
            dropout=at_stage(recipe.dropout, number, count),
            randaugment=math.floor(at_stage(recipe.randaugment, number, count) + 0.5),
            mixup=at_stage(recipe.mixup, number, count),
            cutmix=at_stage(recipe.cutmix, number, count),
        )


def at_stage(value: float | Span | tuple[float, ...], number: int, count: int) -> float:
    """What `value` is in stage `number`, counted from 0, of `count`; a span that has one stage is at its end."""
    if isinstance(value, tuple):
        return value[number]
    if isinstance(value, Span):
        progress = number / (count - 1) if count > 1 else 1.0
        return value.first + (value.last - value.first) * progress
    return value


def rate_at(recipe: Recipe, progress: float) -> float:
    """The learning rate at `progress`, 0 to 1 through all steps."""
    if progress < recipe.warmup:
        return recipe.learning_rate * progress / recipe.warmup
    after = (progress - recipe.warmup) / (1 - recipe.warmup)
    shares = {
        "linear": lambda: 1 - after,
        "cosine": lambda: (1 + math.cos(math.pi * after)) / 2,
        # Counted from the first step, as in google/automl.
        "exponential": lambda: (
            recipe.decay_rate ** math.floor(progress * recipe.epochs / recipe.decay_epochs + 1e-9)
        ),
        "constant": lambda: 1.0,
    }
    return recipe.learning_rate * shares[recipe.schedule]()


def _numbers(value: float | Span | tuple[float, ...]) -> tuple[float, ...]:
    if isinstance(value, Span):
        return value.first, value.last
    return value if isinstance(value, tuple) else (value,)
