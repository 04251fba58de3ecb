"""The training of a parent through its children, which share its weights: the field `children` of a recipe.

In each step one network is trained: the parent, its smallest child, or a random child (the sandwich of Yu and Huang
2019, arXiv:1903.05134, spread over steps). A child computes with slices of the parent's parameters, so its gradients
flow into these parameters.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from search.training.recipe import Children
from search.training.rng import derive_seed
from space import Architecture, Space
from space.choices.inside import inside
from space.network.network import Network, build
from space.weights.children import slices
from space.weights.conventions import Conventions

_CACHED = 256
"""The number of children whose modules, without tensors, are kept."""


class Elastic:
    """The child networks of a network in training, and their losses.

    network: the parent. conventions: the padding and normalisation that it was built with. settings: the field
    `children` of the recipe. seed: the seed of the training, from which children are drawn. drop_path: the rate of
    stochastic depth. Raises `UserError` for a network without children.
    """

    def __init__(
        self, network: Network, conventions: Conventions, settings: Children, seed: int, drop_path: float
    ) -> None:
        self._network, self._settings, self._seed = network, settings, seed
        self._space = Space.of(inside(network.architecture, settings.widths, settings.expands))
        self._conventions, self._drop_path = conventions, drop_path
        self._module = lru_cache(maxsize=_CACHED)(self._without_tensors)

    def network_at(self, step: int) -> Architecture:
        """Return the network that is trained in step `step`, counted from 0. It depends on seed and step alone.

        Of `every` successive steps, the first trains the parent, the one in the middle the smallest child (the first
        option of every choice), and each of the others a random child.
        """
        phase = step % self._settings.every
        if phase == 0:
            return self._network.architecture
        if phase == self._settings.every // 2:
            return self._space.at((0,) * len(self._space.choices))
        rng = random.Random(derive_seed(self._seed, "child", step))
        return self._space.at(self._space.sample(rng))

    def loss(self, step: int, images: Tensor, loss: Callable[[Tensor], Tensor]) -> Tensor:
        """Return the loss, shape (), of the network that `step` trains. loss: a function of logits (b, classes).

        With distillation, a share of a child's loss is its cross-entropy with the parent's probabilities.
        """
        network, share = self.network_at(step), self._settings.distill
        if network == self._network.architecture:
            return loss(self._network(images).float())
        logits = self.logits(network, images).float()
        if not share:
            return loss(logits)
        with torch.no_grad():
            probabilities = self._network(images).float().softmax(1)
        return (1 - share) * loss(logits) + share * functional.cross_entropy(logits, probabilities)

    def logits(self, child: Architecture, images: Tensor) -> Tensor:
        """Return the logits (b, classes) of `child` in training mode. The parent's batch-norm statistics stay."""
        parent = self._network
        tensors: dict[str, Tensor] = dict(parent.named_parameters())
        tensors |= {name: buffer.clone() for name, buffer in parent.named_buffers()}
        module = self._module(child)
        module.get_submodule("head.classifier.dropout").p = _dropout(parent).p  # type: ignore[assignment]
        logits: Tensor = functional_call(module, slices(tensors, parent.architecture, child), (images,))
        return logits

    def _without_tensors(self, child: Architecture) -> Network:
        conventions = self._conventions
        with torch.device("meta"):
            return build(
                child,
                drop_path=self._drop_path,
                padding=conventions.padding,
                norm_eps=conventions.norm_eps,
                norm_momentum=conventions.norm_momentum,
            )


def _dropout(network: Network) -> nn.Dropout:
    module = network.get_submodule("head.classifier.dropout")
    assert isinstance(module, nn.Dropout)
    return module
