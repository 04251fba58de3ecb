"""The conventions of a training that a state dict lacks. They decide which function its tensors compute."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil, isfinite
from typing import ClassVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from space.network.network import Padding
from space.refusal import UserError, unknown_name

Numbers = tuple[float, ...]

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
INCEPTION = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)

NORMALISATIONS: Mapping[str, tuple[Numbers, Numbers]] = {
    "imagenet": IMAGENET,
    "inception": INCEPTION,
    "lite": ((127 / 255,) * 3, (128 / 255,) * 3),
}
"""Mean and standard deviation of red, green and blue in 0..1, by name.

imagenet: statistics of the training images, the default of torchvision, timm and tensorflow/tpu efficientnet.
inception: 2x - 1, which AdvProp weights (arXiv:1911.09665) and google/automl's V2-S, M, L and XL expect.
lite: (byte - 127) / 128, tensorflow/tpu efficientnet/lite/efficientnet_lite_builder.py.
"""


@dataclass(frozen=True, slots=True)
class Conventions:
    """The settings with which a network is built for trained weights, and its images are normalised.

    padding, norm_eps, norm_momentum: the arguments of `space.network.network.build`.
    mean, std: a number for each image channel; images are normalised as (x - mean) / std with x in 0..1.
    Raises `UserError` for values that are not valid.
    """

    padding: Padding = "symmetric"
    norm_eps: float = 1e-3
    norm_momentum: float = 0.1
    mean: Numbers = IMAGENET[0]
    std: Numbers = IMAGENET[1]

    # For JSON in a file: fields that a later version adds must not be dropped silently.
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)

    def __post_init__(self) -> None:
        if self.padding not in ("symmetric", "same"):
            raise unknown_name("padding", self.padding, ("symmetric", "same"))
        for name, value in (("norm_eps", self.norm_eps), ("norm_momentum", self.norm_momentum)):
            if not 0 < value < 1:
                raise UserError(f"{name} is {value}; it must lie between 0 and 1.")
        if not self.mean or len(self.mean) != len(self.std):
            raise UserError(
                f"mean {self.mean} and std {self.std} must have one number for each image channel."
            )
        if not all(map(isfinite, (*self.mean, *self.std))) or min(self.std) <= 0:
            raise UserError(f"mean {self.mean} and std {self.std} must be finite, and std positive.")

    @property
    def normalisation(self) -> str:
        """The name of `mean` and `std` in `NORMALISATIONS`; "" if they have none."""
        pairs = NORMALISATIONS.items()
        return next((name for name, pair in pairs if pair == (self.mean, self.std)), "")


def normalised(conventions: Conventions, normalisation: str) -> Conventions:
    """Return `conventions` with mean and std of `normalisation`.

    Raises `UserError` unless it is in `NORMALISATIONS`.
    """
    if normalisation not in NORMALISATIONS:
        raise unknown_name("normalisation", normalisation, NORMALISATIONS)
    mean, std = NORMALISATIONS[normalisation]
    return replace(conventions, mean=mean, std=std)


def for_channels(conventions: Conventions, channels: int) -> Conventions:
    """Return `conventions` for images with `channels` channels, each normalised by one number of mean and std.

    For one channel, mean and std are averaged. For another number they are repeated as often as needed, and cut.
    """
    mean, std = conventions.mean, conventions.std
    if channels == len(mean):
        return conventions
    if channels == 1:
        mean, std = (sum(mean) / len(mean),), (sum(std) / len(std),)
    copies = ceil(channels / len(mean))
    return replace(conventions, mean=(mean * copies)[:channels], std=(std * copies)[:channels])


def conventions_json(conventions: Conventions) -> str:
    """Return `conventions` as exact JSON; `parse_conventions` is the inverse."""
    return _JSON.dump_json(conventions).decode()


def parse_conventions(text: str) -> Conventions:
    """Return the conventions that `conventions_json` wrote. Raises a `UserError` that names an invalid field."""
    try:
        return _JSON.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "JSON"
        message = re.sub(r"^Value error, ", "", first["msg"])
        raise UserError(f"unreadable conventions ({place}): {message}") from None


_JSON = TypeAdapter(Conventions)
