"""What a training begins with: fresh weights, or trained ones, all of them or those of the blocks that fit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from search.proxy.training import begin
from search.training.rng import draw
from space import Architecture, plan
from space.network.network import Network, build
from space.refusal import UserError
from space.weights import Conventions, Weights, adapt, load_weights

FREEZABLE = ("stem", "features")


@dataclass(frozen=True, slots=True, eq=False)
class Beginning:
    """A network before its first step, how its images are to be normalised, and where its weights are from."""

    network: Network
    conventions: Conventions
    told: str


def beginning(
    architecture: Architecture,
    weights: Path | None,
    seed: int,
    normalised: tuple[tuple[float, ...], tuple[float, ...]],
    drop_path: float,
) -> Beginning:
    """The network of `architecture`, with the `weights` if there are any.

    weights: a file of any format that `space.weights` knows, or a model's folder. normalised: mean and deviation of
    the images, for a network that begins afresh; trained weights bring theirs. Raises `UserError` for weights of which
    no block fits.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(draw(seed, "weights"))
        if weights is None:
            network = build(architecture, drop_path=drop_path)
            begin(network)
            return Beginning(network, replace(Conventions(), mean=normalised[0], std=normalised[1]), "")
        found = adapt(_read(weights), classes=architecture.classes, channels=architecture.channels, seed=seed)
        told = found.conventions
        network = build(
            architecture,
            drop_path=drop_path,
            padding=told.padding,
            norm_eps=told.norm_eps,
            norm_momentum=told.norm_momentum,
        )
    taken = fill(network, found)
    blocks = len(plan(architecture))
    if not taken:
        raise UserError(
            f"{weights}: no block of {found.architecture} has the shape of one of {architecture}."
        )
    origin = found.origin or str(weights)
    part = "" if taken == blocks else f", {taken} of {blocks} blocks"
    return Beginning(network, told, f"{origin}{part}")


def fill(network: Network, weights: Weights) -> int:
    """Copies into `network` every block of `weights` whose tensors all have its names and shapes.

    Returns how many; stem and head are blocks too.
    """
    own, taken = network.state_dict(), 0
    for block in plan(network.architecture):
        names = [name for name in own if name.startswith(f"{block.name}.")]
        fits = all(
            name in weights.tensors and weights.tensors[name].shape == own[name].shape for name in names
        )
        if fits:
            taken += 1
            for name in names:
                own[name].copy_(weights.tensors[name])
    return taken


def frozen(network: Network, freeze: str | int | None) -> list[nn.Module]:
    """Takes the parts that `freeze` names out of training and returns them; they stay in evaluation mode.

    freeze: "stem"; "features", all but the classifier; a number of stages, with the stem; None for nothing.
    Raises `UserError` for anything else.
    """
    stages = list(network.stages)
    if freeze is None:
        return []
    if freeze == "stem":
        parts: list[nn.Module] = [network.stem]
    elif freeze == "features":
        parts = [
            network.stem,
            *stages,
            *(m for name, m in network.head.named_children() if name != "classifier"),
        ]
    elif isinstance(freeze, int) and 0 < freeze <= len(stages):
        parts = [network.stem, *stages[:freeze]]
    else:
        permitted = f"{', '.join(FREEZABLE)}, or a number of stages from 1 to {len(stages)}"
        raise UserError(f"freeze={freeze}: permitted are {permitted}.")
    for part in parts:
        part.requires_grad_(False)
    return parts


def _read(weights: Path) -> Weights:
    if weights.expanduser().is_dir():
        from search.models.model import load_model

        return load_model(weights.expanduser()).weights
    return load_weights(weights)
