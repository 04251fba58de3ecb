"""The batches of an epoch, by number: the same whoever makes them, and wherever an epoch is taken up."""

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
from search.training.distributed import Team
from search.training.rng import draw, generator

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True, eq=False)
class Epoch(torch_data.Dataset[Batch]):
    """The batches of epoch `epoch`, as `augmentation` makes them of the training split of `data`.

    They are of equal size, within one image, and hold every image of the epoch's order once. Of each, a process
    of a team has its own part.
    """

    data: Dataset
    augmentation: Augmentation
    epoch: int
    seed: int
    steps: int
    team: Team
    order: Tensor
    """(n,): see `search.data.balance.epoch_order`."""

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> Batch:
        """Inputs (b, c, h, w) and the shares of the classes in each (b, classes)."""
        indices = self.order.tensor_split(self.steps)[step].tensor_split(self.team.size)[self.team.rank]
        images, labels = gather(self.data.train, indices)
        flip = mirrored(indices, self.epoch, self.seed) if self.data.flip else None
        return self.augmentation(images, labels, flip, draw(self.seed, self.epoch, step, self.team.rank))

    def batches(self, first: int, workers: int) -> Iterable[Batch]:
        """Those from step `first` on. workers: processes that make them ahead of time; 0: none."""
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
    """How many batches of `batch` images an epoch has; none is made up of a few that are left."""
    return max(1, len(data.train) // batch)


def epoch_of(
    data: Dataset, augmentation: Augmentation, epoch: int, seed: int, steps: int, team: Team
) -> Epoch:
    """The batches of an epoch, counted from 0."""
    labels = torch.tensor(data.train.labels)
    order = epoch_order(labels, data.balance, generator(seed, "order", epoch))
    return Epoch(data, augmentation, epoch, seed, steps, team, order)
