"""The optimizer of a recipe."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from search.training.recipe import Recipe
from search.training.rmsprop import TensorFlowRMSProp

_CLASSIFIER = "head.classifier."


def optimizer_of(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Return the optimizer of all parameters that are not frozen.

    The key "lr_scale" of each parameter group holds its learning rate relative to the classifier's. Biases and
    normalisation have no weight decay.
    """
    parameters: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, value in network.named_parameters():
        if value.requires_grad:
            scale = 1.0 if name.startswith(_CLASSIFIER) else recipe.backbone_lr_scale
            decay = recipe.weight_decay if value.ndim > 1 else 0.0
            parameters.setdefault((scale, decay), []).append(value)
    groups: list[dict[str, Any]] = [
        {"params": values, "weight_decay": decay, "lr_scale": scale}
        for (scale, decay), values in parameters.items()
    ]
    rate, momentum = recipe.learning_rate, recipe.momentum
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(groups, rate, momentum=momentum, nesterov=momentum > 0)
    if recipe.optimizer == "rmsprop_tf":
        return TensorFlowRMSProp(groups, rate, recipe.beta2, recipe.epsilon, momentum=momentum)
    if recipe.optimizer == "rmsprop":
        return torch.optim.RMSprop(groups, rate, recipe.beta2, recipe.epsilon, momentum=momentum)
    # A fused kernel updates hundreds of small parameters at once. torch has one for these devices.
    fused = next(network.parameters()).device.type in ("cpu", "cuda")
    betas = momentum, recipe.beta2
    return torch.optim.AdamW(groups, rate, betas=betas, eps=recipe.epsilon, fused=fused)


def clip_gradients(parameters: Iterable[nn.Parameter], max_norm: float | None) -> None:
    """Scale all gradients down such that their joint norm is at most `max_norm`; None: leave them."""
    if max_norm is not None:
        nn.utils.clip_grad_norm_(parameters, max_norm)
