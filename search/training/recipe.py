"""The recipe of a full training, its stages and its learning rates. This module does not import torch.

`experiments/settings/recipe/*.yaml` are values of `Recipe`. Progressive learning (Tan and Le 2021, EfficientNetV2,
section 4) is a recipe of several stages: `resolution`, `randaugment`, `mixup`, `cutmix` and `dropout` may be one
number for all stages, a list with one number for each, or {from: A, to: B}, the interpolation of Algorithm 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from search.proxy.proxy import Precision, Rate
from space.choices.inside import EXPANDS, WIDTHS

Share = Annotated[float, Field(gt=0, le=1)]

_FROZEN = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)


class Span(BaseModel):
    """A number that changes in equal steps, from the first stage to the last."""

    model_config = _FROZEN

    first: float = Field(alias="from")
    last: float = Field(alias="to")


class Children(BaseModel):
    """The settings of a training of a network through its children, which share its weights.

    Each step trains one network. Of `every` successive steps, the first trains the network itself, the one in the
    middle its smallest child, and each of the others a random child.
    """

    model_config = _FROZEN

    every: int = Field(default=4, ge=2, le=10_000)
    """The number of steps from one step of the whole network to the next; the smallest child has as many."""
    widths: tuple[Share, ...] = WIDTHS
    """The shares of the widths that children have, as `space.widths` of space=inside:NETWORK."""
    expands: tuple[Share, ...] = EXPANDS
    """The shares of the expansions that children have."""
    distill: Rate = 0.0
    """The share of a child's loss that is its cross-entropy with the probabilities of the whole network, which
    then runs in every step too."""


PerStage = Annotated[float | Span | tuple[float, ...], Field(union_mode="left_to_right")]


class Recipe(BaseModel):
    """The settings of a full training. The defaults are those of `recipe=small`."""

    model_config = _FROZEN

    epochs: int = Field(default=30, ge=1, le=100_000)
    stages: int = Field(default=1, ge=1, le=1000)
    """The number of stages, which have equal numbers of epochs."""
    resolution: PerStage = 1.0
    """The side of the training images in pixels; a value up to 1 is a share of the side in evaluation."""
    evaluation: int | None = Field(default=None, ge=8, le=4096)
    """The side of the images in validation and test, in pixels; None: the network's own resolution."""

    batch: int = Field(default=64, ge=2, le=1_000_000)
    """The number of images in a step, over all processes together."""
    accumulate: int = Field(default=1, ge=1, le=10_000)
    """The number of parts of a batch that are computed one after the other, for memory too small for all at once. A
    part has at least two images."""

    optimizer: Literal["adamw", "sgd", "rmsprop", "rmsprop_tf"] = "adamw"
    """rmsprop: torch's; rmsprop_tf: TensorFlow's, see `search.training.rmsprop`."""
    learning_rate: float = Field(default=0.008, gt=0, le=1000)
    """The peak of the schedule, for the given `batch`; it is not scaled with the batch."""
    momentum: Rate = 0.9
    """The momentum of RMSProp and SGD, or AdamW's beta1."""
    beta2: Rate = 0.99
    """The decay of the average of squared gradients: AdamW's beta2, RMSProp's alpha."""
    epsilon: float = Field(default=1e-8, gt=0)
    weight_decay: float = Field(default=0.05, ge=0, le=10)
    """The decay of weights; biases and normalisation have none. With AdamW it is decoupled from the gradient."""
    backbone_lr_scale: float = Field(default=1.0, ge=0, le=100)
    """The learning rate of all layers before the classifier, relative to the classifier's; below 1 to fine-tune. The
    0.25 of `recipe=finetune` and `proxy=finetune` and their learning rate of 0.004 are guesses, never compared."""
    clip: float | None = Field(default=None, gt=0)
    """The largest norm of all gradients together; None: they are not clipped."""
    ema: float | None = Field(default=None, gt=0, lt=1)
    """The decay of the running average of weights, which then replaces the last weights; None: no average."""

    schedule: Literal["linear", "cosine", "exponential", "constant"] = "linear"
    """The course of the learning rate after its peak; linear and cosine end at 0."""
    warmup: Rate = 0.2
    """The share of all steps on which the learning rate rises to its peak."""
    decay_rate: float = Field(default=0.97, gt=0, le=1)
    """With the exponential schedule, the factor by which the learning rate is multiplied every `decay_epochs`."""
    decay_epochs: float = Field(default=2.4, gt=0)
    """The number of epochs between two multiplications by `decay_rate`, counted from the first step of the training,
    warmup included."""

    label_smoothing: Rate = 0.1
    dropout: PerStage = 0.0
    drop_path: Rate = 0.0
    randaugment: PerStage = 0.0
    """The magnitude of two random operations, on torchvision's scale from 0 to 30, rounded; 0: no operations."""
    randaugment_shared: int = Field(default=1, ge=1)
    """The number of images that get the same random operations; 8 small images take little more time than one."""
    mixup: PerStage = 0.0
    """Alpha of Beta(alpha, alpha); 0: no mixup. With both mixup and CutMix, each gets half of every batch."""
    cutmix: PerStage = 0.0
    """Alpha of Beta(alpha, alpha); 0: no CutMix."""
    crop: Literal["shift", "resized"] = "shift"
    """shift: move by a few pixels; resized: resize a part of random size and shape, as Inception's training does."""
    shift: float = Field(default=0.125, ge=0, lt=1)
    """The largest shift along each axis, as a share of the side of the image."""
    crop_area: float = Field(default=0.08, gt=0, le=1)
    """The smallest area of a resized crop, as a share of the image's."""

    children: Children | None = None
    """The training of the network through its children; None: it is trained alone."""

    precision: Precision = "auto"
    channels_last: bool = True
    compile: bool = False
    """Use torch.compile: it takes minutes at the start and makes steps on a GPU faster."""
    device: str = Field(default="auto", pattern=r"^(auto|cpu|mps|xpu|cuda(:\d+)?)$")
    workers: int = Field(default=0, ge=0, le=1024)
    """The number of processes that prepare batches; 0: the training process does it. The batches are the same."""
    validate_every: int = Field(default=1, ge=1)
    """The number of epochs between validations; the last epoch is always validated."""
    checkpoint: float = Field(default=60.0, ge=0)
    """The minimum number of seconds between checkpoints; after the last epoch one is always written."""

    @model_validator(mode="after")
    def _stagewise(self) -> Self:
        if self.children and self.compile:
            raise ValueError("compile is not possible with children: each step trains another network")
        if self.stages > self.epochs:
            raise ValueError(f"{self.epochs} epochs are too few for {self.stages} stages")
        for name, (minimum, maximum) in _RANGES.items():
            value = getattr(self, name)
            if isinstance(value, tuple) and len(value) != self.stages:
                raise ValueError(f"{name} lists {len(value)} numbers for {self.stages} stages")
            for number in _numbers(value):
                if not minimum <= number <= maximum:
                    raise ValueError(f"{name} is {number:g}; it must be from {minimum:g} to {maximum:g}")
        for number in _numbers(self.resolution):
            if number <= 0 or (1 < number < 8):
                raise ValueError(f"resolution is {number:g}; it must be 8 pixels or more, or a share up to 1")
        return self


_RANGES = {"dropout": (0.0, 0.99), "randaugment": (0, 30), "mixup": (0, 100), "cutmix": (0, 100)}


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a training in which only the learning rate changes.

    first: the first epoch, counted from 0. end: the first epoch after the stage. resolution: the side of the images
    in pixels. The other fields have the same meaning as in `Recipe`.
    """

    first: int
    end: int
    resolution: int
    dropout: float
    randaugment: int
    mixup: float
    cutmix: float


def stages(recipe: Recipe, evaluated: int) -> Iterator[Stage]:
    """Yield the stages of a training whose network is evaluated on images of `evaluated` pixels.

    The numbers of epochs of the stages differ by at most one.
    """
    count = recipe.stages
    for number in range(count):
        pixels = at_stage(recipe.resolution, number, count)
        yield Stage(
            first=round(number * recipe.epochs / count),
            end=round((number + 1) * recipe.epochs / count),
            resolution=max(1, math.floor((pixels if pixels > 1 else pixels * evaluated) + 0.5)),
            dropout=at_stage(recipe.dropout, number, count),
            randaugment=math.floor(at_stage(recipe.randaugment, number, count) + 0.5),
            mixup=at_stage(recipe.mixup, number, count),
            cutmix=at_stage(recipe.cutmix, number, count),
        )


def at_stage(value: float | Span | tuple[float, ...], number: int, count: int) -> float:
    """Return `value` in stage `number` (from 0) of `count` stages. For one stage, a span gives its last value."""
    if isinstance(value, tuple):
        return value[number]
    if isinstance(value, Span):
        progress = number / (count - 1) if count > 1 else 1.0
        return value.first + (value.last - value.first) * progress
    return value


def rate_at(recipe: Recipe, progress: float) -> float:
    """Return the learning rate when the share `progress` (0 to 1) of all training steps is completed."""
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
