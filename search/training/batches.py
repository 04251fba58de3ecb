"""The batches of an epoch by number. A batch is the same whichever process prepares it, also after a resume."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor
from torch.utils import data as torch_data

from search.data.augment import gather, mirrored
from search.data.balance import epoch_order
from search.data.dataset import Dataset
from search.training.augmentation import Augmentation
from search.training.distributed import Processes
from search.training.rng import derive_seed, generator

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True, eq=False)
class Epoch(torch_data.Dataset[Batch]):
    """The batches of epoch `epoch`: the training split of `data`, transformed by `augmentation`.

    The sizes of batches differ by at most one image. Each index of `order` is in exactly one batch. An item is the
    part of a batch that belongs to this process. epoch: the number of the epoch, from 0. seed: the seed of the
    training. steps: the number of batches.
    """

    data: Dataset
    augmentation: Augmentation
    epoch: int
    seed: int
    steps: int
    processes: Processes
    order: Tensor
    """The indices (n,) of the images in their order, see `search.data.balance.epoch_order`."""

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> Batch:
        """Return inputs (b, c, h, w) and their targets (b, classes), the share of each class in an image."""
        rank, size = self.processes.rank, self.processes.size
        indices = self.order.tensor_split(self.steps)[step].tensor_split(size)[rank]
        images, labels = gather(self.data.train, indices)
        flip = mirrored(indices, self.epoch, self.seed) if self.data.flip else None
        return self.augmentation(images, labels, flip, derive_seed(self.seed, self.epoch, step, rank))

    def images(self, step: int) -> int:
        """Return the number of images in batch `step`, over all processes."""
        each, more = divmod(len(self.order), self.steps)
        return each + (step < more)

    def batches(self, first: int, workers: int) -> Iterable[Batch]:
        """Return the batches from step `first` on, one at a time.

        workers: the number of processes that prepare batches ahead; 0: this process prepares each batch when needed.
        """
        if not workers:
            return (self[step] for step in range(first, self.steps))
        loader = torch_data.DataLoader(
            self,
            batch_size=None,  # an item is a batch already
            sampler=range(first, self.steps),
            num_workers=workers,
            pin_memory=torch.cuda.is_available(),
        )
        return cast(Iterable[Batch], loader)


def steps_of(data: Dataset, batch: int) -> int:
    """Return the number of batches of an epoch, at least 1.

    The sizes of batches differ by at most one image. A batch has at least `batch` and fewer than 2 * `batch` images.
    If there are fewer images than `batch`, they form one batch.
    """
    return max(1, len(data.train) // batch)


def epoch_of(
    data: Dataset, augmentation: Augmentation, epoch: int, seed: int, steps: int, processes: Processes
) -> Epoch:
    """Return the batches of epoch `epoch`, counted from 0, with its images in an order drawn from `seed`.

    steps: the number of batches.
    """
    labels = torch.tensor(data.train.labels)
    order = epoch_order(labels, data.balance, generator(seed, "order", epoch))
    return Epoch(data, augmentation, epoch, seed, steps, processes, order)
