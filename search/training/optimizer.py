"""The optimiser of a recipe."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from search.training.recipe import Recipe

_CLASSIFIER = "head.classifier."


def optimiser_of(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The optimiser for all that is not frozen. Each group has its share of the learning rate under "share".

    Biases and normalisation have no weight decay.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, value in network.named_parameters():
        if value.requires_grad:
            share = 1.0 if name.startswith(_CLASSIFIER) else recipe.backbone_lr_scale
            decay = recipe.weight_decay if value.ndim > 1 else 0.0
            groups.setdefault((share, decay), []).append(value)
    made: list[dict[str, Any]] = [
        {"params": values, "weight_decay": decay, "share": share} for (share, decay), values in groups.items()
    ]
    rate, momentum = recipe.learning_rate, recipe.momentum
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(made, rate, momentum=momentum, nesterov=momentum > 0)
    if recipe.optimizer == "rmsprop":
        return torch.optim.RMSprop(made, rate, recipe.beta2, recipe.epsilon, momentum=momentum)
    # One kernel for all parameters, where there is one: a small network has hundreds of tiny ones.
    fused = next(network.parameters()).device.type in ("cpu", "cuda")
    betas = momentum, recipe.beta2
    return torch.optim.AdamW(made, rate, betas=betas, eps=recipe.epsilon, fused=fused)


def clipped(parameters: Iterable[nn.Parameter], most: float | None) -> None:
    """Scales all gradients down such that the norm of them together is `most` at most."""
    if most is not None:
        nn.utils.clip_grad_norm_(parameters, most)
