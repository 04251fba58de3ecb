"""Trained weights with all that is needed to use them: the architecture and the conventions of the training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil

import torch
from torch import Tensor

from space.architecture import Architecture, Stage, Stem
from space.network.network import Network, build
from space.refusal import UserError
from space.weights.conventions import Conventions, for_channels

_STEM, _CLASSIFIER = "stem.conv.conv.weight", "head.classifier"


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Trained weights.

    tensors: the state dict of `build(architecture)`. origin: the source of the weights, as a text for users.
    """

    architecture: Architecture
    tensors: Mapping[str, Tensor]
    conventions: Conventions
    origin: str = ""


def rebuild(weights: Weights, *, dropout: float = 0.0, drop_path: float = 0.0) -> Network:
    """Return the network of `weights`, built with their conventions, in training mode. Its tensors are copies.

    dropout, drop_path: the rates, as for `build`. Images must be normalised with `weights.conventions`.
    """
    conventions = weights.conventions
    network = build(
        weights.architecture,
        dropout=dropout,
        drop_path=drop_path,
        padding=conventions.padding,
        norm_eps=conventions.norm_eps,
        norm_momentum=conventions.norm_momentum,
    )
    network.load_state_dict(weights.tensors)
    return network


def adapt(
    weights: Weights, *, classes: int | None = None, channels: int | None = None, seed: int = 0
) -> Weights:
    """Return `weights` for another number of classes or image channels; None, or the same number, changes nothing.

    classes: the new number of classes. The classifier is then newly initialised, from `seed` alone.
    channels: the new number of image channels. For one channel, the stem's weights of the three colours are summed;
        for n, they are repeated and scaled by 3 / n, as timm's `adapt_input_conv` does. Mean and std are averaged or
        repeated. Raises `UserError` unless the weights have three channels.
    """
    if classes is not None and classes != weights.architecture.classes:
        weights = with_classes(weights, classes, seed)
    if channels is not None and channels != weights.architecture.channels:
        weights = _with_channels(weights, channels)
    return weights


def fresh_classifier(weights: Weights) -> Weights:
    """Return `weights` with a classifier of zeros, which predicts equal probabilities for all classes."""
    tensors = {
        name: torch.zeros_like(tensor) if name.startswith(f"{_CLASSIFIER}.") else tensor
        for name, tensor in weights.tensors.items()
    }
    return replace(weights, tensors=tensors)


def with_classes(weights: Weights, classes: int, seed: int) -> Weights:
    """Return `weights` with a classifier for `classes` classes that is newly initialised, from `seed` alone."""
    architecture = replace(weights.architecture, classes=classes)
    # A classifier's initial weights depend on its shape alone. The rest of the network would take long to build.
    width_in = 1 if architecture.head.width else architecture.stages[-1].width
    smallest = replace(architecture, stem=Stem(1), stages=(Stage("mb", 1, 1, 1, 1, width_in),))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh = build(smallest).state_dict()
    tensors = {
        name: fresh[name].to(tensor.dtype) if name.startswith(f"{_CLASSIFIER}.") else tensor
        for name, tensor in weights.tensors.items()
    }
    return replace(weights, architecture=architecture, tensors=tensors)


def _with_channels(weights: Weights, channels: int) -> Weights:
    if weights.architecture.channels != 3:
        raise UserError(
            f"These weights are for images with {weights.architecture.channels} channel(s);"
            " only weights for 3 channels can be adapted."
        )
    architecture = replace(weights.architecture, channels=channels)
    stem = weights.tensors[_STEM]
    exact = stem.float()  # Half precision would round the sums.
    if channels == 1:
        adapted = exact.sum(dim=1, keepdim=True)
    else:
        adapted = exact.repeat(1, ceil(channels / 3), 1, 1)[:, :channels] * (3 / channels)
    tensors = {**weights.tensors, _STEM: adapted.to(stem.dtype)}
    conventions = for_channels(weights.conventions, channels)
    return replace(weights, architecture=architecture, tensors=tensors, conventions=conventions)
