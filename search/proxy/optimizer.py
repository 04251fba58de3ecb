"""The optimiser of a proxy training, its learning rate schedule, and its loss."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from search.proxy.device import precision_on
from search.proxy.proxy import Proxy

_BETA2 = 0.99
"""The decay of the mean of squared gradients in AdamW. The mean covers about 100 steps; a proxy training has a few
hundred steps. With the usual 0.999 it would cover about 1000 steps."""


def optimiser_of(network: nn.Module, proxy: Proxy, rate: Tensor | None = None) -> torch.optim.Optimizer:
    """Return AdamW for the parameters of `network`, without weight decay on biases and normalisation scales.

    The key "lr_scale" of a parameter group holds its learning rate relative to that of the classifier. rate: the
    learning rate, shape (), on the device, which the caller may change between steps; None: `proxy.learning_rate`.
    """
    parameters: dict[tuple[float, float], list[nn.Parameter]] = {}
    for matrix in (True, False):
        for name, value in network.named_parameters():
            if (value.ndim > 1) == matrix:
                scale = 1.0 if name.startswith("head.classifier.") else proxy.backbone_lr_scale
                parameters.setdefault((scale, proxy.weight_decay if matrix else 0.0), []).append(value)
    groups: list[dict[str, Any]] = [
        {"params": values, "weight_decay": decay, "lr_scale": scale}
        for (scale, decay), values in parameters.items()
    ]
    # The fused form updates all parameters in one kernel. A small network has hundreds of small parameters.
    fused = next(network.parameters()).device.type in ("cpu", "cuda")
    return torch.optim.AdamW(
        groups,
        proxy.learning_rate if rate is None else rate,
        betas=(proxy.momentum, _BETA2),
        fused=fused,
        capturable=rate is not None and rate.is_cuda,
    )


def rate_at(proxy: Proxy, step: int, steps: int) -> float:
    """Return the learning rate of step `step`, counted from 0, of a training of `steps` steps."""
    return proxy.learning_rate * triangle((step + 0.5) / steps, proxy.warmup)


def triangle(progress: float, warmup: float) -> float:
    """Return the learning rate as a share of its peak. It rises linearly to 1, then falls linearly to 0.

    progress: the completed part of the training, 0 to 1. warmup: the part on which the learning rate rises, below 1.
    """
    return min(progress / warmup if warmup else 1.0, (1 - progress) / (1 - warmup))


def loss_of(
    network: nn.Module, inputs: Tensor, labels: Tensor, proxy: Proxy, weights: Tensor | None
) -> Tensor:
    """Return the mean cross-entropy of a batch, shape (), with label smoothing.

    The forward pass uses the precision of `proxy`. inputs: the normalised images, shape (b, c, h, w). labels: their
    classes, shape (b,). weights: the weight of an image of each class, shape (classes,); None: all weights are 1.
    """
    dtype = precision_on(inputs.device, proxy.precision)
    with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
        logits = network(inputs)
    smoothing = proxy.label_smoothing
    if weights is None:
        return functional.cross_entropy(logits.float(), labels, label_smoothing=smoothing)
    # The argument `weight=` would divide by the sum of the weights in the batch, so that the weight of an image
    # would depend on the other images of the batch.
    each = functional.cross_entropy(logits.float(), labels, label_smoothing=smoothing, reduction="none")
    return (each * weights[labels]).mean()
