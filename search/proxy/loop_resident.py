"""The training loop for CUDA GPUs that hold all images. The other loop is `search.proxy.loop_streamed`.

Images, augmentation and optimiser stay on the device, and the host waits for the device only once per epoch.

For a small network, a GPU needs less time to compute a step than the host needs to launch its kernels. A step
therefore has no arguments. The values that change from step to step (images, offsets, learning rate) are in tables on
the device, and a counter on the device holds the number of the next row. Such a step can be captured once as a CUDA
graph, which is then launched as a whole. All batches have the same size. The few images that do not fill a batch are
omitted; they are different images in each epoch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from search.data.augment import line, mirrored, moved, scaled
from search.data.balance import epoch_order
from search.data.dataset import Dataset
from search.proxy.ema import Average
from search.proxy.graph import Repeated
from search.proxy.optimizer import loss_of, optimiser_of, rate_at
from search.proxy.proxy import Proxy


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of an epoch, on the device. Row i belongs to step i, counted from 0.

    images: the indices of the images, shape (steps, b). offsets: the pixels by which the images move, shape
    (steps, 2, b), see `search.data.augment.moved`. flips: True for each image that is mirrored, shape (steps, b);
    None: no image is mirrored. losses: the loss of each step, shape (steps,), which the step writes.
    """

    images: Tensor
    offsets: Tensor
    flips: Tensor | None
    losses: Tensor

    @classmethod
    def empty(cls, steps: int, batch: int, device: torch.device, *, flip: bool) -> Tables:
        """Return tables of zeros for epochs of `steps` batches of `batch` images. flip: True to mirror images."""
        return cls(
            images=torch.zeros(steps, batch, dtype=torch.int64, device=device),
            offsets=torch.zeros(steps, 2, batch, dtype=torch.int64, device=device),
            flips=torch.zeros(steps, batch, dtype=torch.bool, device=device) if flip else None,
            losses=torch.zeros(steps, device=device),
        )

    def fill(self, order: Tensor, shift: int, epoch: int, seed: int, generator: torch.Generator) -> None:
        """Write the rows of an epoch into the tables, in place.

        order: the indices of the images in the order of training, shape (n,). shift: the largest offset in pixels.
        epoch: the number of the epoch, counted from 0. seed: the seed that decides which images are mirrored.
        generator: the random generator of the offsets.
        """
        steps, batch = self.images.shape
        chosen = order[: steps * batch].reshape(steps, batch)
        self.images.copy_(chosen)
        if shift:
            self.offsets.copy_(torch.randint(-shift, shift + 1, (steps, 2, batch), generator=generator))
        if self.flips is not None:
            self.flips.copy_(mirrored(chosen, epoch, seed))


class Resident:
    """The training of one network, with all images on the device.

    pixels: the images, shape (n, h, w, c), on the device. labels: their classes, shape (n,), on the CPU. weights: see
    `search.proxy.optimizer.loss_of`. average: the moving average that is updated after each step; None: no average.
    steps: the number of steps in an epoch. batch: the number of images in a step.
    """

    def __init__(
        self,
        network: nn.Module,
        data: Dataset,
        proxy: Proxy,
        pixels: Tensor,
        labels: Tensor,
        weights: Tensor | None = None,
        average: Average | None = None,
    ) -> None:
        device = pixels.device
        self._network, self._data, self._proxy, self._average = network, data, proxy, average
        self._pixels, self._labels, self._order, self._weights = pixels, labels.to(device), labels, weights
        self.steps = max(1, len(labels) // proxy.batch)
        self.batch = len(labels) // self.steps
        total = proxy.epochs * self.steps
        self._tables = Tables.empty(self.steps, self.batch, device, flip=data.flip)
        self._line = line(data.mean, data.std, device)
        self._row, self._step = (torch.zeros(1, dtype=torch.int64, device=device) for _ in range(2))
        self._rates = torch.tensor([rate_at(proxy, step, total) for step in range(total)], device=device)
        self._shares = average.shares(total, device) if average else None
        self._rate = torch.zeros((), device=device)
        self._optimiser = optimiser_of(network, proxy, self._rate)
        self._run = Repeated(self._take_step, device, proxy.graph, total)

    @property
    def graph(self) -> str:
        """The way in which steps were launched: see `search.proxy.evaluate.Result`."""
        return self._run.how

    def epochs(self, seed: int) -> Iterator[list[float]]:
        """Train the network in place. Yield the losses of the steps of each epoch."""
        # The order of the images and their augmentation are the same for every network with this seed.
        generator = torch.Generator().manual_seed(2 * seed + 1)
        self._network.train()
        with _uncounted(self._network):
            for epoch in range(self._proxy.epochs):
                order = epoch_order(self._order, self._data.balance, generator)
                self._tables.fill(order, self._proxy.shift, epoch, seed, generator)
                self._row.zero_()
                for _ in range(self.steps):
                    self._run()
                values: list[float] = self._tables.losses.tolist()  # the only wait for the device in an epoch
                yield values

    def _take_step(self) -> None:
        """Run the next step. It reads no values from the host, so that a graph of it can be launched repeatedly."""
        tables = self._tables
        chosen = tables.images.index_select(0, self._row)[0]
        offsets = tables.offsets.index_select(0, self._row)[0]
        flip = tables.flips.index_select(0, self._row)[0] if tables.flips is not None else None
        inputs = scaled(moved(self._pixels.index_select(0, chosen), offsets, flip), *self._line)
        self._rate.copy_(self._rates.index_select(0, self._step)[0])
        self._optimiser.zero_grad(set_to_none=True)
        labels = self._labels.index_select(0, chosen)
        loss = loss_of(self._network, inputs, labels, self._proxy, self._weights)
        loss.backward()
        self._optimiser.step()
        if self._average and self._shares is not None:
            self._average.approach(self._network, self._shares.index_select(0, self._step)[0])
        tables.losses.index_copy_(0, self._row, loss.detach().reshape(1))
        self._row.add_(1)
        self._step.add_(1)


@contextmanager
def _uncounted(network: nn.Module) -> Iterator[None]:
    """Stop batch normalisation from counting batches while the context lasts.

    Nothing reads the counts, and each would cost a kernel per step.
    """
    norms: list[Any] = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    counts = [norm.num_batches_tracked for norm in norms]
    for norm in norms:
        norm.num_batches_tracked = None
    try:
        yield
    finally:
        for norm, count in zip(norms, counts, strict=True):
            norm.num_batches_tracked = count
