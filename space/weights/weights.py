"""Weights as a value that is complete: the network they are of, and the conventions they were trained with."""

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

    tensors: the state dict of `build(architecture)`. origin: where they come from, for people to read.
    """

    architecture: Architecture
    tensors: Mapping[str, Tensor]
    conventions: Conventions
    origin: str = ""


def rebuild(weights: Weights, *, dropout: float = 0.0, drop_path: float = 0.0) -> Network:
    """The network of `weights`, built by their conventions, in training mode; its tensors are copies.

    dropout, drop_path: as for `build`. Images are to be normalised with `weights.conventions`.
    """
    told = weights.conventions
    network = build(
        weights.architecture,
        dropout=dropout,
        drop_path=drop_path,
        padding=told.padding,
        norm_eps=told.norm_eps,
        norm_momentum=told.norm_momentum,
    )
    network.load_state_dict(weights.tensors)
    return network


def adapt(
    weights: Weights, *, classes: int | None = None, channels: int | None = None, seed: int = 0
) -> Weights:
    """`weights` for other classes or other images; what already agrees is left as it is.

    classes: another number of them makes a fresh classifier, which depends on `seed` alone.
    channels: of images. For one channel, the stem's weights of the three colours are summed; for n, they are
        repeated and scaled by 3 / n, as timm's `adapt_input_conv` does. Mean and std become their mean, or are
        repeated. Raises `UserError` unless the weights have three channels.
    """
    if classes is not None and classes != weights.architecture.classes:
        weights = _with_classes(weights, classes, seed)
    if channels is not None and channels != weights.architecture.channels:
        weights = _with_channels(weights, channels)
    return weights


def _with_classes(weights: Weights, classes: int, seed: int) -> Weights:
    architecture = replace(weights.architecture, classes=classes)
    # A classifier's initial weights depend on its shape alone, and the rest of the network would take long.
    read = 1 if architecture.head.width else architecture.stages[-1].width
    smallest = replace(architecture, stem=Stem(1), stages=(Stage("mb", 1, 1, 1, 1, read),))
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
        found = weights.architecture.channels
        raise UserError(
            f"These weights are for images of {found} channel(s); only those for 3 can be adapted."
        )
    architecture = replace(weights.architecture, channels=channels)
    stem = weights.tensors[_STEM]
    exact = stem.float()  # Half precision would round the sums.
    if channels == 1:
        adapted = exact.sum(dim=1, keepdim=True)
    else:
        adapted = exact.repeat(1, ceil(channels / 3), 1, 1)[:, :channels] * (3 / channels)
    tensors = {**weights.tensors, _STEM: adapted.to(stem.dtype)}
    told = for_channels(weights.conventions, channels)
    return replace(weights, architecture=architecture, tensors=tensors, conventions=told)
