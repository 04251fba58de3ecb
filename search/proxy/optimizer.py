"""The optimiser of a proxy training, its learning rate, and the loss."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from search.proxy.device import precision_on
from search.proxy.proxy import Proxy

_BETA2 = 0.99
"""AdamW's memory of squared gradients: 100 steps, where a proxy training has a few hundred; 0.999 is for more."""


def optimiser_of(network: nn.Module, proxy: Proxy, rate: Tensor | None = None) -> torch.optim.Optimizer:
    """Return AdamW, which decays no biases and no scales of normalisation.

    rate: the learning rate () on the device, which may be changed between steps; None: that of the proxy.
    """
    weights = [value for value in network.parameters() if value.ndim > 1]
    others = [value for value in network.parameters() if value.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": weights, "weight_decay": proxy.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    # One kernel for all parameters, where there is one: a small network has hundreds of tiny ones.
    fused = weights[0].device.type in ("cpu", "cuda")
    return torch.optim.AdamW(
        groups,
        proxy.learning_rate if rate is None else rate,
        betas=(proxy.momentum, _BETA2),
        fused=fused,
        capturable=rate is not None and rate.is_cuda,
    )


def rate_at(proxy: Proxy, step: int, steps: int) -> float:
    """Return the learning rate of `step`, counted from 0, of `steps`."""
    return proxy.learning_rate * triangle((step + 0.5) / steps, proxy.warmup)


def triangle(progress: float, warmup: float) -> float:
    """Return learning rate / peak at `progress` 0 to 1: it rises to 1 in `warmup`, then falls to 0."""
    return min(progress / warmup if warmup else 1.0, (1 - progress) / (1 - warmup))


def loss_of(
    network: nn.Module, inputs: Tensor, labels: Tensor, proxy: Proxy, weights: Tensor | None
) -> Tensor:
    """Return the mean cross-entropy of a batch, forward in the proxy's precision.

    weights: how much an image of each class counts (classes,); None: all the same.
    """
    dtype = precision_on(inputs.device, proxy.precision)
    with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
        logits = network(inputs)
    smoothing = proxy.label_smoothing
    if weights is None:
        return functional.cross_entropy(logits.float(), labels, label_smoothing=smoothing)
    # Not by `weight=`, which divides by the weights in the batch: an image would count by its company.
    each = functional.cross_entropy(logits.float(), labels, label_smoothing=smoothing, reduction="none")
    return (each * weights[labels]).mean()
