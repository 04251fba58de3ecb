"""The initial weights of a training: random, inherited from a parent network, or copied from trained weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from search.models.trained import read_trained
from search.proxy.training import begin
from search.training.recipe import Recipe
from search.training.rng import derive_seed
from space import Architecture, plan
from space.choices.inside import is_child
from space.network.network import Network, build
from space.refusal import UserError
from space.weights import Conventions, Weights, adapt
from space.weights.children import inherit
from space.weights.weights import with_classes

FREEZABLE = ("stem", "features")


@dataclass(frozen=True, slots=True, eq=False)
class InitialNetwork:
    """A network before its first step.

    conventions: the conventions of the weights, among them the normalisation of images. origin: the source of the
    weights; "" for random ones. remarks: lines for the user about parts of the network whose weights differ from the
    given ones.
    """

    network: Network
    conventions: Conventions
    origin: str
    remarks: tuple[str, ...] = ()


def initial_network(
    architecture: Architecture,
    weights: Path | None,
    seed: int,
    normalised: tuple[tuple[float, ...], tuple[float, ...]],
    recipe: Recipe,
    classes: tuple[str, ...] = (),
) -> InitialNetwork:
    """Return the network of `architecture`, with the `weights` if there are any.

    weights: a file of any format that `space.weights` knows, or the folder of a model; None: random weights. If
    `architecture` is a child of the trained network (`space.choices.inside`), it inherits a slice of each layer.
    Otherwise blocks of the same shapes are copied, and the other blocks are random. normalised: the mean and the
    standard deviation of the images, for random weights; trained weights keep their own. classes: the names of the
    data's classes; () if they are unknown. The classifier is new if the number of classes differs, or if a model's
    folder names other classes. Raises `UserError` if no block fits, and for weights that cannot be read.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive_seed(seed, "weights"))
        if weights is None:
            network = build(architecture, drop_path=recipe.drop_path)
            begin(network)
            conventions = replace(Conventions(), mean=normalised[0], std=normalised[1])
            return InitialNetwork(network, conventions, "")
        source = read_trained(weights)
        trained = adapt(
            source.weights, classes=architecture.classes, channels=architecture.channels, seed=seed
        )
        if source.renamed(classes):
            trained = with_classes(trained, architecture.classes, seed)
        conventions = trained.conventions
        network = build(
            architecture,
            drop_path=recipe.drop_path,
            padding=conventions.padding,
            norm_eps=conventions.norm_eps,
            norm_momentum=conventions.norm_momentum,
        )
    origin = trained.origin or str(weights)
    remarks = source.changes(weights, architecture.classes, architecture.channels, classes)
    parent = replace(trained.architecture, resolution=architecture.resolution)
    same = parent == architecture
    if (same and recipe.children) or (not same and is_child(parent, architecture)):
        inherited = inherit(source.ordered(replace(trained, architecture=parent)), architecture)
        network.load_state_dict(inherited.tensors)
        origin = origin if same else f"{origin}, a child of {parent}"
        return InitialNetwork(network, conventions, origin, tuple(remarks))
    copied = copy_weights(network, trained)
    blocks = len(plan(architecture))
    if not copied:
        raise UserError(
            f"{weights}: no block of {trained.architecture} has the shape of one of {architecture}."
        )
    part = "" if copied == blocks else f", {copied} of {blocks} blocks"
    if part:
        remarks.append(f"{weights} gives the weights of {copied} of {blocks} blocks; the others are random")
    return InitialNetwork(network, conventions, f"{origin}{part}", tuple(remarks))


def copy_weights(network: Network, weights: Weights) -> int:
    """Copy into `network` every block of `weights` whose tensors all have the same names and shapes there.

    Return the number of copied blocks; stem and head are blocks too.
    """
    own, copied = network.state_dict(), 0
    for block in plan(network.architecture):
        names = [name for name in own if name.startswith(f"{block.name}.")]
        fits = all(
            name in weights.tensors and weights.tensors[name].shape == own[name].shape for name in names
        )
        if fits:
            copied += 1
            for name in names:
                own[name].copy_(weights.tensors[name])
    return copied


def freeze_parts(network: Network, freeze: str | int | None) -> list[nn.Module]:
    """Freeze the parameters of the parts that `freeze` names, and return these parts.

    freeze: "stem"; "features" for all layers but the classifier; a number n for the stem and the first n stages; None
    for nothing. The caller must keep the parts in evaluation mode. Raises `UserError` for any other value.
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
    elif type(freeze) is int and 0 < freeze <= len(stages):  # True is an int too.
        parts = [network.stem, *stages[:freeze]]
    else:
        permitted = f"{', '.join(FREEZABLE)}, or a number of stages from 1 to {len(stages)}"
        raise UserError(f"freeze={freeze}: permitted are {permitted}.")
    for part in parts:
        part.requires_grad_(False)
    return parts
