"""The training loop that prepares each batch just before its step.

It is used on all devices but CUDA GPUs. On a CUDA GPU it is used for float16, for layers with learning rates of their
own (`proxy.backbone_lr_scale`), and for more bytes of images than `search.data.fetching.resident` permits. The other
loop is `search.proxy.loop_resident`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from search.data.augment import augment, mirrored
from search.data.balance import epoch_order
from search.data.dataset import Dataset
from search.data.fetching import fetcher
from search.proxy.device import precision_on
from search.proxy.ema import Average
from search.proxy.failure import require_finite
from search.proxy.optimizer import loss_of, optimiser_of, rate_at
from search.proxy.proxy import Proxy

_LOOK = 50
"""The number of steps between checks that the losses are finite. Each check waits for the GPU."""


def epochs_of(
    network: nn.Module,
    data: Dataset,
    proxy: Proxy,
    seed: int,
    labels: Tensor,
    weights: Tensor | None,
    average: Average | None,
    device: torch.device,
) -> Iterator[list[float]]:
    """Train `network` in place. Yield the losses of the steps of each epoch.

    labels: the classes of the images that are trained on, shape (n,), on the CPU. weights: see
    `search.proxy.optimizer.loss_of`. average: the moving average that is updated after each step; None: no average.
    Every `_LOOK` steps, raises `TrialFailed` if a loss is not a finite number. The caller checks the yielded losses.
    """
    # The order of the images and their augmentation are the same for every network with this seed.
    generator = torch.Generator().manual_seed(2 * seed + 1)
    steps = max(1, len(labels) // proxy.batch)
    fetch = fetcher(data.train, len(labels), device)
    update = _updater(network, proxy, proxy.epochs * steps, device, weights)
    for epoch in range(proxy.epochs):
        losses: list[Tensor] = []
        # The sizes of batches differ by at most one image. All images are used, and no batch is very small.
        for indices in epoch_order(labels, data.balance, generator).tensor_split(steps):
            images, classes = fetch(indices)
            flip = mirrored(indices, epoch, seed) if data.flip else None
            inputs = augment(images, data.mean, data.std, generator, flip=flip, shift=proxy.shift)
            losses.append(update(inputs, classes))
            if average:
                average.update(network, epoch * steps + len(losses))
            if len(losses) % _LOOK == 0:
                require_finite(torch.stack(losses).tolist(), epoch)
        yield torch.stack(losses).tolist()


def _updater(
    network: nn.Module, proxy: Proxy, steps: int, device: torch.device, weights: Tensor | None
) -> Callable[[Tensor, Tensor], Tensor]:
    """Return a function update(inputs, labels) that runs the next training step and returns its loss, shape ().

    steps: the number of steps of the whole training.
    """
    optimiser = optimiser_of(network, proxy)
    scaler = torch.amp.GradScaler(device.type, enabled=precision_on(device, proxy.precision) == torch.float16)
    taken = itertools.count()
    network.train()

    def update(inputs: Tensor, labels: Tensor) -> Tensor:
        rate = rate_at(proxy, next(taken), steps)
        for group in optimiser.param_groups:
            group["lr"] = rate * group["lr_scale"]
        loss = loss_of(network, inputs, labels, proxy, weights)
        optimiser.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimiser)
        scaler.update()
        return loss.detach()

    return update
